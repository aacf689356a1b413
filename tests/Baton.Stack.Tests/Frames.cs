using System.Buffers.Binary;
using Baton.Wire;

namespace Baton.Stack.Tests;

/// <summary>Frames made by hand, as the client or another node would send them.</summary>
internal static class Frames
{
    public static Frame Arp(ArpOperation operation, MacAddress senderMac, InetAddress sender, InetAddress target, MacAddress targetMac = default)
    {
        var destination = operation == ArpOperation.Request ? MacAddress.Broadcast : targetMac;
        var bytes = new byte[EthernetHeader.Length + ArpPacket.Length];
        new EthernetHeader(destination, senderMac, EtherType.Arp).Write(bytes);
        new ArpPacket(operation, senderMac, sender, targetMac, target).Write(bytes.AsSpan(EthernetHeader.Length));
        return new Frame(bytes);
    }

    public static Frame Tcp(
        FourTuple atServer, TcpFlags flags, uint sequence = 0, uint acknowledgment = 0, byte[]? payload = null, TcpOptions options = default, ushort window = 65_535)
    {
        payload ??= [];
        var header = new TcpHeader
        {
            SourcePort = atServer.RemotePort,
            DestinationPort = atServer.LocalPort,
            Sequence = new SeqNum(sequence),
            Acknowledgment = new SeqNum(acknowledgment),
            Flags = flags,
            Window = window,
            Options = options,
        };
        var segment = new byte[header.Length + payload.Length];
        header.Write(segment);
        payload.CopyTo(segment, header.Length);
        TcpChecksum.Write(segment, TcpChecksum.Compute(atServer.RemoteAddress, atServer.LocalAddress, segment));
        return Ip(IpProtocol.Tcp, atServer.RemoteAddress, atServer.LocalAddress, segment);
    }

    public static Frame Udp(FourTuple atServer, params byte[] payload)
    {
        var datagram = new byte[UdpHeader.Length + payload.Length];
        new UdpHeader(atServer.RemotePort, atServer.LocalPort, (ushort)datagram.Length, 0).Write(datagram);
        payload.CopyTo(datagram, UdpHeader.Length);
        UdpChecksum.Write(datagram, UdpChecksum.Compute(atServer.RemoteAddress, atServer.LocalAddress, datagram));
        return Ip(IpProtocol.Udp, atServer.RemoteAddress, atServer.LocalAddress, datagram);
    }

    public static Frame Icmp(InetAddress source, InetAddress destination, byte type, byte code, uint rest, byte[] body)
    {
        var message = new IcmpMessage(source.Family, type, code, rest, body);
        var bytes = new byte[message.Length];
        message.Write(bytes, source, destination);
        return Ip(source.IsV4 ? IpProtocol.Icmp : IpProtocol.IcmpV6, source, destination, bytes);
    }

    /// <summary>A neighbour asks who has an address, by its group; without a link address it has no address yet either.</summary>
    public static Frame Solicitation(InetAddress source, InetAddress target, MacAddress? mac, byte hopLimit = 255)
    {
        var message = new NeighbourMessage { Target = target, LinkAddress = mac };
        var bytes = new byte[message.Length];
        message.Write(bytes, source, target.SolicitedNode);
        return Ip(IpProtocol.IcmpV6, source, target.SolicitedNode, bytes, hopLimit: hopLimit, from: mac);
    }

    /// <summary>A neighbour tells its link address.</summary>
    public static Frame Advertisement(
        InetAddress target, MacAddress? mac, InetAddress destination, bool solicited = true, bool overrides = true, byte hopLimit = 255)
    {
        var message = new NeighbourMessage
        {
            IsAdvertisement = true,
            Target = target,
            LinkAddress = mac,
            IsSolicited = solicited,
            Overrides = overrides,
        };
        var bytes = new byte[message.Length];
        message.Write(bytes, target, destination);
        return Ip(IpProtocol.IcmpV6, target, destination, bytes, hopLimit: hopLimit, from: mac);
    }

    public static Frame Ip(
        IpProtocol protocol,
        InetAddress source,
        InetAddress destination,
        byte[] payload,
        bool dontFragment = true,
        ushort identification = 0,
        byte hopLimit = 64,
        MacAddress? from = null)
    {
        int headerLength = destination.IsV4 ? Ipv4Header.Length : Ipv6Header.Length;
        var bytes = new byte[EthernetHeader.Length + headerLength + payload.Length];
        var mac = destination.IsMulticast ? MacAddress.GroupOf(destination) : Host.NodeMac;
        new EthernetHeader(mac, from ?? Host.ClientMac, EtherType.Of(destination.Family)).Write(bytes);
        var header = bytes.AsSpan(EthernetHeader.Length);
        if (destination.IsV4)
        {
            Ipv4Header.Write(
                header, source, destination, protocol, headerLength + payload.Length, identification, ttl: hopLimit, dontFragment: dontFragment);
        }
        else
        {
            Ipv6Header.Write(header, source, destination, protocol, payload.Length, hopLimit: hopLimit);
        }

        payload.CopyTo(bytes, EthernetHeader.Length + headerLength);
        return new Frame(bytes);
    }

    /// <summary>An IPv6 packet with bytes between its header and what follows: extension headers, or none at all.</summary>
    public static Frame Extended(InetAddress source, InetAddress destination, byte nextHeader, params byte[] rest) =>
        Ip((IpProtocol)nextHeader, source, destination, rest);

    /// <summary>The frame with another destination on the link.</summary>
    public static Frame To(this Frame frame, MacAddress destination)
    {
        var bytes = (byte[])frame.Bytes.Clone();
        destination.CopyTo(bytes);
        return frame with { Bytes = bytes };
    }

    /// <summary>The frame with one bit of its last byte turned.</summary>
    public static Frame Damaged(this Frame frame)
    {
        var bytes = (byte[])frame.Bytes.Clone();
        bytes[^1] ^= 1;
        return frame with { Bytes = bytes };
    }

    /// <summary>The frame's packet in fragments of at most <paramref name="step"/> payload bytes (a multiple of 8).</summary>
    public static List<Frame> Fragments(this Frame frame, int step)
    {
        var fragments = new List<Frame>();
        var payload = frame.Transport;
        if (!frame.Packet.Destination.IsV4)
        {
            return FragmentsV6(frame, step);
        }

        for (int at = 0; at < payload.Length; at += step)
        {
            var part = payload[at..Math.Min(payload.Length, at + step)];
            var cut = Ip(frame.Packet.Protocol, frame.Packet.Source, frame.Packet.Destination, part, false, (ushort)frame.Packet.Identification);
            var header = cut.Bytes.AsSpan(EthernetHeader.Length, Ipv4Header.Length);
            int more = at + part.Length < payload.Length ? 0x2000 : 0;
            BinaryPrimitives.WriteUInt16BigEndian(header[6..], (ushort)(more | at / 8));
            Ipv4Header.WriteChecksum(header);
            fragments.Add(cut);
        }

        return fragments;
    }

    private static List<Frame> FragmentsV6(Frame frame, int step)
    {
        var fragments = new List<Frame>();
        var payload = frame.Transport;
        for (int at = 0; at < payload.Length; at += step)
        {
            var part = payload[at..Math.Min(payload.Length, at + step)];
            var header = new byte[8];
            header[0] = (byte)frame.Packet.Protocol;
            BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(2), (ushort)(at | (at + part.Length < payload.Length ? 1 : 0)));
            BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(4), 0xABCD_0001);
            fragments.Add(Extended(frame.Packet.Source, frame.Packet.Destination, 44, [.. header, .. part]));
        }

        return fragments;
    }
}
