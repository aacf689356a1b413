namespace Baton.Wire.Tests;

public sealed class SegmentationTests
{
    private static readonly InetAddress ClientV4 = InetAddress.Parse("203.0.113.2");
    private static readonly InetAddress ServiceV4 = InetAddress.Parse("198.51.100.101");
    private static readonly InetAddress ClientV6 = InetAddress.Parse("2001:db8:1::2");
    private static readonly InetAddress ServiceV6 = InetAddress.Parse("2001:db8::101");
    private static readonly byte[] Ten = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

    private static readonly TcpHeader Header = new()
    {
        SourcePort = 40000,
        DestinationPort = 80,
        Sequence = new(uint.MaxValue - 2),
        Acknowledgment = new(77),
        Flags = TcpFlags.Ack | TcpFlags.Psh | TcpFlags.Fin | TcpFlags.Cwr | TcpFlags.Ece,
        Window = 1000,
        Options = new() { HasTimestamps = true, TimestampValue = 5, TimestampEcho = 6 },
    };

    [Fact]
    public void A_TCP_super_segment_over_IPv4_is_cut_as_the_kernel_does()
    {
        byte[] super = Packets.Tcp(ClientV4, ServiceV4, in Header, Ten, identification: ushort.MaxValue);

        var packets = Cut(super, new(ChecksumState.Partial, GsoType.TcpV4, 4));

        const TcpFlags middle = TcpFlags.Ack | TcpFlags.Ece;
        Assert.Equal(
            [
                Packets.Tcp(ClientV4, ServiceV4, Header with { Flags = middle | TcpFlags.Cwr }, [0, 1, 2, 3], ushort.MaxValue),
                Packets.Tcp(ClientV4, ServiceV4, Header with { Flags = middle, Sequence = new(1) }, [4, 5, 6, 7], 0),
                Packets.Tcp(ClientV4, ServiceV4, Header with { Flags = middle | TcpFlags.Psh | TcpFlags.Fin, Sequence = new(5) }, [8, 9], 1),
            ],
            packets);
    }

    [Fact]
    public void A_TCP_super_segment_over_IPv6_is_cut_as_the_kernel_does()
    {
        byte[] super = Packets.Tcp(ClientV6, ServiceV6, in Header, Ten);

        var packets = Cut(super, new(ChecksumState.Partial, GsoType.TcpV6, 5));

        const TcpFlags both = TcpFlags.Ack | TcpFlags.Ece;
        Assert.Equal(
            [
                Packets.Tcp(ClientV6, ServiceV6, Header with { Flags = both | TcpFlags.Cwr }, [0, 1, 2, 3, 4]),
                Packets.Tcp(ClientV6, ServiceV6, Header with { Flags = both | TcpFlags.Psh | TcpFlags.Fin, Sequence = new(2) }, [5, 6, 7, 8, 9]),
            ],
            packets);
    }

    [Fact]
    public void A_UDP_super_datagram_is_cut_into_equal_datagrams_and_a_rest()
    {
        var v4 = Cut(Packets.Udp(ClientV4, ServiceV4, 4000, 53, Ten, identification: 8), new(ChecksumState.Partial, GsoType.UdpL4, 4));
        var v6 = Cut(Packets.Udp(ClientV6, ServiceV6, 4000, 53, Ten), new(ChecksumState.Partial, GsoType.UdpL4, 6));

        Assert.Equal(
            [
                Packets.Udp(ClientV4, ServiceV4, 4000, 53, [0, 1, 2, 3], 8),
                Packets.Udp(ClientV4, ServiceV4, 4000, 53, [4, 5, 6, 7], 9),
                Packets.Udp(ClientV4, ServiceV4, 4000, 53, [8, 9], 10),
            ],
            v4);
        Assert.Equal(
            [
                Packets.Udp(ClientV6, ServiceV6, 4000, 53, [0, 1, 2, 3, 4, 5]),
                Packets.Udp(ClientV6, ServiceV6, 4000, 53, [6, 7, 8, 9]),
            ],
            v6);
    }

    [Fact]
    public void One_packet_comes_out_whole_with_its_checksum_completed()
    {
        byte[] packet = Packets.Tcp(ClientV4, ServiceV4, in Header, Ten, identification: 3);
        byte[] partial = [.. packet];
        TcpChecksum.Write(partial.AsSpan(Ipv4Header.Length), TcpChecksum.Partial(ClientV4, ServiceV4, packet.Length - Ipv4Header.Length));

        Assert.Equal([packet], Cut(partial, new(ChecksumState.Partial, GsoType.None, 0)));
    }

    [Fact]
    public void A_packet_with_nothing_to_do_comes_out_unchanged_whatever_it_holds()
    {
        byte[] icmp = Packets.Ip(ClientV4, ServiceV4, IpProtocol.Icmp, Ten, identification: 3);

        Assert.Equal([icmp], Cut(icmp, FrameOffload.None));
    }

    [Fact]
    public void The_parts_a_frame_stands_in_make_no_difference() => Seeds.Run(2000, random =>
    {
        var family = random.NextFamily();
        var payload = random.Bytes(random.Next(1, 5000));
        byte[] packet = Packets.Tcp(random.NextAddress(family), random.NextAddress(family), random.NextTcpHeader(), payload);
        var offload = new FrameOffload(
            ChecksumState.Partial, family == AddressFamily.V4 ? GsoType.TcpV4 : GsoType.TcpV6, (ushort)random.Next(1, 1600));
        var whole = Cut(packet, offload);

        byte[] frame = [.. random.Bytes(EthernetHeader.Length), .. packet];
        int first = random.Next(frame.Length - payload.Length, frame.Length + 1);
        int second = random.Next(first, frame.Length + 1);
        Assert.Equal(
            DropReason.None,
            Segmentation.TryStart(frame.AsSpan(0, first), frame.AsSpan(first, second - first), frame.AsSpan(second), offload, EthernetHeader.Length, out var segments));
        Assert.Equal(whole.Count, segments.Count);
        var buffer = new byte[segments.MaxPacketLength];
        foreach (byte[] expected in whole)
        {
            Assert.True(segments.TryNext(buffer, out int written));
            Assert.Equal(frame.AsSpan(0, EthernetHeader.Length), buffer.AsSpan(0, EthernetHeader.Length));
            Assert.Equal(expected, buffer.AsSpan(EthernetHeader.Length, written - EthernetHeader.Length));
            Assert.True(Packets.HasRightChecksum(buffer.AsSpan(EthernetHeader.Length, written - EthernetHeader.Length)));
        }

        Assert.False(segments.TryNext(buffer, out _));
        Assert.Equal(payload, whole.SelectMany(piece => piece[^(piece.Length - HeadersOf(piece))..]));
    });

    [Theory]
    [InlineData(GsoType.TcpV6, 4)]
    [InlineData(GsoType.UdpL4, 4)]
    [InlineData(GsoType.TcpV4, 0)]
    public void What_cannot_be_cut_as_asked_is_refused(GsoType type, int size)
    {
        byte[] packet = Packets.Tcp(ClientV4, ServiceV4, in Header, Ten);

        Assert.Equal(DropReason.SegmentationFailed, Segmentation.TryStart(packet, new(ChecksumState.Partial, type, (ushort)size), out _));
    }

    private static int HeadersOf(byte[] packet)
    {
        var parsed = Packets.Parse(packet);
        TcpHeader.TryParse(parsed.Payload(packet), out _, out int length);
        return parsed.HeaderLength + length;
    }

    private static List<byte[]> Cut(byte[] packet, FrameOffload offload)
    {
        Assert.Equal(DropReason.None, Segmentation.TryStart(packet, offload, out var segments));
        var packets = new List<byte[]>();
        var buffer = new byte[segments.MaxPacketLength];
        while (segments.TryNext(buffer, out int written))
        {
            packets.Add(buffer[..written]);
        }

        return packets;
    }
}
