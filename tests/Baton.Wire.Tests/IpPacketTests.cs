using System.Buffers.Binary;

namespace Baton.Wire.Tests;

public sealed class IpPacketTests
{
    private static readonly InetAddress SourceV4 = InetAddress.Parse("203.0.113.2");
    private static readonly InetAddress TargetV4 = InetAddress.Parse("198.51.100.101");
    private static readonly InetAddress SourceV6 = InetAddress.Parse("2001:db8:1::2");
    private static readonly InetAddress TargetV6 = InetAddress.Parse("2001:db8::101");
    private static readonly byte[] Udp = [0x0F, 0xA0, 0, 53, 0, 8, 0, 0];

    [Fact]
    public void Padding_behind_the_packet_is_not_counted()
    {
        byte[] padded = [.. V4(), .. new byte[30]];

        var packet = Packets.Parse(padded);

        Assert.Equal(28, packet.TotalLength);
        Assert.Equal(8, packet.Payload(padded).Length);
        Assert.Equal("udp 203.0.113.2:4000 > 198.51.100.101:53", packet.FlowAtDestination().ToString());
    }

    [Fact]
    public void A_packet_shorter_than_it_says_is_truncated()
    {
        Assert.Equal(DropReason.Truncated, IpPacket.TryParse(V4().AsSpan(0, 27), out _));
        Assert.Equal(DropReason.Truncated, IpPacket.TryParse(V6(IpProtocol.Udp, Udp).AsSpan(0, 47), out _));
        Assert.Equal(DropReason.Truncated, IpPacket.TryParse([], out _));
    }

    [Fact]
    public void A_wrong_IPv4_header_checksum_is_named()
    {
        byte[] packet = V4();
        packet[8]--;

        Assert.Equal(DropReason.IpBadChecksum, IpPacket.TryParse(packet, out _));
        Assert.Equal(DropReason.None, IpPacket.TryParseQuoted(packet, out _));
    }

    [Theory]
    [InlineData(0x44, DropReason.IpBadHeaderLength)]
    [InlineData(0x35, DropReason.IpBadVersion)]
    [InlineData(0x75, DropReason.IpBadVersion)]
    public void A_first_byte_that_cannot_be_is_named(byte first, DropReason expected)
    {
        byte[] packet = V4();
        packet[0] = first;

        Assert.Equal(expected, IpPacket.TryParse(packet, out _));
    }

    [Theory]
    [InlineData("01010100", DropReason.None)]
    [InlineData("94040000", DropReason.None)]
    [InlineData("83030400", DropReason.IpSourceRoute)]
    [InlineData("89030400", DropReason.IpSourceRoute)]
    [InlineData("07010000", DropReason.IpBadOptions)]
    [InlineData("07080000", DropReason.IpBadOptions)]
    public void IPv4_options_are_walked(string options, DropReason expected)
    {
        byte[] packet = [.. V4().AsSpan(0, 20), .. Convert.FromHexString(options), .. Udp];
        packet[0] = 0x46;
        packet[3] = (byte)packet.Length;
        Ipv4Header.WriteChecksum(packet.AsSpan(0, 24));

        Assert.Equal(expected, IpPacket.TryParse(packet, out var parsed));
        if (expected == DropReason.None)
        {
            Assert.Equal(24, parsed.HeaderLength);
            Assert.Equal(53, parsed.DestinationPort);
        }
    }

    [Fact]
    public void Only_a_first_fragment_has_ports()
    {
        var first = Packets.Parse(Fragment(0x2000));
        var later = Packets.Parse(Fragment(0x0002));

        Assert.True(first is { IsFragment: true, MoreFragments: true, FragmentOffset: 0, HasPorts: true, DestinationPort: 53 });
        Assert.True(later is { IsFragment: true, MoreFragments: false, FragmentOffset: 16, HasPorts: false, DestinationPort: 0 });
    }

    [Fact]
    public void A_fragment_that_ends_beyond_65535_bytes_or_is_no_multiple_of_eight_cannot_be()
    {
        Assert.Equal(DropReason.IpBadFragment, IpPacket.TryParse(Fragment(0x1FFF), out _));
        Assert.Equal(DropReason.IpBadFragment, IpPacket.TryParse(Fragment(0x2001, length: 27), out _));
    }

    [Fact]
    public void IPv6_extension_headers_are_walked_up_to_their_bound()
    {
        byte[] options = [60, 0, 1, 4, 0, 0, 0, 0];
        byte[] last = [17, 0, 1, 4, 0, 0, 0, 0];
        byte[] Chain(int count) => [.. Enumerable.Repeat(options, count - 1).SelectMany(bytes => bytes), .. last, .. Udp];

        Assert.Equal(DropReason.None, IpPacket.TryParse(V6((IpProtocol)60, Chain(IpPacket.MaxExtensionHeaders)), out var parsed));
        Assert.Equal(40 + (8 * IpPacket.MaxExtensionHeaders), parsed.HeaderLength);
        Assert.Equal(53, parsed.DestinationPort);
        Assert.Equal(
            DropReason.IpTooManyExtensionHeaders,
            IpPacket.TryParse(V6((IpProtocol)60, Chain(IpPacket.MaxExtensionHeaders + 1)), out _));
    }

    [Theory]
    [InlineData("1100040000000000", DropReason.None)]
    [InlineData("1100040100000000", DropReason.IpSourceRoute)]
    public void A_routing_header_with_segments_left_is_a_source_route(string header, DropReason expected) =>
        Assert.Equal(expected, IpPacket.TryParse(V6((IpProtocol)43, [.. Convert.FromHexString(header), .. Udp]), out _));

    [Fact]
    public void An_IPv6_fragment_tells_where_its_header_stands_and_what_follows()
    {
        var later = Packets.Parse(V6((IpProtocol)44, [17, 0, 0, 16, 1, 2, 3, 4, .. Udp]));
        var atomic = Packets.Parse(V6((IpProtocol)44, [17, 0, 0, 0, 1, 2, 3, 4, .. Udp]));

        Assert.True(later is { Protocol: IpProtocol.Udp, IsFragment: true, FragmentOffset: 16, FragmentHeaderOffset: 40, HeaderLength: 48, Identification: 0x01020304, HasPorts: false });
        Assert.True(atomic is { Protocol: IpProtocol.Udp, IsFragment: false, FragmentHeaderOffset: 40, HeaderLength: 48, HasPorts: true, DestinationPort: 53 });
    }

    [Fact]
    public void An_IPv4_mapped_address_never_stands_in_an_IPv6_packet()
    {
        byte[] packet = V6(IpProtocol.Udp, Udp);
        packet.AsSpan(8, 10).Clear();
        packet[18] = packet[19] = 0xFF;

        Assert.Equal(DropReason.IpMartianSource, IpPacket.TryParse(packet, out _));
    }

    private static byte[] V4() => Packets.Ip(SourceV4, TargetV4, IpProtocol.Udp, Udp);

    private static byte[] V6(IpProtocol next, ReadOnlySpan<byte> payload) => Packets.Ip(SourceV6, TargetV6, next, payload);

    private static byte[] Fragment(ushort field, int length = 28)
    {
        byte[] packet = V4()[..length];
        packet[3] = (byte)length;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(6), field);
        Ipv4Header.WriteChecksum(packet.AsSpan(0, 20));
        return packet;
    }
}
