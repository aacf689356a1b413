using System.Diagnostics.CodeAnalysis;
using Baton.Handoff.Messages;
using Baton.Wire;

namespace Baton.Handoff;

/// <summary>
/// The home role at one node: who is home of which service address, and what has to be done when that changes. Planned
/// move, restart and takeover are one mechanism: a node claims an address with the next incarnation and is *recovering*
/// until it knows all flows, from the last home's directory or from what the owners announce. Driven like
/// <see cref="HandoffAgent"/>: after each call take <see cref="HomeOutput"/>s with <see cref="TryTakeOutput"/> until there
/// is none, then read <see cref="NextDeadline"/>. One thread.
/// </summary>
/// <remarks>
/// <see cref="HomeTable"/> has what is known of each address. It changes by <see cref="OthersClaims"/>, after a start
/// (<see cref="Asking"/>), by a takeover (<see cref="Takeovers"/>), or by a planned move (<see cref="PlannedMoves"/>); who becomes home
/// without a directory recovers first (<see cref="Recoveries"/>). The home takes what owners list (<see cref="OwnersLists"/>) and gives
/// up who is lost (<see cref="WriteOffs"/>); the owner lists (<see cref="HomeLists"/>), and is silent without its home (<see cref="Silences"/>).
/// </remarks>
public sealed class HomeAgent
{
    private readonly HomeOptions _options;
    private readonly HomeOutbox _outbox;
    private readonly HomeTable _homes;
    private readonly HomeLists _lists;
    private readonly Silences _silences;
    private readonly WriteOffs _writeOffs;
    private readonly Recoveries _recoveries;
    private readonly Asking _asking;
    private readonly PlannedMoves _moves;
    private readonly Takeovers _takeovers;
    private readonly OthersClaims _claims;
    private readonly OwnersLists _owners;
    private bool _heldByOperator;
    private Instant _nextReconcile;

    /// <summary>The home role at node <paramref name="self"/>, which has just started and knows of no claim.</summary>
    /// <param name="self">This node.</param>
    /// <param name="members">All members.</param>
    /// <param name="addresses">The service addresses, each with its home by configuration; up to 2,000.</param>
    /// <param name="options">The times.</param>
    /// <param name="now">The time.</param>
    public HomeAgent(
        NodeId self, IEnumerable<NodeId> members, IEnumerable<(InetAddress Address, NodeId Home)> addresses, HomeOptions options, Instant now)
    {
        Self = self;
        _options = options;
        _outbox = new HomeOutbox(self);
        _homes = new HomeTable(_outbox, members, addresses);
        _lists = new HomeLists(_outbox, _homes);
        _silences = new Silences(_outbox, _homes, _lists, options);
        _writeOffs = new WriteOffs(_outbox, _homes, options);
        _recoveries = new Recoveries(_outbox, _homes, _lists, _silences, _writeOffs, options);
        _asking = new Asking(self, _homes, _recoveries, now + options.Recovery);
        _moves = new PlannedMoves(_outbox, _homes, _lists, _writeOffs);
        _takeovers = new Takeovers(_outbox, _homes.Members.Length, options);
        _claims = new OthersClaims(_outbox, _homes, _lists, _silences, _asking, _moves, _takeovers, options);
        _owners = new OwnersLists(_outbox, _homes, _lists, _silences, _recoveries);
        _nextReconcile = now + options.Reconcile;
        _writeOffs.AwaitMembers(now);
        _asking.End(now);
    }

    /// <summary>This node.</summary>
    public NodeId Self { get; }

    /// <summary>Messages that had no effect, by reason.</summary>
    public DropCounters Drops { get; } = new();

    /// <summary>
    /// A number of everything that is known of who is home: two nodes renew each other's leases only while it is the same at
    /// both, so that a home which has been replaced cannot go on by the word of a member that knows better.
    /// </summary>
    public ulong Digest
    {
        get
        {
            ulong digest = _takeovers.Promise;
            foreach (var home in _homes.All)
            {
                digest ^= home.Claim.Hash;
            }

            return digest;
        }
    }

    /// <summary>When <see cref="OnDeadline"/> is due.</summary>
    public Instant NextDeadline
    {
        get
        {
            var next = Instant.Min(Instant.Min(_nextReconcile, _takeovers.NextDeadline), _writeOffs.NextDeadline);
            foreach (var home in _homes.All)
            {
                next = Instant.Min(next, home.Phase == HomePhase.Asking ? _asking.NextDeadline : home.Until);
            }

            return next;
        }
    }

    /// <summary>The service addresses and what is known of each, in the order of the configuration.</summary>
    public IEnumerable<(HomeClaim Claim, HomePhase Phase)> Addresses => _homes.All.Select(home => (home.Claim, home.Phase));

    /// <summary>How many addresses this node is home of, or is giving away.</summary>
    public int Held => _homes.All.Count(home => home.IsHere || home.Phase is HomePhase.Asking or HomePhase.Yielding);

    /// <summary>What this node is for an address; elsewhere for one that is no service address.</summary>
    public HomePhase PhaseOf(InetAddress address) => _homes.PhaseOf(address);

    /// <summary>The home of an address, or none while nobody has claimed it.</summary>
    public NodeId HomeOf(InetAddress address) => _homes.HomeOf(address);

    /// <summary>Whether this node answers for the address: it is its home, and more than cut off.</summary>
    public bool Answers(InetAddress address) => _homes.HoldsRole && _homes.TryFind(address, out var home) && home.IsHere;

    /// <summary>Whether unknown flows may begin here and handoffs are decided here.</summary>
    public bool Serves(InetAddress address) => _homes.Serves(address);

    /// <summary>Whether this node's endpoints behind the address may emit.</summary>
    public bool MaySpeak(InetAddress address) => !_homes.TryFind(address, out var home) || !home.IsSilenced;

    /// <summary>The next thing to be done, if any.</summary>
    public bool TryTakeOutput([NotNullWhen(true)] out HomeOutput? output)
    {
        if (_outbox.TryTake(out output))
        {
            return true;
        }

        _owners.Acknowledge();
        return _outbox.TryTake(out output);
    }

    /// <summary>A channel to a peer was made or re-made.</summary>
    /// <param name="now">The time.</param>
    /// <param name="peer">The other node.</param>
    /// <param name="incarnation">Rises with each start of the peer: what an earlier one owned is lost.</param>
    public void OnChannelUp(Instant now, NodeId peer, ulong incarnation)
    {
        _outbox.ChannelUp(peer);
        _asking.OnChannelUp(peer);
        _lists.OnChannelChanged(peer);
        if (_writeOffs.OnChannelUp(now, peer, incarnation))
        {
            _silences.OnRestart(now, peer);
        }

        _silences.Doubt(now, peer);
        _homes.SendClaims(peer);
    }

    /// <summary>The channel to a peer broke.</summary>
    public void OnChannelDown(Instant now, NodeId peer)
    {
        _outbox.ChannelDown(peer);
        _lists.OnChannelChanged(peer);
        _moves.OnChannelDown(peer);
        _silences.OnChannelDown(peer);
        _recoveries.End(now);
    }

    /// <summary>Membership holds a member for dead or cut off.</summary>
    public void OnMemberUnreachable(Instant now, NodeId member) => _writeOffs.OnUnreachable(now, member);

    /// <summary>A member is heard again.</summary>
    public void OnMemberReachable(NodeId member) => _writeOffs.OnReachable(member);

    /// <summary>
    /// Whether the lease of a home holds at this node. When it is over, this node's endpoints behind the home's addresses are
    /// silent; when it holds again, they are announced, and go on once the home has answered.
    /// </summary>
    public void OnLease(Instant now, NodeId peer, bool holds) => _silences.OnLease(now, peer, holds);

    /// <summary>
    /// Whether this node is heard by at least half of the members that it knows. A home that is not stands down: it neither
    /// answers nor decides nor emits, until it is heard again or hears that another has taken over.
    /// </summary>
    public void OnRole(Instant now, bool holds)
    {
        _heldByOperator &= !holds;
        if (_homes.HoldsRole == holds || _heldByOperator)
        {
            return;
        }

        _homes.HoldsRole = holds;
        foreach (var home in _homes.All)
        {
            if (home.IsHere)
            {
                _homes.Settle(home);
                if (!holds)
                {
                    _silences.Silence(now, home);
                }
                else
                {
                    _silences.Speak(home);
                }
            }
        }

        _homes.Broadcast();
    }

    /// <summary>
    /// An endpoint behind an address has become active here and is silent at once, for want of the home's lease. A list that is
    /// under way does not say that it is active: its acknowledgment would wake it although the home may have given it up.
    /// </summary>
    public void OnSilentlyActive(InetAddress address)
    {
        if (_homes.HomeOf(address) is var home && home != Self && home != NodeId.None)
        {
            _lists.Begin(home);
        }
    }

    /// <summary>Whether this node refuses to become home: it drains.</summary>
    public void SetDeclining(bool declines) => _moves.Declines = declines;

    /// <summary>Begins to give an address to another member, as a drain does.</summary>
    /// <returns>False when this node is not its home, or there is no channel to the member.</returns>
    public bool Yield(Instant now, InetAddress address, NodeId heir) => _moves.Yield(address, heir);

    /// <summary>Asks the present homes for the addresses that are this node's by configuration.</summary>
    public void TakeBack() => _moves.TakeBack();

    /// <summary>
    /// An operator wants this node to take the addresses of a dead member. It does when more than half of all members can say
    /// that they have heard nothing of it for lease and margin, or (<paramref name="force"/>) when the operator answers for
    /// its being off. A <see cref="HomeOutput.TakeoverEnded"/> tells the result.
    /// </summary>
    /// <param name="now">The time.</param>
    /// <param name="from">The dead member; by force also this node, which then asks nobody any more whether it is home of its own addresses.</param>
    /// <param name="silent">Whether this node has heard nothing of it for lease and margin.</param>
    /// <param name="force">The operator has made sure that it is off.</param>
    public void TakeOver(Instant now, NodeId from, bool silent, bool force)
    {
        if (force && silent && !_homes.HoldsRole)
        {
            // Whoever answers for the others' being off answers for this node's being the only one.
            OnRole(now, holds: true);
            _heldByOperator = true;
        }

        if (force && from == Self && _homes.Exists(home => home.Phase == HomePhase.Asking))
        {
            var own = _asking.Claim(now);
            _outbox.Add(new HomeOutput.TakeoverEnded(Self, TakeoverResult.Taken, NodeId.None, own));
            return;
        }

        bool any = _homes.Exists(home => IsOf(home, from));
        _takeovers.Begin(now, from, any, silent, force, _homes.Members);
        EndTakeover(now);
    }

    /// <summary>Answers <see cref="HomeOutput.AskSilence"/>.</summary>
    public void OnSilence(Instant now, NodeId asker, ulong number, NodeId home, bool silent) =>
        _takeovers.OnSilence(now, asker, number, home, silent);

    /// <summary>Answers <see cref="HomeOutput.ListEndpoints"/> and <see cref="HomeOutput.ListDirectory"/>.</summary>
    public void OnListed(Instant now, NodeId to, ulong number, IReadOnlyList<Announcement> items)
    {
        var claims = _lists.Send(number, items);
        if (to == Self)
        {
            _owners.OnOwn(now, number, claims, items);
        }
    }

    /// <summary>Answers <see cref="HomeOutput.Announce"/>.</summary>
    /// <param name="announced">The endpoint.</param>
    /// <param name="gone">Whether the directory has no place for it: its owner is to end it.</param>
    public void OnAnnounced(in Announcement announced, bool gone)
    {
        if (gone)
        {
            OnDisplaced(announced.Flow, announced.Owner, ReferenceCodec.Id(announced.Reference.Span));
        }
    }

    /// <summary>An entry has made room for one of a higher epoch, or was refused: its owner, another node, is to end the endpoint.</summary>
    public void OnDisplaced(in Flow flow, NodeId owner, EndpointId endpoint) => _outbox.Send(owner, GoneMessage.Write(flow, endpoint));

    /// <summary>A message from a peer's channel. Bad and late ones have a reason, counted, and no effect.</summary>
    public DropReason OnMessage(Instant now, NodeId from, ReadOnlySpan<byte> message)
    {
        var reason = HomeMessage.TryRead(message, out var kind, out var body);
        if (reason == DropReason.None)
        {
            reason = from == Self || !_homes.Members.Contains(from) ? DropReason.NotMember : Dispatch(now, from, kind, body);
        }

        Drops.Count(reason);
        return reason;
    }

    /// <summary>Time has come to <see cref="NextDeadline"/>.</summary>
    public void OnDeadline(Instant now)
    {
        _asking.End(now);
        _recoveries.End(now);
        _moves.OnDeadline(now);
        _writeOffs.OnDeadline(now);
        _takeovers.OnDeadline(now);
        EndTakeover(now);
        if (now >= _nextReconcile)
        {
            _nextReconcile = now + _options.Reconcile;
            foreach (var home in _homes.All.Select(h => h.Claim.Home).Where(_outbox.Reaches).Distinct().ToArray())
            {
                _lists.Begin(home);
            }
        }
    }

    private DropReason Dispatch(Instant now, NodeId from, HomeMessageKind kind, MessageReader body)
    {
        switch (kind)
        {
            case HomeMessageKind.Claims:
                var claims = new List<(HomeClaim Claim, bool Serving)>();
                return Claims.TryRead(body, claims) ? _claims.OnClaims(now, from, claims) : DropReason.MessageMalformed;
            case HomeMessageKind.List:
                var named = new List<HomeClaim>();
                var items = new List<Announcement>();
                return ListPart.TryRead(body, out var header, named, items)
                    ? header.IsDirectory ? _moves.OnDirectory(now, from, header, named, items) : _owners.OnList(now, from, header, named, items)
                    : DropReason.MessageMalformed;
            case HomeMessageKind.ListAck:
                return HomeMessage.TryReadNumber(body, out ulong number) ? _silences.OnListAck(now, from, number) : DropReason.MessageMalformed;
            case HomeMessageKind.Gone:
                return GoneMessage.TryRead(body, out var flow, out var endpoint) ? OnGone(from, flow, endpoint) : DropReason.MessageMalformed;
            case HomeMessageKind.Decline or HomeMessageKind.TakeBack:
                var claim = HomeMessage.ReadClaim(ref body);
                return !body.IsExact ? DropReason.MessageMalformed
                    : kind == HomeMessageKind.Decline ? _moves.OnDecline(from, claim)
                    : _moves.OnTakeBack(from, claim);
            default:
                if (!HomeMessage.TryReadVote(body, out ulong vote, out var old, out bool silent))
                {
                    return DropReason.MessageMalformed;
                }

                var reason = kind == HomeMessageKind.VoteRequest
                    ? _takeovers.OnRequest(from, vote, old)
                    : _takeovers.OnVote(from, vote, old, silent);
                EndTakeover(now);
                return reason;
        }
    }

    private DropReason OnGone(NodeId from, in Flow flow, EndpointId endpoint)
    {
        if (HomeOf(flow.Tuple.LocalAddress) != from)
        {
            return DropReason.MessageStale;
        }

        _outbox.Add(new HomeOutput.Discard(flow, endpoint));
        return DropReason.None;
    }

    private void EndTakeover(Instant now)
    {
        if (_takeovers.TryEnd(out var ended))
        {
            var taken = new List<InetAddress>();
            foreach (var home in _homes.All)
            {
                if (ended.Result == TakeoverResult.Taken && IsOf(home, ended.From))
                {
                    _recoveries.Begin(now, home, now + _options.Recovery);
                    taken.Add(home.Address);
                }
            }

            if (taken.Count > 0)
            {
                _homes.Broadcast();
            }

            _outbox.Add(new HomeOutput.TakeoverEnded(ended.From, ended.Result, ended.By, taken));
            _recoveries.End(now);
        }
    }

    private static bool IsOf(ServiceHome home, NodeId node) =>
        home.Claim.Home == node || (home.Claim.Home == NodeId.None && home.Configured == node);
}
