namespace Baton.Tcp.Tests;

public class RangeSetTests
{
    [Fact]
    public void It_equals_a_set_of_positions()
    {
        const int seed = 99;
        var random = new Random(seed);
        for (int round = 0; round < 300; round++)
        {
            var set = new RangeSet();
            var model = new bool[400];
            for (int step = 0; step < 60; step++)
            {
                if (random.Next(8) == 0)
                {
                    int below = random.Next(200);
                    set.RemoveBelow(below);
                    model.AsSpan(0, below).Clear();
                }
                else
                {
                    int start = random.Next(350);
                    int end = start + random.Next(1, 30);
                    if (set.TryAdd(start, end))
                    {
                        model.AsSpan(start, end - start).Fill(true);
                    }
                }

                Compare(set, model, $"seed {seed} round {round} step {step}");
            }
        }
    }

    [Fact]
    public void One_range_too_many_is_refused_and_joining_ones_are_not()
    {
        var set = new RangeSet();
        for (int i = 0; i < RangeSet.MaxRanges; i++)
        {
            Assert.True(set.TryAdd(10 * i, (10 * i) + 5));
        }

        Assert.False(set.TryAdd(10_000, 10_001));
        Assert.True(set.TryAdd(5, 10));
        Assert.Equal(RangeSet.MaxRanges - 1, set.Count);
        Assert.True(set.TryAdd(10_000, 10_001));
    }

    private static void Compare(RangeSet set, bool[] model, string where)
    {
        Assert.True(model.Count(m => m) == set.Total, where);
        for (int i = 0; i < model.Length; i++)
        {
            Assert.True(model[i] == set.TryFind(i, out _), $"{where} at {i}");
        }

        for (int i = 1; i < set.Count; i++)
        {
            Assert.True(set.Ranges[i - 1].End < set.Ranges[i].Start, where);
        }

        Assert.True(set.TotalFrom(100) == model.Skip(100).Count(m => m), where);
    }
}
