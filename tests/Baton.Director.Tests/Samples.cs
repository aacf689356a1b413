using System.Buffers.Binary;
using Baton.Wire;

namespace Baton.Director.Tests;

/// <summary>Flows, references and packets that the tests share.</summary>
internal static class Samples
{
    public static readonly HashKey Key = new(0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3210);
    public static readonly NodeId A = new(1);
    public static readonly NodeId B = new(2);
    public static readonly NodeId C = new(3);

    public static readonly OuterAddresses LanV4 = new(
        Mac("02:00:00:00:00:01"), Mac("02:00:00:00:00:02"), InetAddress.Parse("192.0.2.1"), InetAddress.Parse("192.0.2.2"));

    public static readonly OuterAddresses LanV6 = new(
        Mac("02:00:00:00:00:01"), Mac("02:00:00:00:00:02"), InetAddress.Parse("2001:db8::1"), InetAddress.Parse("2001:db8::2"));

    public static Flow FlowNumber(int number, IpProtocol protocol = IpProtocol.Tcp) => new(
        protocol,
        new(InetAddress.Parse("198.51.100.101"), 80, InetAddress.FromV4(0xCB00_7100 | (uint)(number & 0xFF)), (ushort)(1024 + (number >> 8))));

    /// <summary>A member's state.</summary>
    public static MemberState State(NodeId node, uint live = 0) => new(node, 1, live, 0, 0, Draining: false, Weight: 1);

    public static Flow FlowV6 { get; } = new(
        IpProtocol.Tcp, new(InetAddress.Parse("2001:db8:1::101"), 80, InetAddress.Parse("2001:db8:2::2"), 40_000));

    public static Reference ReferenceTo(Flow flow, InetAddress owner, ulong id = 0x1122_3344_5566_7788) => new(
        flow,
        new(id),
        Epoch.First,
        owner,
        8080,
        flow.Protocol == IpProtocol.Tcp ? new SequenceGroup(new(1000), new(2000), new(1001), new(1001), new(2001)) : null);

    public static EncodedReference Encoded(ulong id) =>
        ReferenceCodec.Encode(ReferenceTo(FlowNumber(1), LanV4.Destination, id));

    /// <summary>A client's packet of a flow, checksums complete, with <paramref name="payload"/> bytes of random payload.</summary>
    public static byte[] Packet(Flow flow, int payload, Random random)
    {
        int transport = flow.Protocol == IpProtocol.Tcp ? 20 : UdpHeader.Length;
        bool v4 = flow.Tuple.RemoteAddress.IsV4;
        int ip = v4 ? Ipv4Header.Length : Ipv6Header.Length;
        byte[] packet = new byte[ip + transport + payload];
        var segment = packet.AsSpan(ip);
        random.NextBytes(segment[transport..]);
        BinaryPrimitives.WriteUInt16BigEndian(segment, flow.Tuple.RemotePort);
        BinaryPrimitives.WriteUInt16BigEndian(segment[2..], flow.Tuple.LocalPort);
        if (flow.Protocol == IpProtocol.Tcp)
        {
            BinaryPrimitives.WriteUInt32BigEndian(segment[4..], (uint)random.NextInt64(1L << 32));
            segment[12] = 5 << 4;
            segment[13] = 0x18;
        }
        else
        {
            BinaryPrimitives.WriteUInt16BigEndian(segment[4..], (ushort)segment.Length);
        }

        WriteIpHeader(packet, flow.Protocol, flow.Tuple.RemoteAddress, flow.Tuple.LocalAddress, segment.Length);
        if (flow.Protocol == IpProtocol.Tcp)
        {
            TcpChecksum.Write(segment, TcpChecksum.Compute(flow.Tuple.RemoteAddress, flow.Tuple.LocalAddress, segment));
        }
        else
        {
            UdpChecksum.Write(segment, UdpChecksum.Compute(flow.Tuple.RemoteAddress, flow.Tuple.LocalAddress, segment));
        }

        return packet;
    }

    /// <summary>A router's error about a packet that we sent on a flow.</summary>
    public static byte[] IcmpError(Flow flow, InetAddress router)
    {
        byte[] ours = Packet(new(flow.Protocol, flow.Tuple.Reversed), 64, new Random(1));
        bool v4 = router.IsV4;
        var message = new IcmpMessage(
            router.Family, v4 ? IcmpType.DestinationUnreachable : IcmpV6Type.DestinationUnreachable, 1, 0, ours.AsSpan(0, v4 ? 28 : 100));
        int ip = v4 ? Ipv4Header.Length : Ipv6Header.Length;
        byte[] packet = new byte[ip + message.Length];
        message.Write(packet.AsSpan(ip), router, flow.Tuple.LocalAddress);
        WriteIpHeader(packet, v4 ? IpProtocol.Icmp : IpProtocol.IcmpV6, router, flow.Tuple.LocalAddress, message.Length);
        return packet;
    }

    public static IpPacket Parse(ReadOnlySpan<byte> packet)
    {
        Assert.Equal(DropReason.None, IpPacket.TryParse(packet, out var layout));
        return layout;
    }

    private static void WriteIpHeader(Span<byte> packet, IpProtocol protocol, InetAddress source, InetAddress destination, int length)
    {
        if (source.IsV4)
        {
            Ipv4Header.Write(packet, source, destination, protocol, Ipv4Header.Length + length, identification: 7);
        }
        else
        {
            Ipv6Header.Write(packet, source, destination, protocol, length);
        }
    }

    private static MacAddress Mac(string text) => MacAddress.TryParse(text, out var mac) ? mac : throw new FormatException(text);
}
