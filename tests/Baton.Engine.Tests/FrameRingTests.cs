using System.Buffers.Binary;
using Baton.Testing;
using Baton.Wire;

namespace Baton.Engine.Tests;

public sealed class FrameRingTests
{
    private static readonly FrameOffload s_offload = new(ChecksumState.Partial, GsoType.TcpV6, 1448);

    [Fact]
    public void A_frame_comes_out_as_it_went_in_with_what_travels_beside_it()
    {
        var ring = new FrameRing(1024);
        Assert.True(ring.IsEmpty);
        Assert.True(ring.TryWrite(fromLan: true, s_offload, "head"u8, " and rest"u8));
        Assert.True(ring.TryWrite(fromLan: false, FrameOffload.None, "second"u8, default));
        Assert.False(ring.IsEmpty);

        Assert.True(ring.TryRead(out bool fromLan, out var offload, out var frame));
        Assert.True(fromLan);
        Assert.Equal(s_offload, offload);
        Assert.Equal("head and rest"u8, frame);
        ring.Release();
        Assert.True(ring.TryRead(out fromLan, out offload, out frame));
        Assert.False(fromLan);
        Assert.Equal(FrameOffload.None, offload);
        Assert.Equal("second"u8, frame);
        ring.Release();
        Assert.False(ring.TryRead(out _, out _, out _));
        Assert.True(ring.IsEmpty);
    }

    [Fact]
    public void A_full_ring_takes_nothing_until_a_place_is_given_back()
    {
        var ring = new FrameRing(256);
        byte[] frame = new byte[40];
        int written = 0;
        while (ring.TryWrite(false, FrameOffload.None, frame, default))
        {
            written++;
        }

        Assert.Equal(256 / 48, written);
        Assert.True(ring.TryRead(out _, out _, out _));
        Assert.False(ring.TryWrite(false, FrameOffload.None, frame, default));
        ring.Release();

        // The rest up to the end is too short, and the place of the first frame just long enough.
        Assert.True(ring.TryWrite(false, FrameOffload.None, frame, default));
        Assert.False(ring.TryWrite(false, FrameOffload.None, frame, default));
    }

    [Fact]
    public void A_frame_longer_than_a_quarter_is_not_taken()
    {
        var ring = new FrameRing(256);
        Assert.True(ring.TryWrite(false, FrameOffload.None, new byte[56], default));
        Assert.False(ring.TryWrite(false, FrameOffload.None, new byte[57], default));
    }

    [Theory]
    [InlineData(256, 40)]
    [InlineData(1 << 16, 9000)]
    public void What_one_thread_writes_another_reads_whole_and_in_order(int capacity, int longest)
    {
        int frames = QuickForm.Or(200_000, quick: 20_000);
        var ring = new FrameRing(capacity);
        var writer = new Thread(() => Write(ring, frames, longest)) { IsBackground = true };
        writer.Start();
        for (int number = 0; number < frames;)
        {
            if (!ring.TryRead(out bool fromLan, out var offload, out var frame))
            {
                Thread.Yield();
                continue;
            }

            Assert.Equal(LengthOf(number, longest), frame.Length);
            Assert.Equal(number % 3 == 0, fromLan);
            Assert.Equal((ushort)number, offload.SegmentSize);
            Assert.Equal(number, BinaryPrimitives.ReadInt32LittleEndian(frame));
            Assert.Equal((byte)number, frame[^1]);
            ring.Release();
            number++;
        }

        writer.Join();
        Assert.True(ring.IsEmpty);
    }

    private static void Write(FrameRing ring, int frames, int longest)
    {
        byte[] bytes = new byte[longest];
        for (int number = 0; number < frames;)
        {
            var frame = bytes.AsSpan(0, LengthOf(number, longest));
            BinaryPrimitives.WriteInt32LittleEndian(frame, number);
            frame[^1] = (byte)number;
            if (ring.TryWrite(number % 3 == 0, new FrameOffload(default, default, (ushort)number), frame[..4], frame[4..]))
            {
                number++;
            }
            else
            {
                Thread.Yield();
            }
        }
    }

    private static int LengthOf(int number, int longest) => 5 + (int)((uint)number * 2654435761u % (uint)(longest - 4));
}
