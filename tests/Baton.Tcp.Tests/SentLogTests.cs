using Baton.Wire;

namespace Baton.Tcp.Tests;

public class SentLogTests
{
    [Fact]
    public void What_is_sent_at_nearly_the_same_time_is_one_part()
    {
        var log = new SentLog();
        log.OnSent(1, 1001, At(0), TimeSpan.FromMilliseconds(1));
        log.OnSent(1001, 2001, At(1), TimeSpan.FromMilliseconds(1));
        log.OnSent(2001, 3001, At(3), TimeSpan.FromMilliseconds(1));
        Assert.Equal([new(2001, At(1), SentMarks.None) { Since = At(0) }, new(3001, At(3), SentMarks.None)], log.Parts.ToArray());
    }

    [Fact]
    public void What_is_sent_steadily_becomes_a_part_for_each_grain()
    {
        var log = new SentLog();
        for (int i = 0; i < 100; i++)
        {
            log.OnSent(1 + i, 2 + i, At(i), TimeSpan.FromMilliseconds(9));
        }

        Assert.Equal(10, log.Parts.Length);
        Assert.All(log.Parts.ToArray(), part => Assert.Equal(TimeSpan.FromMilliseconds(9), part.At - part.Since));
    }

    [Fact]
    public void A_range_sent_again_is_a_part_of_its_own()
    {
        var log = new SentLog();
        log.OnSent(1, 3001, At(0), default);
        log.MarkLost(1, 3001);
        log.OnResent(1001, 2001, At(9));
        Assert.Equal(
            [new(1001, At(0), SentMarks.Lost), new(2001, At(9), SentMarks.Again), new(3001, At(0), SentMarks.Lost)], log.Parts.ToArray());
        log.RemoveBelow(1501);
        Assert.Equal(1501, log.Start);
        Assert.True(log.HasLost);
        log.ForgetLost();
        Assert.False(log.HasLost);
    }

    [Fact]
    public void Random_changes_agree_with_a_model_by_the_byte_and_stay_bounded()
    {
        for (int seed = 1; seed <= 60; seed++)
        {
            var random = new Random(seed);
            var log = new SentLog();
            var model = new Dictionary<long, (long At, SentMarks Marks)>();
            (long una, long nxt) = (1, 1);
            bool coarse = false;
            for (int step = 0; step < 400; step++)
            {
                long from = random.NextInt64(una, nxt + 1);
                long to = random.NextInt64(from, Math.Min(nxt, from + 40) + 1);
                switch (random.Next(5))
                {
                    case 0 or 1:
                        long end = nxt + random.Next(1, 20);
                        log.OnSent(nxt, end, At(step), default);
                        Put(model, nxt, end, _ => (step, SentMarks.None));
                        nxt = end;
                        break;
                    case 2 when from < to:
                        log.MarkLost(from, to);
                        Put(model, from, to, old => (old.At, old.Marks | SentMarks.Lost));
                        break;
                    case 3 when from < to:
                        log.OnResent(from, to, At(step));
                        Put(model, from, to, _ => (step, SentMarks.Again));
                        break;
                    case 4 when random.Next(8) == 0:
                        una = from;
                        log.RemoveBelow(una);
                        break;
                }

                coarse |= log.Parts.Length > SentLog.MaxParts - 3;
                Assert.True(log.Parts.Length <= SentLog.MaxParts, $"seed {seed}");
                if (!coarse)
                {
                    Compare(log, model, una, nxt, seed);
                }
            }
        }
    }

    [Fact]
    public void Beyond_the_bound_neighbours_are_joined_and_count_as_sent_later()
    {
        var log = new SentLog();
        for (int i = 0; i < 10_000; i++)
        {
            log.OnSent(1 + i, 2 + i, At(i), default);
            if (i % 2 == 0)
            {
                log.MarkLost(1 + i, 2 + i);
            }
        }

        Assert.True(log.Parts.Length <= SentLog.MaxParts);
        Assert.Equal(10_001, log.Parts[^1].End);
        for (int i = 0; i < log.Parts.Length; i++)
        {
            Assert.True(log.Parts[i].At >= At(log.Parts[i].End - 2), "sent earlier than it was");
        }
    }

    private static Instant At(long milliseconds) => Instant.Zero + TimeSpan.FromMilliseconds(milliseconds);

    private static void Put(Dictionary<long, (long At, SentMarks Marks)> model, long from, long to, Func<(long At, SentMarks Marks), (long At, SentMarks Marks)> change)
    {
        for (long i = from; i < to; i++)
        {
            model[i] = change(model.GetValueOrDefault(i));
        }
    }

    private static void Compare(SentLog log, Dictionary<long, (long At, SentMarks Marks)> model, long una, long nxt, int seed)
    {
        Assert.Equal(una == nxt ? -1 : 0, log.IndexOf(una));
        bool lost = false;
        for (long i = una; i < nxt; i++)
        {
            var part = log.Parts[log.IndexOf(i)];
            Assert.True((part.At, part.Marks) == (At(model[i].At), model[i].Marks), $"seed {seed}, position {i}");
            lost |= (part.Marks & SentMarks.Lost) != 0;
        }

        Assert.Equal(lost, log.HasLost);
    }
}
