using Baton.Wire;

namespace Baton.Handoff;

/// <summary>What other members say of who is home: a newer claim is adopted, and told on.</summary>
internal sealed class OthersClaims(
    HomeOutbox outbox, HomeTable homes, HomeLists lists, Silences silences, Asking asking, PlannedMoves moves, Takeovers takeovers, HomeOptions options)
{
    public DropReason OnClaims(Instant now, NodeId from, List<(HomeClaim Claim, bool Serving)> claims)
    {
        bool changed = false;
        bool knowsLess = false;
        foreach (var (claim, serving) in claims)
        {
            if (homes.TryFind(claim.Address, out var home))
            {
                changed |= claim.IsNewerThan(home.Claim) && Adopt(now, home, claim, serving);
                knowsLess |= home.Claim.IsNewerThan(claim);
                if (home.Claim == claim && home.IsServing != serving && claim.Home == from)
                {
                    home.IsServing = serving;
                    Silences.OnServing(home);
                    homes.Tell(home);
                }
            }
        }

        moves.OnHeard(from);
        bool first = asking.OnHeard(from);
        if (changed)
        {
            homes.Broadcast();
        }
        else if (knowsLess)
        {
            homes.SendClaims(from);
        }

        if (first && homes.Exists(home => home.Claim.Home == from))
        {
            lists.Begin(from);
        }

        asking.End(now);
        return DropReason.None;
    }

    /// <summary>A newer claim than the one known.</summary>
    private bool Adopt(Instant now, ServiceHome home, in HomeClaim claim, bool serving)
    {
        if (claim.Home == outbox.Self)
        {
            // An earlier life of this node's: it goes on as the next incarnation.
            home.Claim = claim;
            if (home.Phase != HomePhase.Asking)
            {
                home.Phase = HomePhase.Asking;
                asking.End(now);
            }

            return false;
        }

        bool wasHere = home.IsHere;
        bool isHeir = home.Phase == HomePhase.Yielding && home.Heir == claim.Home;
        home.Claim = claim;
        home.IsServing = serving;
        home.HasTakenList = false;
        home.Unheard.Clear();
        home.Until = Instant.Never;
        home.AwaitsOwnList = false;
        if (!serving)
        {
            silences.EndDoubtful(home);
        }

        Silences.OnServing(home);
        if (isHeir)
        {
            home.Phase = HomePhase.Former;
            home.Until = now + options.Former;
        }
        else if (wasHere || home.Phase is HomePhase.Yielding or HomePhase.Former)
        {
            if (wasHere && homes.HoldsRole)
            {
                outbox.Add(new HomeOutput.GiveAddress(home.Address));
            }

            homes.Leave(home);
        }
        else
        {
            home.Phase = HomePhase.Elsewhere;
        }

        takeovers.OnClaim();
        silences.OnNewHome(now, home);
        homes.Tell(home);
        if (outbox.Reaches(claim.Home) && asking.HasHeard(claim.Home))
        {
            lists.Begin(claim.Home);
        }

        return true;
    }
}
