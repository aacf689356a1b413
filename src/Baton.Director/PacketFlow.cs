using Baton.Wire;

namespace Baton.Director;

/// <summary>Which flow a packet to the farm belongs to.</summary>
public static class PacketFlow
{
    /// <summary>
    /// TCP and UDP packets name their flow themselves; an ICMP error belongs to the flow of the packet that it quotes,
    /// which one of us sent. Fragments name none: they are reassembled first.
    /// </summary>
    public static DropReason TryRead(in IpPacket layout, ReadOnlySpan<byte> packet, out Flow flow)
    {
        flow = default;
        if (layout.IsFragment)
        {
            return DropReason.IpBadFragment;
        }

        switch (layout.Protocol)
        {
            case IpProtocol.Tcp or IpProtocol.Udp when layout.HasPorts:
                flow = layout.FlowAtDestination();
                return DropReason.None;
            case IpProtocol.Icmp when layout.Family == AddressFamily.V4:
            case IpProtocol.IcmpV6 when layout.Family == AddressFamily.V6:
                return TryReadQuoted(in layout, packet, out flow);
            default:
                return DropReason.UnknownProtocol;
        }
    }

    private static DropReason TryReadQuoted(in IpPacket layout, ReadOnlySpan<byte> packet, out Flow flow)
    {
        flow = default;
        var reason = IcmpMessage.TryParse(in layout, layout.Payload(packet), out var message);
        if (reason != DropReason.None)
        {
            return reason;
        }

        if (!message.IsError
            || IpPacket.TryParseQuoted(message.Body, out var quoted) != DropReason.None
            || !quoted.HasPorts
            || quoted.Protocol is not (IpProtocol.Tcp or IpProtocol.Udp)
            || quoted.Source != layout.Destination)
        {
            // An error goes to the source of what it quotes (RFC 792, RFC 4443 §2.2); any other is forged.
            return DropReason.IcmpIgnored;
        }

        flow = quoted.FlowAtSource();
        return DropReason.None;
    }
}
