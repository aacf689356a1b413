using System.Buffers.Binary;
using Baton.Scenarios.Script;
using Baton.Tcp;
using Baton.Wire;

namespace Baton.Scenarios.Run;

/// <summary>Builds the remote end's packets.</summary>
internal static class PacketBuilder
{
    /// <summary>Codes of "destination unreachable" (RFC 792, RFC 1122 §3.2.2.1) by packetdrill's names.</summary>
    private static readonly Dictionary<string, byte> UnreachableCodes = new()
    {
        ["net_unreachable"] = 0,
        ["host_unreachable"] = 1,
        ["protocol_unreachable"] = 2,
        ["port_unreachable"] = 3,
        ["frag_needed"] = 4,
        ["source_route_failed"] = 5,
        ["net_unknown"] = 6,
        ["host_unknown"] = 7,
        ["admin_prohibited"] = 13,
        ["packet_filtered"] = 13,
    };

    public static byte[] Segment(SegmentSpec spec, FlowMap flow)
    {
        byte[] options = OptionBytes.Write(spec.Options ?? [], flow);
        int headerLength = TcpHeader.MinLength + options.Length;
        byte[] packet = Packet(flow.Tuple, IpProtocol.Tcp, headerLength + spec.Length, Codepoint(spec.Ecn));
        var segment = packet.AsSpan(Ipv4Header.Length);
        new TcpHeader
        {
            SourcePort = flow.Tuple.RemotePort,
            DestinationPort = flow.Tuple.LocalPort,
            Sequence = FlowMap.RemoteToLive(spec.Start),
            Acknowledgment = spec.Has('.') ? flow.LocalToLive(spec.Ack.GetValueOrDefault()) : default,
            Flags = SegmentFlags.Parse(spec.Flags),
            Window = spec.Window.GetValueOrDefault(),
            UrgentPointer = spec.Urgent,
        }.Write(segment);

        // The options stand as the script has them, not as our own codec would write them.
        segment[12] = (byte)(headerLength / 4 << 4 | segment[12] & 0x0F);
        options.CopyTo(segment[TcpHeader.MinLength..]);
        StreamPattern.Bytes(spec.Start - flow.RemoteStart, spec.Length).CopyTo(segment[headerLength..]);
        TcpChecksum.Write(segment, TcpChecksum.Compute(flow.Tuple.RemoteAddress, flow.Tuple.LocalAddress, segment));
        return packet;
    }

    public static byte[] Datagram(DatagramSpec spec, FlowMap flow)
    {
        int length = UdpHeader.Length + spec.Length;
        byte[] packet = Packet(flow.Tuple, IpProtocol.Udp, length);
        var datagram = packet.AsSpan(Ipv4Header.Length);
        new UdpHeader(flow.Tuple.RemotePort, flow.Tuple.LocalPort, (ushort)length, 0).Write(datagram);
        StreamPattern.Bytes(0, spec.Length).CopyTo(datagram[UdpHeader.Length..]);
        UdpChecksum.Write(datagram, UdpChecksum.Compute(flow.Tuple.RemoteAddress, flow.Tuple.LocalAddress, datagram));
        return packet;
    }

    /// <summary>An error from a router that quotes the beginning of a segment of ours (RFC 792).</summary>
    public static byte[] IcmpError(IcmpErrorSpec spec, FlowMap flow, int line)
    {
        if (spec.Type != "unreachable" || !UnreachableCodes.TryGetValue(spec.Code, out byte code))
        {
            throw new UnsupportedConstructException(line, $"packet {spec}");
        }

        const int Quoted = Ipv4Header.Length + 8;
        Span<byte> quote = stackalloc byte[Quoted];
        Ipv4Header.Write(
            quote, flow.Tuple.LocalAddress, flow.Tuple.RemoteAddress, IpProtocol.Tcp, Ipv4Header.Length + TcpHeader.MinLength + spec.Length);
        BinaryPrimitives.WriteUInt16BigEndian(quote[Ipv4Header.Length..], flow.Tuple.LocalPort);
        BinaryPrimitives.WriteUInt16BigEndian(quote[(Ipv4Header.Length + 2)..], flow.Tuple.RemotePort);
        BinaryPrimitives.WriteUInt32BigEndian(quote[(Ipv4Header.Length + 4)..], flow.LocalToLive(spec.Start).Value);
        var message = new IcmpMessage(AddressFamily.V4, IcmpType.DestinationUnreachable, code, spec.Mtu, quote);
        byte[] packet = Packet(flow.Tuple, IpProtocol.Icmp, message.Length);
        message.Write(packet.AsSpan(Ipv4Header.Length), flow.Tuple.RemoteAddress, flow.Tuple.LocalAddress);
        return packet;
    }

    private static byte Codepoint(string? ecn) => ecn switch
    {
        "ce" => EcnCodepoint.Congested,
        "ect0" or "ecn" => EcnCodepoint.Capable,
        "ect1" => EcnCodepoint.Capable1,
        _ => EcnCodepoint.NotCapable,
    };

    private static byte[] Packet(FourTuple tuple, IpProtocol protocol, int payloadLength, byte trafficClass = 0)
    {
        byte[] packet = new byte[Ipv4Header.Length + payloadLength];
        Ipv4Header.Write(packet, tuple.RemoteAddress, tuple.LocalAddress, protocol, packet.Length, trafficClass: trafficClass);
        return packet;
    }
}
