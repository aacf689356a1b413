namespace Baton.Wire.Tests;

/// <summary>Builds whole packets.</summary>
internal static class Packets
{
    public static byte[] Ip(InetAddress source, InetAddress destination, IpProtocol protocol, ReadOnlySpan<byte> payload, ushort identification = 0)
    {
        var packet = new byte[(source.IsV4 ? Ipv4Header.Length : Ipv6Header.Length) + payload.Length];
        int length = source.IsV4
            ? Ipv4Header.Write(packet, source, destination, protocol, packet.Length, identification)
            : Ipv6Header.Write(packet, source, destination, protocol, payload.Length);
        payload.CopyTo(packet.AsSpan(length));
        return packet;
    }

    public static byte[] Tcp(InetAddress source, InetAddress destination, in TcpHeader header, ReadOnlySpan<byte> payload, ushort identification = 0)
    {
        var segment = new byte[header.Length + payload.Length];
        int length = header.Write(segment);
        payload.CopyTo(segment.AsSpan(length));
        TcpChecksum.Write(segment, TcpChecksum.Compute(source, destination, segment));
        return Ip(source, destination, IpProtocol.Tcp, segment, identification);
    }

    public static byte[] Udp(InetAddress source, InetAddress destination, ushort sourcePort, ushort destinationPort, ReadOnlySpan<byte> payload, ushort identification = 0)
    {
        var datagram = new byte[UdpHeader.Length + payload.Length];
        new UdpHeader(sourcePort, destinationPort, (ushort)datagram.Length, 0).Write(datagram);
        payload.CopyTo(datagram.AsSpan(UdpHeader.Length));
        UdpChecksum.Write(datagram, UdpChecksum.Compute(source, destination, datagram));
        return Ip(source, destination, IpProtocol.Udp, datagram, identification);
    }

    public static byte[] Next(Random random)
    {
        var family = random.NextFamily();
        var source = random.NextAddress(family);
        var destination = random.NextAddress(family);
        var payload = random.Bytes(random.Next(200));
        return random.NextBool()
            ? Tcp(source, destination, random.NextTcpHeader(), payload, random.NextUShort())
            : Udp(source, destination, random.NextUShort(), random.NextUShort(), payload, random.NextUShort());
    }

    public static IpPacket Parse(ReadOnlySpan<byte> packet)
    {
        Assert.Equal(DropReason.None, IpPacket.TryParse(packet, out var parsed));
        return parsed;
    }

    public static bool HasRightChecksum(ReadOnlySpan<byte> packet)
    {
        var parsed = Parse(packet);
        var transport = parsed.Payload(packet);
        return parsed.Protocol == IpProtocol.Tcp ? TcpChecksum.Verify(in parsed, transport) : UdpChecksum.Verify(in parsed, transport);
    }
}
