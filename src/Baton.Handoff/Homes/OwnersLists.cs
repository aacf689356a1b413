using Baton.Handoff.Messages;
using Baton.Wire;

namespace Baton.Handoff;

/// <summary>What owners, this node among them, list to this node as their home: entries of the directory, then an acknowledgment.</summary>
internal sealed class OwnersLists(HomeOutbox outbox, HomeTable homes, HomeLists lists, Silences silences, Recoveries recoveries)
{
    private readonly Queue<(NodeId From, ulong Number)> _acknowledged = new();

    /// <summary>A part of another owner's list.</summary>
    public DropReason OnList(Instant now, NodeId from, in ListPart.Header header, List<HomeClaim> claims, List<Announcement> items)
    {
        if (!lists.TryContinue(from, header, claims))
        {
            return DropReason.MessageStale;
        }

        foreach (var item in items)
        {
            if (item.Owner == from && lists.Covers(from, item.Flow.Tuple.LocalAddress, out var home) && home.IsHere)
            {
                outbox.Add(new HomeOutput.Announce(item, header.Number, home.Phase == HomePhase.Recovering));
            }
        }

        if (header.IsLast)
        {
            foreach (var home in lists.End(from))
            {
                outbox.Add(new HomeOutput.RemoveUnlisted(from, home.Address, header.Number));
                home.Unheard.Remove(from);
            }

            _acknowledged.Enqueue((from, header.Number));
            recoveries.End(now);
        }

        return DropReason.None;
    }

    /// <summary>This node's own list, for the claims that it was asked for.</summary>
    public void OnOwn(Instant now, ulong number, IReadOnlyList<HomeClaim> claims, IReadOnlyList<Announcement> items)
    {
        foreach (var item in items)
        {
            if (homes.TryFind(item.Flow.Tuple.LocalAddress, out var home) && home.IsHere)
            {
                outbox.Add(new HomeOutput.Announce(item, number, home.Phase == HomePhase.Recovering));
            }
        }

        foreach (var claim in claims)
        {
            var home = homes.ByAddress[claim.Address];
            home.Unheard.Remove(outbox.Self);
            if (home.AwaitsOwnList && home.Claim == claim)
            {
                home.AwaitsOwnList = false;
                silences.Speak(home);
            }
        }

        recoveries.End(now);
    }

    /// <summary>
    /// Acknowledges one, after what the directory answered to its last part, and when all lists are in: an owner goes on when it is
    /// acknowledged, but not with what is gone, nor with what another one lists in a higher epoch. While this node still asks whether
    /// it is home, the list was for its last life, of which it knows nothing.
    /// </summary>
    public void Acknowledge()
    {
        if (!homes.Exists(home => home.Phase is HomePhase.Asking or HomePhase.Recovering) && _acknowledged.TryDequeue(out var list))
        {
            outbox.Send(list.From, HomeMessage.WriteNumber(HomeMessageKind.ListAck, list.Number), afterAnnounced: true);
        }
    }
}
