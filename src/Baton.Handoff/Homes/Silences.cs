using Baton.Wire;

namespace Baton.Handoff;

/// <summary>
/// Which of this node's endpoints behind service addresses may emit: those whose home hears this node (its lease holds), and has
/// taken their list since it did not.
/// </summary>
internal sealed class Silences(HomeOutbox outbox, HomeTable homes, HomeLists lists, HomeOptions options)
{
    private readonly HashSet<NodeId> _withoutLease = [];

    /// <summary>The lease of a home is over, or holds again.</summary>
    public void OnLease(Instant now, NodeId peer, bool holds)
    {
        if (holds != _withoutLease.Contains(peer))
        {
            return;
        }

        if (!holds)
        {
            _withoutLease.Add(peer);
            foreach (var home in homes.All)
            {
                if (home.Claim.Home == peer)
                {
                    Silence(now, home);
                }
            }

            return;
        }

        _withoutLease.Remove(peer);
        Doubt(now, peer);
        if (homes.Exists(home => home.Claim.Home == peer && home.IsSilenced))
        {
            lists.Begin(peer);
        }
    }

    /// <summary>The home has taken this node's list, its last.</summary>
    public DropReason OnListAck(Instant now, NodeId from, ulong number)
    {
        if (!lists.IsLast(from, number))
        {
            return DropReason.MessageStale;
        }

        foreach (var home in homes.All)
        {
            if (home.Claim.Home == from)
            {
                // It knows them, whether its lease holds again or not.
                home.HasTakenList = true;
                home.IsInDoubt = false;
                home.SilencedAt = now;
            }
        }

        if (_withoutLease.Contains(from))
        {
            return DropReason.MessageStale;
        }

        foreach (var home in homes.All)
        {
            if (home.Claim.Home == from)
            {
                Speak(home);
            }
        }

        return DropReason.None;
    }

    /// <summary>The home was started anew: what it may have given up in an earlier life, it has forgotten; in this one it has just begun to wait.</summary>
    public void OnRestart(Instant now, NodeId peer)
    {
        foreach (var home in homes.All)
        {
            home.SilencedAt = home.Claim.Home == peer ? now : home.SilencedAt;
        }
    }

    /// <summary>Another node has become home.</summary>
    public void OnNewHome(Instant now, ServiceHome home)
    {
        Age(home);
        if (_withoutLease.Contains(home.Claim.Home))
        {
            Silence(now, home);
        }
    }

    /// <summary>A home that serves without ever having taken this node's list may have given up what it has.</summary>
    public static void OnServing(ServiceHome home) => home.IsInDoubt |= home.IsServing && home.IsSilenced && !home.HasTakenList;

    /// <summary>The channel to a peer broke; a home that gives up what this node has breaks it.</summary>
    public void OnChannelDown(NodeId peer)
    {
        foreach (var home in homes.All)
        {
            if (home.Claim.Home == peer)
            {
                Age(home);
            }
        }
    }

    public void Silence(Instant now, ServiceHome home)
    {
        if (!home.IsSilenced)
        {
            home.IsSilenced = true;
            home.SilencedAt = now;
            outbox.Add(new HomeOutput.Silence(home.Address));
        }
    }

    public void Speak(ServiceHome home)
    {
        // A node that takes an address over does not know yet whether others have its endpoints behind it in a higher epoch.
        if (home.IsSilenced && (home.Claim.Home != outbox.Self || homes.HoldsRole) && home.Phase != HomePhase.Recovering && !home.AwaitsOwnList)
        {
            home.IsSilenced = home.IsInDoubt = false;
            outbox.Add(new HomeOutput.Speak(home.Address));
        }
    }

    /// <summary>What has become active while this node was silent, by the word of a home, is as old as the rest from now on.</summary>
    private void Age(ServiceHome home)
    {
        if (home.IsSilenced)
        {
            outbox.Add(new HomeOutput.Silence(home.Address));
        }
    }

    /// <summary>A home is heard again that has been there all the time: it may have given up what was silent for so long.</summary>
    public void Doubt(Instant now, NodeId peer)
    {
        foreach (var home in homes.All)
        {
            home.IsInDoubt |= home.Claim.Home == peer && home.IsSilenced && now >= home.SilencedAt + options.WriteOff - options.Lease;
        }
    }

    /// <summary>The next home recovers: it would believe what the last one may have given up.</summary>
    public void EndDoubtful(ServiceHome home)
    {
        if (home.IsInDoubt)
        {
            home.IsInDoubt = false;
            outbox.Add(new HomeOutput.EndSilent(home.Address));
        }
    }
}
