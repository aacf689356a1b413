using System.Buffers.Binary;
using Baton.Wire;

namespace Baton.Link.Tests;

public sealed class QueueTests
{
    [Fact]
    public void A_delay_queue_gives_items_by_time_and_equal_times_by_arrival()
    {
        for (ulong seed = 1; seed <= 50; seed++)
        {
            var random = new SeededRandom(seed);
            var queue = new DelayQueue<int>();
            var expected = new List<(long Due, int Number)>();
            for (int i = 0; i < 200; i++)
            {
                long due = random.Next(30);
                queue.Add(new Instant(due), i);
                expected.Add((due, i));
                if (random.Chance(0.3))
                {
                    var first = expected.Order().First();
                    Assert.True(queue.TryTake(Instant.Never, out var taken, out int number));
                    Assert.Equal(first, (taken.Ticks, number));
                    expected.Remove(first);
                }
            }

            foreach (var (due, number) in expected.Order())
            {
                Assert.Equal(due, queue.NextDue.Ticks);
                Assert.False(queue.TryTake(new Instant(due - 1), out _, out _));
                Assert.True(queue.TryTake(new Instant(due), out _, out int taken));
                Assert.Equal(number, taken);
            }

            Assert.Equal(Instant.Never, queue.NextDue);
        }
    }

    [Fact]
    public void A_capture_ring_passes_every_piece_whole_and_in_order_between_two_threads()
    {
        const int pieces = 50_000;
        var ring = new CaptureRing(1);
        var producer = new Thread(() =>
        {
            var random = new SeededRandom(1);
            for (int i = 0; i < pieces;)
            {
                int length = 8 + (int)random.Next(i % 500 == 0 ? 60_000 : 300);
                Span<byte> place;
                while ((place = ring.Reserve(length)).IsEmpty)
                {
                    Thread.Yield();
                }

                BinaryPrimitives.WriteInt32LittleEndian(place, length);
                BinaryPrimitives.WriteInt32LittleEndian(place[4..], i++);
                place[8..].Fill((byte)i);
                ring.Commit(length);
            }
        });
        producer.Start();
        for (int next = 0; next < pieces;)
        {
            var bytes = ring.Peek();
            int total = bytes.Length;
            while (!bytes.IsEmpty)
            {
                int length = BinaryPrimitives.ReadInt32LittleEndian(bytes);
                Assert.Equal(next++, BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]));
                Assert.Equal(-1, bytes[8..length].IndexOfAnyExcept((byte)next));
                bytes = bytes[length..];
            }

            ring.Release(total);
        }

        producer.Join();
        Assert.Equal(0, ring.Waiting);
    }
}
