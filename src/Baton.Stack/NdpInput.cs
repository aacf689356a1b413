using Baton.Wire;

namespace Baton.Stack;

/// <summary>Neighbor Discovery that arrives (RFC 4861): who asks for our addresses, who answers, which routers there are.</summary>
internal sealed class NdpInput(StackOptions options, RoutingTable routes)
{
    public DropReason OnMessage(Instant now, InterfaceId id, in IpPacket packet, in IcmpMessage message)
    {
        // RFC 6980 §5: in fragments it is ignored, also in one that is the whole packet.
        if (packet.FragmentHeaderOffset != 0)
        {
            return Drop(DropReason.NeighbourDiscoveryMalformed);
        }

        var networkInterface = routes[id];
        switch (message.Type)
        {
            case IcmpV6Type.NeighbourSolicitation or IcmpV6Type.NeighbourAdvertisement:
                var reason = NeighbourMessage.TryParse(packet, message, out var parsed);
                return reason != DropReason.None ? Drop(reason)
                    : parsed.IsAdvertisement ? OnAdvertisement(now, networkInterface, parsed)
                    : OnSolicitation(now, networkInterface, packet, parsed);

            case IcmpV6Type.RouterAdvertisement:
                reason = RouterMessage.TryParse(packet, message, out var router);
                return reason != DropReason.None ? Drop(reason) : OnRouter(now, networkInterface, packet, router);

            default:
                // Routers' business (RFC 4861 §6.2.6), and redirects, which anybody on the link could send (§8.3 lets
                // a host decline them).
                return Drop(DropReason.IcmpIgnored);
        }
    }

    /// <summary>A router asks which groups are listened to (RFC 3810).</summary>
    public DropReason OnListenerQuery(Instant now, InterfaceId id, in IpPacket packet, in IcmpMessage message)
    {
        var reason = routes[id].Groups.OnQuery(now, packet, message);
        return reason == DropReason.None ? reason : Drop(reason);
    }

    private DropReason OnSolicitation(Instant now, NetworkInterface networkInterface, in IpPacket packet, in NeighbourMessage message)
    {
        if (networkInterface.Find(message.Target) is not { } local || local.State == LocalAddressState.Duplicate)
        {
            return Drop(DropReason.IpNotOurAddress);
        }

        if (local.State == LocalAddressState.Tentative)
        {
            // RFC 4862 §5.4.3: from no address, another node would like to have it too; else it is not answered yet.
            if (packet.Source.IsUnspecified)
            {
                networkInterface.Guard.OnConflict(now, local);
                return Drop(DropReason.AddressConflict);
            }

            return Drop(DropReason.AddressTentative);
        }

        if (message.LinkAddress is { } mac)
        {
            networkInterface.Neighbours.Hear(now, packet.Source, mac, create: true);
        }

        var asker = message.LinkAddress ?? networkInterface.Neighbours.Known(packet.Source);
        if (asker is not null || packet.Source.IsUnspecified)
        {
            networkInterface.Ndp.Answer(message.Target, packet.Source, asker.GetValueOrDefault());
            return DropReason.None;
        }

        // RFC 4861 §7.2.4 would resolve the asker first; who asks without telling its link address knows ours already
        // and asks again by the group, with it.
        return Drop(DropReason.NeighbourUnresolved);
    }

    private DropReason OnAdvertisement(Instant now, NetworkInterface networkInterface, in NeighbourMessage message)
    {
        if (networkInterface.Find(message.Target) is { } local)
        {
            networkInterface.Guard.OnConflict(now, local);
            return Drop(DropReason.AddressConflict);
        }

        networkInterface.Neighbours.Answer(now, message.Target, message.LinkAddress, message.IsSolicited, message.Overrides);
        return DropReason.None;
    }

    private DropReason OnRouter(Instant now, NetworkInterface networkInterface, in IpPacket packet, in RouterMessage message)
    {
        if (!networkInterface.Routers.OnAdvertisement(now, packet.Source, message))
        {
            return Drop(DropReason.IcmpIgnored);
        }

        if (message.LinkAddress is { } mac)
        {
            networkInterface.Neighbours.Hear(now, packet.Source, mac, create: true);
        }

        return DropReason.None;
    }

    private DropReason Drop(DropReason reason)
    {
        options.Drops.Count(reason);
        return reason;
    }
}
