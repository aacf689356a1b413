using System.Buffers.Binary;
using Baton.Scenarios.Script;
using Baton.Tcp;
using Baton.Wire;

namespace Baton.Scenarios.Run;

/// <summary>Builds the remote end's packets.</summary>
internal static class PacketBuilder
{
    /// <summary>What an error quotes of a transport header (RFC 792).</summary>
    private const int QuotedTransport = 8;

    public static byte[] Segment(SegmentSpec spec, FlowMap flow)
    {
        byte[] options = OptionBytes.Write(spec.Options ?? [], flow);
        int headerLength = TcpHeader.MinLength + options.Length;
        byte[] packet = Packet(flow.Tuple, IpProtocol.Tcp, headerLength + spec.Length, spec.Ip, out var segment);
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

        // A SYN takes the number before its text's.
        StreamPattern.Bytes(spec.Start - flow.RemoteStart + (spec.Has('S') ? 1u : 0), spec.Length).CopyTo(segment[headerLength..]);
        TcpChecksum.Write(segment, TcpChecksum.Compute(flow.Tuple.RemoteAddress, flow.Tuple.LocalAddress, segment));
        return packet;
    }

    public static byte[] Datagram(DatagramSpec spec, FlowMap flow)
    {
        int length = UdpHeader.Length + spec.Length;
        byte[] packet = Packet(flow.Tuple, IpProtocol.Udp, length, spec.Ip, out var datagram);
        new UdpHeader(flow.Tuple.RemotePort, flow.Tuple.LocalPort, (ushort)length, 0).Write(datagram);
        StreamPattern.Bytes(0, spec.Length).CopyTo(datagram[UdpHeader.Length..]);
        UdpChecksum.Write(datagram, UdpChecksum.Compute(flow.Tuple.RemoteAddress, flow.Tuple.LocalAddress, datagram));
        return packet;
    }

    /// <summary>An ICMP message: an error from a router that quotes the beginning of a packet of ours, or an echo.</summary>
    public static byte[] Icmp(IcmpSpec spec, FlowMap flow, int line)
    {
        var tuple = flow.Tuple;
        var family = tuple.LocalAddress.Family;
        if (!IcmpNames.TryGet(family, spec.Type, spec.Code, out byte type, out byte code))
        {
            throw new UnsupportedConstructException(line, $"packet {spec}");
        }

        byte[] quote = spec.Quoted is { } quoted ? Quote(quoted, flow) : [];
        uint rest = spec.Mtu ?? (uint)spec.EchoId << 16;
        var message = new IcmpMessage(family, type, code, rest, quote);
        var protocol = family == AddressFamily.V4 ? IpProtocol.Icmp : IpProtocol.IcmpV6;
        byte[] packet = Packet(tuple, protocol, message.Length, spec.Ip, out var payload);
        message.Write(payload, tuple.RemoteAddress, tuple.LocalAddress);
        return packet;
    }

    private static byte[] Quote(QuotedPacket quoted, FlowMap flow)
    {
        var tuple = flow.Tuple;
        bool udp = quoted.Protocol == IpProtocol.Udp;
        int length = (udp ? UdpHeader.Length : TcpHeader.MinLength) + quoted.Length;
        int header = HeaderLength(tuple.LocalAddress.Family);
        byte[] quote = new byte[header + QuotedTransport];
        WriteHeader(quote, tuple.LocalAddress, tuple.RemoteAddress, quoted.Protocol, length, IpFields.Any);
        var transport = quote.AsSpan(header);
        BinaryPrimitives.WriteUInt16BigEndian(transport, tuple.LocalPort);
        BinaryPrimitives.WriteUInt16BigEndian(transport[2..], tuple.RemotePort);
        if (udp)
        {
            BinaryPrimitives.WriteUInt16BigEndian(transport[4..], (ushort)length);
        }
        else
        {
            BinaryPrimitives.WriteUInt32BigEndian(transport[4..], flow.LocalToLive(quoted.Start).Value);
        }

        return quote;
    }

    private static byte[] Packet(FourTuple tuple, IpProtocol protocol, int payloadLength, IpFields fields, out Span<byte> payload)
    {
        int header = HeaderLength(tuple.LocalAddress.Family);
        byte[] packet = new byte[header + payloadLength];
        WriteHeader(packet, tuple.RemoteAddress, tuple.LocalAddress, protocol, payloadLength, fields);
        payload = packet.AsSpan(header);
        return packet;
    }

    private static int HeaderLength(AddressFamily family) => family == AddressFamily.V4 ? Ipv4Header.Length : Ipv6Header.Length;

    private static void WriteHeader(Span<byte> packet, InetAddress from, InetAddress to, IpProtocol protocol, int payloadLength, IpFields fields)
    {
        byte trafficClass = fields.TrafficClass ?? Codepoint(fields.Ecn);
        byte ttl = fields.Ttl ?? Ipv4Header.DefaultTtl;
        if (from.IsV4)
        {
            Ipv4Header.Write(packet, from, to, protocol, Ipv4Header.Length + payloadLength, trafficClass: trafficClass, ttl: ttl);
        }
        else
        {
            Ipv6Header.Write(packet, from, to, protocol, payloadLength, fields.FlowLabel.GetValueOrDefault(), trafficClass, ttl);
        }
    }

    private static byte Codepoint(string? ecn) => ecn switch
    {
        "ce" => EcnCodepoint.Congested,
        "ect0" => EcnCodepoint.Capable,
        "ect1" => EcnCodepoint.Capable1,
        _ => EcnCodepoint.NotCapable,
    };
}
