using System.Runtime.InteropServices;
using Baton.Wire;

namespace Baton.Link.Tests;

public sealed class VirtioNetHeaderTests
{
    [Fact]
    public void An_ordinary_frame_has_an_empty_header()
    {
        Assert.True(VirtioNetHeader.TryDescribe(FrameOffload.None, Frames.Numbered(Frames.A, Frames.B, 1), out var header));
        Assert.Equal(new byte[VirtioNetHeader.Length], Bytes(header));
    }

    [Theory]
    [InlineData(TcpFlags.Ack, 1)]
    [InlineData(TcpFlags.Ack | TcpFlags.Cwr, 0x81)]
    public void A_super_frame_is_described_by_its_headers_alone_and_read_back(TcpFlags flags, byte gso)
    {
        var offload = new FrameOffload(ChecksumState.Partial, GsoType.TcpV4, 1460);
        byte[] frame = Frames.Tcp(Frames.A, Frames.B, 4000, flags);

        Assert.True(VirtioNetHeader.TryDescribe(offload, frame.AsSpan(0, 54), out var header));

        Assert.Equal((1, gso, 54, 1460, 34, 16),
            (header.Flags, header.GsoType, header.HeadersLength, header.SegmentSize, header.ChecksumStart, header.ChecksumOffset));
        Assert.True(header.TryRead(frame, out var read));
        Assert.Equal(offload, read);
    }

    [Fact]
    public void Offload_for_a_frame_without_transport_header_is_refused()
    {
        var offload = new FrameOffload(ChecksumState.Partial, GsoType.None, 0);

        Assert.False(VirtioNetHeader.TryDescribe(offload, Frames.Numbered(Frames.A, Frames.B, 1), out _));
    }

    [Fact]
    public void A_checksum_elsewhere_than_in_the_outer_header_is_completed_on_the_spot()
    {
        // Two words from 40 on, the sum put behind them: 0x0102 + 0x0304 + 0x0506, complemented.
        byte[] frame = Frames.Tcp(Frames.A, Frames.B, 0);
        byte[] tail = [1, 2, 3, 4, 5, 6];
        frame = [.. frame, .. tail];
        var header = new VirtioNetHeader { Flags = 1, ChecksumStart = 54, ChecksumOffset = 4 };

        Assert.True(header.TryRead(frame, out var offload));

        Assert.Equal(FrameOffload.None, offload);
        Assert.Equal([1, 2, 3, 4, 0xF6, 0xF3], frame[54..]);
    }

    [Fact]
    public void No_header_makes_us_read_or_write_outside_the_frame()
    {
        var random = new SeededRandom(11);
        byte[] whole = Frames.Tcp(Frames.A, Frames.B, 40);
        for (int i = 0; i < 100_000; i++)
        {
            byte[] bytes = new byte[VirtioNetHeader.Length];
            for (int j = 0; j < bytes.Length; j++)
            {
                bytes[j] = (byte)random.Next(random.Chance(0.5) ? 8 : 256);
            }

            byte[] frame = whole[..(14 + (int)random.Next(whole.Length - 14))];
            frame[12 + (int)random.Next(frame.Length - 12)] = (byte)random.NextUInt64();
            if (MemoryMarshal.Read<VirtioNetHeader>(bytes).TryRead(frame, out var offload))
            {
                Assert.Equal(offload.Gso == GsoType.None, offload.SegmentSize == 0);
            }
        }
    }

    private static byte[] Bytes(VirtioNetHeader header) => MemoryMarshal.AsBytes(new ReadOnlySpan<VirtioNetHeader>(in header)).ToArray();
}
