using Baton.Membership;
using Baton.Stack;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>What a node has once, whatever its shards: membership, channels to the peers, the home role. The first shard runs it.</summary>
internal sealed class NodeServices
{
    private readonly Shard _shard;
    private readonly MembershipPort _membership;

    public NodeServices(Shard shard, InterfaceId front)
    {
        _shard = shard;
        Exchange = new LoadExchange(
            shard.Farm.Members,
            shard.Farm.Self.Id,
            new LoadExchangeOptions { Interval = shard.Options.MembershipInterval },
            shard.Incarnation,
            shard.Started);
        Homes = new HomeRouter(shard, front);
        Channels = new PeerChannels(shard);
        Sessions = MakeSessions(shard);
        _membership = new MembershipPort(shard);
        Outgoing = new OutgoingConnections(shard);
    }

    public LoadExchange Exchange { get; }

    public HomeRouter Homes { get; }

    public PeerChannels Channels { get; }

    /// <summary>The sessions with the peers; null in a farm that does not authenticate its members.</summary>
    public PeerSessions? Sessions { get; }

    public OutgoingConnections Outgoing { get; }

    public Instant NextDeadline =>
        Instant.Min(Homes.NextDeadline, Instant.Min(_membership.NextDeadline, Channels.NextDeadline));

    /// <summary>Does what is due.</summary>
    public void OnDeadline(Instant now)
    {
        if (Channels.NextDeadline <= now)
        {
            Channels.OnDeadline(now);
        }

        Homes.OnDeadline();
    }

    /// <summary>Takes what peers have sent.</summary>
    public void Run()
    {
        Sessions?.AcceptAll();
        Channels.AcceptAll();
        Channels.TellDeliveries();
        _membership.Run();
    }

    /// <summary>This node's state has changed in a way that everybody should know at once.</summary>
    public void TellNow() => _membership.TellNow();

    /// <summary>Gives the other shards the members' states.</summary>
    public void TellCandidates()
    {
        for (int index = 1; index < _shard.Shards.Count; index++)
        {
            var candidates = Exchange.Candidates.ToArray();
            _shard.RunOn(_shard.Shards[index], other => ((NodeCopy)other.Node).OnCandidates(candidates));
        }
    }

    private static PeerSessions? MakeSessions(Shard shard) =>
        shard.Options.KeyAgreement is { } agreement ? new PeerSessions(shard, sessions => agreement(shard, sessions))
        : shard.Options.Authenticator is { } authenticator ? new PeerSessions(shard, sessions => new StreamKeyAgreement(shard, sessions, authenticator))
        : null;
}
