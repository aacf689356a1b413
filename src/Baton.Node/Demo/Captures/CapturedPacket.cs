using System.Buffers.Binary;
using Baton.Wire;

namespace Baton.Node.Demo;

/// <summary>
/// What the checks need of a captured packet. Captured frames are cut, which the stack's own parsers refuse: here
/// lengths are taken from the headers, and only what is there is read.
/// </summary>
internal readonly record struct CapturedPacket(
    IpProtocol Protocol, InetAddress Source, InetAddress Destination, int SourcePort, int DestinationPort, int PayloadLength, bool IsReset)
{
    private const int Ipv4Length = 20;
    private const int Ipv6Length = 40;
    private const int UdpLength = 8;
    private const int GeneveLength = 8;
    private const int GenevePort = 6081;
    private const byte ResetFlag = 0x04;

    /// <summary>Whether it carries another packet (RFC 8926).</summary>
    public bool IsEncapsulated => Protocol == IpProtocol.Udp && DestinationPort == GenevePort;

    /// <summary>Reads the packet of an Ethernet frame; null for anything else than TCP and UDP right behind an IP header.</summary>
    public static CapturedPacket? OfFrame(ReadOnlySpan<byte> frame) =>
        EthernetHeader.TryParse(frame, out var ethernet) && ethernet.EtherType is EtherType.Ipv4 or EtherType.Ipv6 ? Read(frame[EthernetHeader.Length..]) : null;

    /// <summary>Reads the packet inside an encapsulated one.</summary>
    public static CapturedPacket? InnerOfFrame(ReadOnlySpan<byte> frame)
    {
        if (frame.Length <= EthernetHeader.Length)
        {
            return null;
        }

        int geneve = EthernetHeader.Length + (frame[EthernetHeader.Length] >> 4 == 6 ? Ipv6Length : Ipv4Length) + UdpLength;
        if (frame.Length < geneve + GeneveLength)
        {
            return null;
        }

        int options = (frame[geneve] & 0x3F) * 4;
        int inner = geneve + GeneveLength + options;
        return inner < frame.Length ? Read(frame[inner..]) : null;
    }

    private static CapturedPacket? Read(ReadOnlySpan<byte> packet) => packet.Length < Ipv4Length ? null : (packet[0] >> 4) switch
    {
        4 when (BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) & 0x1FFF) == 0 => Read(
            packet, (packet[0] & 0x0F) * 4, BinaryPrimitives.ReadUInt16BigEndian(packet[2..]), (IpProtocol)packet[9], packet[12..16], packet[16..20]),
        6 when packet.Length >= Ipv6Length => Read(
            packet, Ipv6Length, Ipv6Length + BinaryPrimitives.ReadUInt16BigEndian(packet[4..]), (IpProtocol)packet[6], packet[8..24], packet[24..40]),
        _ => null,
    };

    private static CapturedPacket? Read(
        ReadOnlySpan<byte> packet, int header, int total, IpProtocol protocol, ReadOnlySpan<byte> source, ReadOnlySpan<byte> destination)
    {
        if (protocol is not (IpProtocol.Tcp or IpProtocol.Udp) || packet.Length < header + (protocol == IpProtocol.Tcp ? 14 : UdpLength))
        {
            return null;
        }

        var transport = packet[header..];
        int transportLength = protocol == IpProtocol.Tcp ? (transport[12] >> 4) * 4 : UdpLength;
        return new(
            protocol,
            InetAddress.FromBytes(source),
            InetAddress.FromBytes(destination),
            BinaryPrimitives.ReadUInt16BigEndian(transport),
            BinaryPrimitives.ReadUInt16BigEndian(transport[2..]),
            total - header - transportLength,
            protocol == IpProtocol.Tcp && (transport[13] & ResetFlag) != 0);
    }
}
