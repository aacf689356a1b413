using Baton.Wire;

namespace Baton.Stack;

/// <summary>ICMP of both families that arrives: echo requests are answered, errors go to the endpoint whose packet they quote.</summary>
internal sealed class IcmpInput
{
    private readonly StackOptions _options;
    private readonly EndpointTable _table;
    private readonly TcpDriver _tcp;
    private readonly UdpDriver _udp;
    private readonly IcmpSender _sender;
    private readonly NdpInput _discovery;

    public IcmpInput(StackOptions options, EndpointTable table, TcpDriver tcp, UdpDriver udp, IcmpSender sender, NdpInput discovery)
    {
        _discovery = discovery;
        _options = options;
        _table = table;
        _tcp = tcp;
        _udp = udp;
        _sender = sender;
    }

    public DropReason OnPacket(Instant now, InterfaceId networkInterface, in IpPacket packet, ReadOnlySpan<byte> bytes)
    {
        var reason = IcmpMessage.TryParse(packet, packet.Payload(bytes), out var message);
        if (reason != DropReason.None)
        {
            return Drop(reason);
        }

        if (packet.Family == AddressFamily.V6 && IcmpV6Type.IsNeighbourDiscovery(message.Type))
        {
            return _discovery.OnMessage(now, networkInterface, packet, message);
        }

        if (packet.Family == AddressFamily.V6 && message.Type == IcmpV6Type.ListenerQuery)
        {
            return _discovery.OnListenerQuery(now, networkInterface, packet, message);
        }

        if (message.IsEchoRequest)
        {
            return _sender.Reply(now, packet, message);
        }

        if (!message.IsError || !TryReadQuote(packet, message, out var quoted, out var transport))
        {
            return Drop(DropReason.IcmpIgnored);
        }

        var flow = quoted.FlowAtSource();
        var endpoint = flow.Protocol == IpProtocol.Udp ? _table.FindDatagrams(flow) : _table.Find(flow);
        return endpoint is null ? Drop(DropReason.UnknownFlow) : Deliver(now, endpoint, message, quoted, transport);
    }

    /// <summary>An error that the director has found to be about this endpoint.</summary>
    public DropReason OnError(Instant now, Endpoint endpoint, in IpPacket packet, ReadOnlySpan<byte> bytes)
    {
        var reason = IcmpMessage.TryParse(packet, packet.Payload(bytes), out var message);
        if (reason != DropReason.None)
        {
            return Drop(reason);
        }

        return message.IsError && TryReadQuote(packet, message, out var quoted, out var transport) && quoted.FlowAtSource() == endpoint.Flow
            ? Deliver(now, endpoint, message, quoted, transport)
            : Drop(DropReason.IcmpIgnored);
    }

    private DropReason Deliver(Instant now, Endpoint endpoint, in IcmpMessage message, in IpPacket quoted, ReadOnlySpan<byte> transport)
    {
        // RFC 8201 §4: "If a node receives a Packet Too Big message reporting a next-hop MTU that is less than the IPv6
        // minimum link MTU, it must discard it."
        if (message is { Family: AddressFamily.V6, ErrorKind: IcmpErrorKind.PacketTooBig, NextHopMtu: < PathMtu.MinimumV6 })
        {
            return Drop(DropReason.IcmpIgnored);
        }

        switch (endpoint)
        {
            case { Phase: not EndpointPhase.Active }:
                // Advice only: what it says the network will say again.
                return Drop(DropReason.IcmpIgnored);

            case TcpEndpoint tcp:
                _tcp.OnIcmpError(now, tcp, message, transport);
                return DropReason.None;

            case UdpEndpoint udp:
                _udp.OnIcmpError(now, udp, message, quoted);
                return DropReason.None;

            default:
                return Drop(DropReason.IcmpIgnored);
        }
    }

    /// <summary>
    /// RFC 1122 §3.2.2: the quote has the IP header and at least 8 bytes of what follows. It is a packet that we sent,
    /// since an error goes to the source of what it is about (RFC 792, RFC 4443 §2.2); any other is forged.
    /// </summary>
    private static bool TryReadQuote(in IpPacket packet, in IcmpMessage message, out IpPacket quoted, out ReadOnlySpan<byte> transport)
    {
        transport = default;
        if (IpPacket.TryParseQuoted(message.Body, out quoted) != DropReason.None
            || !quoted.HasPorts
            || quoted.Family != packet.Family
            || quoted.Source != packet.Destination)
        {
            return false;
        }

        transport = message.Body[quoted.HeaderLength..];
        return transport.Length >= 8;
    }

    private DropReason Drop(DropReason reason)
    {
        _options.Drops.Count(reason);
        return reason;
    }
}
