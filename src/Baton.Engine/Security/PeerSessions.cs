using Baton.Membership;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>
/// The sessions with all peers, at most two with each: the newest, and the one before it, which the peer may still send
/// under. Counts what was refused, by reason.
/// </summary>
internal sealed class PeerSessions
{
    private static readonly TimeSpan s_silence = TimeSpan.FromHours(1);
    private static readonly int s_reasons = Enum.GetValues<PeerRefusal>().Length;

    private readonly Shard _shard;
    private readonly Dictionary<NodeId, Peer> _peers = [];
    private readonly long[] _refusals = new long[s_reasons];
    private readonly IKeyAgreement _agreement;

    public PeerSessions(Shard shard, Func<PeerSessions, IKeyAgreement> agreement)
    {
        _shard = shard;
        foreach (var member in shard.Farm.Members.Members)
        {
            _peers.Add(member.Id, new Peer(member));
        }

        _agreement = agreement(this);
    }

    /// <summary>What was refused so far, by <see cref="PeerRefusal"/>.</summary>
    public ReadOnlySpan<long> Refusals => _refusals;

    /// <summary>Whether a session is there of which no channel has been made.</summary>
    public bool HasFresh(NodeId node) => _peers[node].Newest is { IsUsed: false };

    /// <summary>Whether there is any session.</summary>
    public bool HasAny(NodeId node) => _peers[node].Newest is not null;

    /// <summary>The newest session; null without one.</summary>
    public PeerSession? Newest(NodeId node) => _peers[node].Newest;

    /// <summary>The newest session that the peer is known to have, to seal datagrams under; null without one.</summary>
    public PeerSession? Shared(NodeId node) => _peers[node].Shared;

    /// <summary>The session of that number; null without one.</summary>
    public PeerSession? Find(NodeId node, ulong id) => _peers[node] switch
    {
        { Newest: { } newest } when newest.Id == id => newest,
        { Previous: { } previous } when previous.Id == id => previous,
        _ => null,
    };

    /// <summary>The peer has sealed something under a session, so it has it.</summary>
    public void OnHeard(NodeId node, PeerSession session)
    {
        var peer = _peers[node];
        if (session == peer.Newest && session != peer.Shared)
        {
            peer.Shared = session;
            _shard.Exchange.Tell(_shard.Now);
        }
    }

    /// <summary>Begins to agree on a session, unless that is under way.</summary>
    public void Begin(NodeId node)
    {
        var peer = _peers[node];
        if (!peer.IsAgreeing)
        {
            peer.IsAgreeing = true;
            _agreement.Begin(peer.Member);
        }
    }

    /// <summary>Takes what peers have begun.</summary>
    public void AcceptAll() => _agreement.AcceptAll();

    /// <summary>A session is there.</summary>
    public void OnAgreed(NodeId node, PeerSession session, bool initiated)
    {
        var peer = _peers[node];
        peer.IsAgreeing &= !initiated;
        if (session.PeerIncarnation < peer.Incarnation)
        {
            // Of a start that is over: a dialogue that a restart of the peer has overtaken.
            return;
        }

        peer.Incarnation = session.PeerIncarnation;
        peer.Previous = peer.Newest;
        peer.Newest = session;
        Array.Clear(peer.Reported);
        if (initiated)
        {
            // Who initiates has it last (KeyDialogue).
            OnHeard(node, session);
        }

        _shard.Channels.OnSession(node, session.PeerIncarnation);
    }

    /// <summary>No session came of it.</summary>
    public void OnRefused(NodeId node, PeerRefusal reason, string text, bool initiated)
    {
        var peer = _peers[node];
        peer.IsAgreeing &= !initiated;
        _refusals[(int)reason]++;
        ref var silentUntil = ref peer.Reported[(int)reason];
        if (reason != PeerRefusal.Unreachable && _shard.Now >= silentUntil)
        {
            silentUntil = _shard.Now + s_silence;
            _shard.PeerRefused?.Invoke(new PeerRefusedEvent(peer.Member.Name, reason, text, initiated));
        }
    }

    private sealed class Peer(Member member)
    {
        public Member Member { get; } = member;

        public PeerSession? Newest { get; set; }

        public PeerSession? Shared { get; set; }

        public PeerSession? Previous { get; set; }

        public ulong Incarnation { get; set; }

        public bool IsAgreeing { get; set; }

        /// <summary>Until when a reason is not reported again.</summary>
        public Instant[] Reported { get; } = new Instant[s_reasons];
    }
}
