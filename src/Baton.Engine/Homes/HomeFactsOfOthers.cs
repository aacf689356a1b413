using Baton.Handoff;

namespace Baton.Engine;

/// <summary>
/// Keeps what the other shards know of the home role in step with the role. What they may do no longer they hear before
/// anything that follows from it, and what they may do from now on after that: a list that is asked for is complete, and a
/// flow that was announced is known before a packet of it is judged.
/// </summary>
internal sealed class HomeFactsOfOthers
{
    private HomeFacts[] _told = [];

    /// <summary>Tells what is not so any more.</summary>
    public void TellWhatIsOver(Shard first, HomeAgent agent)
    {
        var facts = Read(agent);
        for (int i = 0; i < facts.Length; i++)
        {
            facts[i] = facts[i].Within(_told.Length > 0 ? _told[i] : default);
        }

        Tell(first, facts);
    }

    /// <summary>Tells all that is so.</summary>
    public void TellAll(Shard first, HomeAgent agent) => Tell(first, Read(agent));

    private static HomeFacts[] Read(HomeAgent agent) =>
    [
        .. agent.Addresses.Select(home => new HomeFacts(
            home.Claim.Address,
            home.Claim.Home,
            home.Phase,
            agent.Answers(home.Claim.Address),
            agent.Serves(home.Claim.Address),
            agent.MaySpeak(home.Claim.Address))),
    ];

    private void Tell(Shard first, HomeFacts[] facts)
    {
        if (facts.AsSpan().SequenceEqual(_told))
        {
            return;
        }

        _told = facts;
        first.OnOthers(other => ((NodeCopy)other.Node).OnHomes(facts));
    }
}
