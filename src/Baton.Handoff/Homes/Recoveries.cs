using Baton.Wire;

namespace Baton.Handoff;

/// <summary>
/// Becoming home without a directory, after a restart or in a takeover: this node claims the next incarnation, and is *recovering*
/// until it knows all flows from what the owners list.
/// </summary>
internal sealed class Recoveries(HomeOutbox outbox, HomeTable homes, HomeLists lists, Silences silences, WriteOffs writeOffs, HomeOptions options)
{
    /// <summary>This node becomes home, in the next incarnation, and waits for what the members announce.</summary>
    public void Begin(Instant now, ServiceHome home, Instant until)
    {
        home.Claim = new(home.Address, outbox.Self, home.Claim.Incarnation.Next);
        home.Phase = HomePhase.Recovering;
        home.IsServing = false;
        home.Until = until;
        writeOffs.AwaitMembers(now);
        home.ListsUntil = now + options.Recovery;
        home.AwaitsListsOnly = false;
        home.Unheard.Clear();
        home.Unheard.UnionWith(homes.Members);
        home.Unmet.Clear();
        homes.Settle(home);
        silences.EndDoubtful(home);
        lists.BeginOwn(home.Address);
    }

    /// <summary>Those end that need not wait any more.</summary>
    public void End(Instant now)
    {
        bool any = false;
        foreach (var home in homes.All)
        {
            if (home.Phase != HomePhase.Recovering)
            {
                continue;
            }

            bool expectsLists = home.Unheard.Any(member => outbox.Reaches(member) || writeOffs.IsReachable(member));
            if (now >= home.Until && now < home.ListsUntil && expectsLists)
            {
                // Over for those that are not heard; those that are have been told of this claim, or will be on a channel that is
                // still being made, and will list.
                home.AwaitsListsOnly = true;
                home.Until = home.ListsUntil;
            }
            else if (home.Unheard.Count == 0 || now >= home.Until || (home.AwaitsListsOnly && !expectsLists))
            {
                home.Phase = HomePhase.Serving;
                home.Until = Instant.Never;
                home.Unheard.Clear();
                home.IsServing = homes.HoldsRole;
                homes.Tell(home);
                silences.Speak(home);
                any = true;
            }
        }

        if (any)
        {
            homes.Broadcast();
        }
    }
}
