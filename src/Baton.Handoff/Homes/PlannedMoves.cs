using Baton.Handoff.Messages;
using Baton.Wire;

namespace Baton.Handoff;

/// <summary>
/// An address given to another member with its directory, as a drain does, or asked back: the home yields, the heir claims the next
/// incarnation and serves at once, or declines.
/// </summary>
internal sealed class PlannedMoves(HomeOutbox outbox, HomeTable homes, HomeLists lists, WriteOffs writeOffs)
{
    /// <summary>Whether this node refuses to become home: it drains.</summary>
    public bool Declines { get; set; }

    /// <summary>Begins to give an address to another member.</summary>
    /// <returns>False when this node is not its home, or there is no channel to the member.</returns>
    public bool Yield(InetAddress address, NodeId heir)
    {
        if (!homes.TryFind(address, out var home) || !homes.Serves(address) || heir == outbox.Self || !outbox.Reaches(heir))
        {
            return false;
        }

        home.Phase = HomePhase.Yielding;
        home.Heir = heir;
        home.HeirWasLost = false;
        home.IsServing = false;
        outbox.Add(new HomeOutput.GiveAddress(address));
        homes.Tell(home);
        lists.BeginDirectory(heir, address);
        return true;
    }

    /// <summary>Asks the present homes for the addresses that are this node's by configuration.</summary>
    public void TakeBack()
    {
        foreach (var home in homes.All)
        {
            if (home.Configured == outbox.Self && home.Phase is HomePhase.Elsewhere or HomePhase.Former && home.Claim.Home != NodeId.None)
            {
                outbox.Send(home.Claim.Home, HomeMessage.WriteClaim(HomeMessageKind.TakeBack, home.Claim));
            }
        }
    }

    public void OnChannelDown(NodeId peer)
    {
        foreach (var home in homes.All)
        {
            home.HeirWasLost |= home.Phase == HomePhase.Yielding && home.Heir == peer;
        }
    }

    /// <summary>The word of an heir that was lost, on a new channel: it would have claimed.</summary>
    public void OnHeard(NodeId heir)
    {
        foreach (var home in homes.All)
        {
            if (home.Phase == HomePhase.Yielding && home.Heir == heir && home.HeirWasLost)
            {
                Keep(home);
            }
        }
    }

    /// <summary>The home yields to this node: its directory is complete, so nobody else need be asked.</summary>
    public DropReason OnDirectory(Instant now, NodeId from, in ListPart.Header header, List<HomeClaim> claims, List<Announcement> items)
    {
        if (header.IsFirst && homes.TryFind(claims[0].Address, out var first)
            && claims[0] == first.Claim && first.Claim.Home == from && (Declines || !homes.HoldsRole))
        {
            outbox.Send(from, HomeMessage.WriteClaim(HomeMessageKind.Decline, first.Claim));
            return DropReason.None;
        }

        if (!lists.TryContinueDirectory(from, header, claims, out var home))
        {
            return DropReason.MessageStale;
        }

        if (home.Phase == HomePhase.Former)
        {
            // Taken back soon: what comes is newer than what was kept to forward by.
            homes.Leave(home);
        }

        foreach (var item in items)
        {
            if (item.Flow.Tuple.LocalAddress == home.Address)
            {
                outbox.Add(new HomeOutput.Restore(item));
            }
        }

        if (header.IsLast)
        {
            home.Claim = new(home.Address, outbox.Self, home.Claim.Incarnation.Next);
            home.Phase = HomePhase.Serving;
            home.Until = Instant.Never;
            writeOffs.AwaitMembers(now);
            homes.Settle(home);
            homes.Broadcast();

            // What the last home had written off is over here too: other owners hear it when they list, this node of itself.
            home.AwaitsOwnList = home.IsSilenced;
            home.Unmet.UnionWith(homes.Members);
            lists.BeginOwn(home.Address);
        }

        return DropReason.None;
    }

    public DropReason OnDecline(NodeId from, in HomeClaim claim)
    {
        if (!homes.TryFind(claim.Address, out var home) || home.Claim != claim || home.Phase != HomePhase.Yielding || home.Heir != from)
        {
            return DropReason.MessageStale;
        }

        Keep(home);
        return DropReason.None;
    }

    public DropReason OnTakeBack(NodeId from, in HomeClaim claim) =>
        homes.TryFind(claim.Address, out var home) && home.Claim == claim && Yield(claim.Address, from)
            ? DropReason.None
            : DropReason.MessageStale;

    /// <summary>Former homes forward no longer.</summary>
    public void OnDeadline(Instant now)
    {
        foreach (var home in homes.All)
        {
            if (home.Phase == HomePhase.Former && now >= home.Until)
            {
                homes.Leave(home);
            }
        }
    }

    /// <summary>The heir did not take it: this node goes on as home, with the directory as it was.</summary>
    private void Keep(ServiceHome home)
    {
        home.Phase = HomePhase.Serving;
        homes.Settle(home);
        homes.Broadcast();
    }
}
