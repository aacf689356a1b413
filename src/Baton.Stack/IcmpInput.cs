using Baton.Wire;

namespace Baton.Stack;

/// <summary>ICMP that arrives: echo requests are answered, errors go to the endpoint whose packet they quote.</summary>
internal sealed class IcmpInput
{
    private readonly StackOptions _options;
    private readonly EndpointTable _table;
    private readonly TcpDriver _tcp;
    private readonly UdpDriver _udp;
    private readonly IcmpSender _sender;

    public IcmpInput(StackOptions options, EndpointTable table, TcpDriver tcp, UdpDriver udp, IcmpSender sender)
    {
        _options = options;
        _table = table;
        _tcp = tcp;
        _udp = udp;
        _sender = sender;
    }

    public DropReason OnPacket(Instant now, in IpPacket packet, ReadOnlySpan<byte> bytes)
    {
        var reason = IcmpMessage.TryParse(packet, packet.Payload(bytes), out var message);
        if (reason != DropReason.None)
        {
            return Drop(reason);
        }

        if (message.IsEchoRequest)
        {
            return _sender.Reply(now, packet, message);
        }

        if (!message.IsError || !TryReadQuote(message, out var quoted, out var transport))
        {
            return Drop(DropReason.IcmpIgnored);
        }

        var endpoint = _table.Find(quoted.FlowAtSource());
        return endpoint is null ? Drop(DropReason.UnknownFlow) : Deliver(now, endpoint, message, transport);
    }

    /// <summary>An error that the director has found to be about this endpoint.</summary>
    public DropReason OnError(Instant now, Endpoint endpoint, in IpPacket packet, ReadOnlySpan<byte> bytes)
    {
        var reason = IcmpMessage.TryParse(packet, packet.Payload(bytes), out var message);
        if (reason != DropReason.None)
        {
            return Drop(reason);
        }

        return message.IsError && TryReadQuote(message, out var quoted, out var transport) && quoted.FlowAtSource() == endpoint.Flow
            ? Deliver(now, endpoint, message, transport)
            : Drop(DropReason.IcmpIgnored);
    }

    private DropReason Deliver(Instant now, Endpoint endpoint, in IcmpMessage message, ReadOnlySpan<byte> transport)
    {
        switch (endpoint)
        {
            case { Phase: not EndpointPhase.Active }:
                // Advice only: what it says the network will say again.
                return Drop(DropReason.IcmpIgnored);

            case TcpEndpoint tcp:
                _tcp.OnIcmpError(now, tcp, message, transport);
                return DropReason.None;

            case UdpEndpoint udp:
                _udp.OnIcmpError(udp, message);
                return DropReason.None;

            default:
                return Drop(DropReason.IcmpIgnored);
        }
    }

    /// <summary>RFC 1122 §3.2.2: the quote has the IP header and at least 8 bytes of what follows.</summary>
    private static bool TryReadQuote(in IcmpMessage message, out IpPacket quoted, out ReadOnlySpan<byte> transport)
    {
        transport = default;
        if (IpPacket.TryParseQuoted(message.Body, out quoted) != DropReason.None || !quoted.HasPorts)
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
