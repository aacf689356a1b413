using Baton.Wire;

namespace Baton.RealPackets.Tests;

/// <summary>Frames made by hand.</summary>
internal static class Frames
{
    public static byte[] Arp(MacAddress from, MacAddress to, in ArpPacket arp)
    {
        byte[] frame = new byte[EthernetHeader.Length + ArpPacket.Length];
        new EthernetHeader(to, from, EtherType.Arp).Write(frame);
        arp.Write(frame.AsSpan(EthernetHeader.Length));
        return frame;
    }

    public static byte[] Tcp(
        MacAddress from, MacAddress to, InetAddress source, InetAddress destination, in TcpHeader header, ReadOnlySpan<byte> payload)
    {
        byte[] segment = new byte[header.Length + payload.Length];
        header.Write(segment);
        payload.CopyTo(segment.AsSpan(header.Length));
        TcpChecksum.Write(segment, TcpChecksum.Compute(source, destination, segment));
        return Ip(from, to, source, destination, IpProtocol.Tcp, segment);
    }

    public static byte[] Udp(
        MacAddress from, MacAddress to, InetAddress source, InetAddress destination, ushort sourcePort, ushort port, ReadOnlySpan<byte> payload)
    {
        byte[] datagram = new byte[UdpHeader.Length + payload.Length];
        new UdpHeader(sourcePort, port, (ushort)datagram.Length, 0).Write(datagram);
        payload.CopyTo(datagram.AsSpan(UdpHeader.Length));
        UdpChecksum.Write(datagram, UdpChecksum.Compute(source, destination, datagram));
        return Ip(from, to, source, destination, IpProtocol.Udp, datagram);
    }

    public static byte[] Ip(
        MacAddress from, MacAddress to, InetAddress source, InetAddress destination, IpProtocol protocol, ReadOnlySpan<byte> payload)
    {
        byte[] frame = new byte[EthernetHeader.Length + Ipv4Header.Length + payload.Length];
        new EthernetHeader(to, from, EtherType.Ipv4).Write(frame);
        Ipv4Header.Write(frame.AsSpan(EthernetHeader.Length), source, destination, protocol, Ipv4Header.Length + payload.Length);
        payload.CopyTo(frame.AsSpan(EthernetHeader.Length + Ipv4Header.Length));
        return frame;
    }
}
