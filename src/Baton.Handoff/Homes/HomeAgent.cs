using System.Collections.Frozen;
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
public sealed class HomeAgent
{
    private readonly HomeOptions _options;
    private readonly HomeOutbox _outbox;
    private readonly NodeId[] _members;
    private readonly ServiceHome[] _homes;
    private readonly FrozenDictionary<InetAddress, ServiceHome> _byAddress;
    private readonly Takeovers _takeovers;
    private readonly HomeLists _lists;
    private readonly Dictionary<NodeId, ulong> _incarnations = [];
    private readonly HashSet<NodeId> _asked = [];
    private readonly Dictionary<NodeId, Instant> _writeOffs = [];
    private readonly Queue<(NodeId From, ulong Number)> _acknowledged = new();
    private readonly HashSet<NodeId> _reachable = [];
    private readonly Instant _askingUntil;
    private readonly HashSet<NodeId> _withoutLease = [];
    private bool _askingIsLate;
    private bool _holdsRole = true;
    private bool _heldByOperator;
    private bool _declines;
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
        _members = [.. members];
        _homes = [.. addresses.Select(a => new ServiceHome(a.Address, a.Home))];
        _byAddress = _homes.ToFrozenDictionary(home => home.Address);
        _outbox = new HomeOutbox(self);
        _lists = new HomeLists(_outbox, _byAddress);
        _takeovers = new Takeovers(_outbox, _members.Length, options);
        _askingUntil = now + options.Recovery;
        _nextReconcile = now + options.Reconcile;
        foreach (var home in _homes)
        {
            if (home.Configured == self)
            {
                home.Phase = HomePhase.Asking;
            }
        }

        AwaitMembers(now);

        EndAsking(now);
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
            foreach (var home in _homes)
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
            var next = Instant.Min(_nextReconcile, _takeovers.NextDeadline);
            foreach (var home in _homes)
            {
                next = Instant.Min(next, home.Phase != HomePhase.Asking ? home.Until : _askingIsLate ? Instant.Never : _askingUntil);
            }

            foreach (var at in _writeOffs.Values)
            {
                next = Instant.Min(next, at);
            }

            return next;
        }
    }

    /// <summary>The service addresses and what is known of each, in the order of the configuration.</summary>
    public IEnumerable<(HomeClaim Claim, HomePhase Phase)> Addresses => _homes.Select(home => (home.Claim, home.Phase));

    /// <summary>How many addresses this node is home of, or is giving away.</summary>
    public int Held => _homes.Count(home => home.IsHere || home.Phase is HomePhase.Asking or HomePhase.Yielding);

    /// <summary>What this node is for an address; elsewhere for one that is no service address.</summary>
    public HomePhase PhaseOf(InetAddress address) => _byAddress.TryGetValue(address, out var home) ? home.Phase : HomePhase.Elsewhere;

    /// <summary>The home of an address, or none while nobody has claimed it.</summary>
    public NodeId HomeOf(InetAddress address) => _byAddress.TryGetValue(address, out var home) ? home.Claim.Home : NodeId.None;

    /// <summary>Whether this node answers for the address: it is its home, and more than cut off.</summary>
    public bool Answers(InetAddress address) => _holdsRole && _byAddress.TryGetValue(address, out var home) && home.IsHere;

    /// <summary>Whether unknown flows may begin here and handoffs are decided here.</summary>
    public bool Serves(InetAddress address) => _holdsRole && PhaseOf(address) == HomePhase.Serving;

    /// <summary>Whether this node's endpoints behind the address may emit.</summary>
    public bool MaySpeak(InetAddress address) => !_byAddress.TryGetValue(address, out var home) || !home.IsSilenced;

    /// <summary>The next thing to be done, if any.</summary>
    public bool TryTakeOutput([NotNullWhen(true)] out HomeOutput? output)
    {
        if (_outbox.TryTake(out output))
        {
            return true;
        }

        // After what the directory answered to its last part, and when all lists are in: an owner goes on when it is acknowledged,
        // but not with what is gone, nor with what another one lists in a higher epoch. While this node still asks whether it is
        // home, the list was for its last life, of which it knows nothing.
        if (!Array.Exists(_homes, home => home.Phase is HomePhase.Asking or HomePhase.Recovering) && _acknowledged.TryDequeue(out var list))
        {
            _outbox.Send(list.From, HomeMessage.WriteNumber(HomeMessageKind.ListAck, list.Number), afterAnnounced: true);
        }

        return _outbox.TryTake(out output);
    }

    /// <summary>A channel to a peer was made or re-made.</summary>
    /// <param name="now">The time.</param>
    /// <param name="peer">The other node.</param>
    /// <param name="incarnation">Rises with each start of the peer: what an earlier one owned is lost.</param>
    public void OnChannelUp(Instant now, NodeId peer, ulong incarnation)
    {
        bool restarted = _incarnations.TryGetValue(peer, out ulong known) && known != incarnation;
        _incarnations[peer] = incarnation;
        _outbox.ChannelUp(peer);
        _asked.Remove(peer);
        _lists.OnChannelChanged(peer);
        if (restarted)
        {
            WriteOff(peer, isRestarted: true);
            foreach (var home in _homes)
            {
                // What it may have given up in an earlier life, it has forgotten; in this one it has just begun to wait.
                home.SilencedAt = home.Claim.Home == peer ? now : home.SilencedAt;
            }
        }

        foreach (var home in _homes)
        {
            home.Unmet.Remove(peer);
        }

        if (_writeOffs.TryGetValue(peer, out var at) && at == Instant.Never)
        {
            // Written off, and not heard yet: what it is given on this channel may be lost with it, too.
            _writeOffs[peer] = now + _options.WriteOff;
        }

        Doubt(now, peer);
        SendClaims(peer);
    }

    /// <summary>The channel to a peer broke.</summary>
    public void OnChannelDown(Instant now, NodeId peer)
    {
        _outbox.ChannelDown(peer);
        _lists.OnChannelChanged(peer);
        foreach (var home in _homes)
        {
            home.HeirWasLost |= home.Phase == HomePhase.Yielding && home.Heir == peer;
        }

        EndRecoveries(now);
    }

    /// <summary>Membership holds a member for dead or cut off.</summary>
    public void OnMemberUnreachable(Instant now, NodeId member)
    {
        _reachable.Remove(member);
        _writeOffs.TryAdd(member, now + _options.WriteOff);
    }

    /// <summary>
    /// This node has just become home of an address: the directory may name members that it never heard, or that it held for
    /// lost already.
    /// </summary>
    private void AwaitMembers(Instant now)
    {
        foreach (var member in _members)
        {
            if (member != Self && !_reachable.Contains(member))
            {
                _writeOffs[member] = now + _options.WriteOff;
            }
        }
    }

    /// <summary>A member is heard again.</summary>
    public void OnMemberReachable(NodeId member)
    {
        _reachable.Add(member);
        _writeOffs.Remove(member);
    }

    /// <summary>
    /// Whether the lease of a home holds at this node. When it is over, this node's endpoints behind the home's addresses are
    /// silent; when it holds again, they are announced, and go on once the home has answered.
    /// </summary>
    public void OnLease(Instant now, NodeId peer, bool holds)
    {
        if (holds != _withoutLease.Contains(peer))
        {
            return;
        }

        if (!holds)
        {
            _withoutLease.Add(peer);
            foreach (var home in _homes)
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
        if (Array.Exists(_homes, home => home.Claim.Home == peer && home.IsSilenced))
        {
            _lists.Begin(peer, _homes);
        }
    }

    /// <summary>
    /// Whether this node is heard by at least half of the members that it knows. A home that is not stands down: it neither
    /// answers nor decides nor emits, until it is heard again or hears that another has taken over.
    /// </summary>
    public void OnRole(Instant now, bool holds)
    {
        _heldByOperator &= !holds;
        if (_holdsRole == holds || _heldByOperator)
        {
            return;
        }

        _holdsRole = holds;
        foreach (var home in _homes)
        {
            if (home.IsHere)
            {
                Settle(home);
                if (!holds)
                {
                    Silence(now, home);
                }
                else
                {
                    Speak(home);
                }
            }
        }

        Broadcast();
    }

    /// <summary>
    /// An endpoint behind an address has become active here and is silent at once, for want of the home's lease. A list that is
    /// under way does not say that it is active: its acknowledgment would wake it although the home may have given it up.
    /// </summary>
    public void OnSilentlyActive(InetAddress address)
    {
        if (_byAddress.TryGetValue(address, out var home) && home.Claim.Home != Self && home.Claim.Home != NodeId.None)
        {
            _lists.Begin(home.Claim.Home, _homes);
        }
    }

    /// <summary>Whether this node refuses to become home: it drains.</summary>
    public void SetDeclining(bool declines) => _declines = declines;

    /// <summary>Begins to give an address to another member, as a drain does.</summary>
    /// <returns>False when this node is not its home, or there is no channel to the member.</returns>
    public bool Yield(Instant now, InetAddress address, NodeId heir)
    {
        if (!_byAddress.TryGetValue(address, out var home) || !Serves(address) || heir == Self || !_outbox.Reaches(heir))
        {
            return false;
        }

        home.Phase = HomePhase.Yielding;
        home.Heir = heir;
        home.HeirWasLost = false;
        home.IsServing = false;
        _outbox.Add(new HomeOutput.GiveAddress(address));
        Tell(home);
        _lists.BeginDirectory(heir, address);
        return true;
    }

    /// <summary>Asks the present homes for the addresses that are this node's by configuration.</summary>
    public void TakeBack()
    {
        foreach (var home in _homes)
        {
            if (home.Configured == Self && home.Phase is HomePhase.Elsewhere or HomePhase.Former && home.Claim.Home != NodeId.None)
            {
                _outbox.Send(home.Claim.Home, HomeMessage.WriteClaim(HomeMessageKind.TakeBack, home.Claim));
            }
        }
    }

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
        if (force && silent && !_holdsRole)
        {
            // Whoever answers for the others' being off answers for this node's being the only one.
            OnRole(now, holds: true);
            _heldByOperator = true;
        }

        if (force && from == Self && Array.Exists(_homes, home => home.Phase == HomePhase.Asking))
        {
            var own = ClaimAsked(now);
            _outbox.Add(new HomeOutput.TakeoverEnded(Self, TakeoverResult.Taken, NodeId.None, own));
            return;
        }

        bool any = Array.Exists(_homes, home => IsOf(home, from));
        _takeovers.Begin(now, from, any, silent, force, _members);
        EndTakeover(now);
    }

    /// <summary>Answers <see cref="HomeOutput.AskSilence"/>.</summary>
    public void OnSilence(Instant now, NodeId asker, ulong number, NodeId home, bool silent) =>
        _takeovers.OnSilence(now, asker, number, home, silent);

    /// <summary>Answers <see cref="HomeOutput.ListEndpoints"/> and <see cref="HomeOutput.ListDirectory"/>.</summary>
    public void OnListed(Instant now, NodeId to, ulong number, IReadOnlyList<Announcement> items)
    {
        var claims = _lists.Send(number, items);
        if (to != Self)
        {
            return;
        }

        foreach (var item in items)
        {
            if (_byAddress.TryGetValue(item.Flow.Tuple.LocalAddress, out var home) && home.IsHere)
            {
                _outbox.Add(new HomeOutput.Announce(item, number, home.Phase == HomePhase.Recovering));
            }
        }

        foreach (var claim in claims)
        {
            var home = _byAddress[claim.Address];
            home.Unheard.Remove(Self);
            if (home.AwaitsOwnList && home.Claim == claim)
            {
                home.AwaitsOwnList = false;
                Speak(home);
            }
        }

        EndRecoveries(now);
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
            reason = from == Self || !_members.Contains(from) ? DropReason.NotMember : Dispatch(now, from, kind, body);
        }

        Drops.Count(reason);
        return reason;
    }

    /// <summary>Time has come to <see cref="NextDeadline"/>.</summary>
    public void OnDeadline(Instant now)
    {
        EndAsking(now);
        EndRecoveries(now);
        foreach (var home in _homes)
        {
            if (home.Phase == HomePhase.Former && now >= home.Until)
            {
                Leave(home);
            }
        }

        foreach (var (member, at) in _writeOffs.ToArray())
        {
            if (now >= at)
            {
                _writeOffs[member] = Instant.Never;
                if (Array.Exists(_homes, home => home.IsHere))
                {
                    // What this home has told it, a commit perhaps, is not to arrive when another has the flow.
                    _outbox.Add(new HomeOutput.BreakChannel(member));
                    WriteOff(member, isRestarted: false);
                }
            }
        }

        _takeovers.OnDeadline(now);
        EndTakeover(now);
        if (now >= _nextReconcile)
        {
            _nextReconcile = now + _options.Reconcile;
            foreach (var home in _homes.Select(h => h.Claim.Home).Where(_outbox.Reaches).Distinct().ToArray())
            {
                _lists.Begin(home, _homes);
            }
        }
    }

    private DropReason Dispatch(Instant now, NodeId from, HomeMessageKind kind, MessageReader body)
    {
        switch (kind)
        {
            case HomeMessageKind.Claims:
                var claims = new List<(HomeClaim Claim, bool Serving)>();
                return Claims.TryRead(body, claims) ? OnClaims(now, from, claims) : DropReason.MessageMalformed;
            case HomeMessageKind.List:
                var named = new List<HomeClaim>();
                var items = new List<Announcement>();
                return ListPart.TryRead(body, out var header, named, items)
                    ? header.IsDirectory ? OnDirectory(now, from, header, named, items) : OnList(now, from, header, named, items)
                    : DropReason.MessageMalformed;
            case HomeMessageKind.ListAck:
                return HomeMessage.TryReadNumber(body, out ulong number) ? OnListAck(now, from, number) : DropReason.MessageMalformed;
            case HomeMessageKind.Gone:
                return GoneMessage.TryRead(body, out var flow, out var endpoint) ? OnGone(from, flow, endpoint) : DropReason.MessageMalformed;
            case HomeMessageKind.Decline or HomeMessageKind.TakeBack:
                var claim = HomeMessage.ReadClaim(ref body);
                return !body.IsExact ? DropReason.MessageMalformed
                    : kind == HomeMessageKind.Decline ? OnDecline(from, claim)
                    : OnTakeBack(now, from, claim);
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

    private DropReason OnClaims(Instant now, NodeId from, List<(HomeClaim Claim, bool Serving)> claims)
    {
        bool changed = false;
        bool knowsLess = false;
        foreach (var (claim, serving) in claims)
        {
            if (_byAddress.TryGetValue(claim.Address, out var home))
            {
                changed |= claim.IsNewerThan(home.Claim) && Adopt(now, home, claim, serving);
                knowsLess |= home.Claim.IsNewerThan(claim);
                if (home.Claim == claim && home.IsServing != serving && claim.Home == from)
                {
                    home.IsServing = serving;
                    Tell(home);
                }
            }
        }

        foreach (var home in _homes)
        {
            if (home.Phase == HomePhase.Yielding && home.Heir == from && home.HeirWasLost)
            {
                // The heir's word on a new channel: it would have claimed.
                Keep(home);
            }
        }

        bool first = _asked.Add(from);
        if (changed)
        {
            Broadcast();
        }
        else if (knowsLess)
        {
            SendClaims(from);
        }

        if (first && Array.Exists(_homes, home => home.Claim.Home == from))
        {
            _lists.Begin(from, _homes);
        }

        EndAsking(now);
        return DropReason.None;
    }

    /// <summary>A newer claim than the one known.</summary>
    private bool Adopt(Instant now, ServiceHome home, in HomeClaim claim, bool serving)
    {
        if (claim.Home == Self)
        {
            // An earlier life of this node's: it goes on as the next incarnation.
            home.Claim = claim;
            if (home.Phase != HomePhase.Asking)
            {
                home.Phase = HomePhase.Asking;
                EndAsking(now);
            }

            return false;
        }

        bool wasHere = home.IsHere;
        bool isHeir = home.Phase == HomePhase.Yielding && home.Heir == claim.Home;
        home.Claim = claim;
        home.IsServing = serving;
        home.Unheard.Clear();
        home.Until = Instant.Never;
        home.AwaitsOwnList = false;
        if (!serving)
        {
            EndDoubtful(home);
        }

        if (isHeir)
        {
            home.Phase = HomePhase.Former;
            home.Until = now + _options.Former;
        }
        else if (wasHere || home.Phase is HomePhase.Yielding or HomePhase.Former)
        {
            if (wasHere && _holdsRole)
            {
                _outbox.Add(new HomeOutput.GiveAddress(home.Address));
            }

            Leave(home);
        }
        else
        {
            home.Phase = HomePhase.Elsewhere;
        }

        _takeovers.OnClaim();
        if (_withoutLease.Contains(claim.Home))
        {
            Silence(now, home);
        }

        Tell(home);
        if (_outbox.Reaches(claim.Home) && _asked.Contains(claim.Home))
        {
            _lists.Begin(claim.Home, _homes);
        }

        return true;
    }

    private DropReason OnList(Instant now, NodeId from, in ListPart.Header header, List<HomeClaim> claims, List<Announcement> items)
    {
        if (!_lists.TryContinue(from, header, claims))
        {
            return DropReason.MessageStale;
        }

        foreach (var item in items)
        {
            if (item.Owner == from && _lists.Covers(from, item.Flow.Tuple.LocalAddress, out var home) && home.IsHere)
            {
                _outbox.Add(new HomeOutput.Announce(item, header.Number, home.Phase == HomePhase.Recovering));
            }
        }

        if (header.IsLast)
        {
            foreach (var home in _lists.End(from))
            {
                _outbox.Add(new HomeOutput.RemoveUnlisted(from, home.Address, header.Number));
                home.Unheard.Remove(from);
            }

            _acknowledged.Enqueue((from, header.Number));
            EndRecoveries(now);
        }

        return DropReason.None;
    }

    /// <summary>The home yields to this node: its directory is complete, so nobody else need be asked.</summary>
    private DropReason OnDirectory(Instant now, NodeId from, in ListPart.Header header, List<HomeClaim> claims, List<Announcement> items)
    {
        if (header.IsFirst && _byAddress.TryGetValue(claims[0].Address, out var first)
            && claims[0] == first.Claim && first.Claim.Home == from && (_declines || !_holdsRole))
        {
            _outbox.Send(from, HomeMessage.WriteClaim(HomeMessageKind.Decline, first.Claim));
            return DropReason.None;
        }

        if (!_lists.TryContinueDirectory(from, header, claims, out var home))
        {
            return DropReason.MessageStale;
        }

        if (home.Phase == HomePhase.Former)
        {
            // Taken back soon: what comes is newer than what was kept to forward by.
            Leave(home);
        }

        foreach (var item in items)
        {
            if (item.Flow.Tuple.LocalAddress == home.Address)
            {
                _outbox.Add(new HomeOutput.Restore(item));
            }
        }

        if (header.IsLast)
        {
            home.Claim = new(home.Address, Self, home.Claim.Incarnation.Next);
            home.Phase = HomePhase.Serving;
            home.Until = Instant.Never;
            AwaitMembers(now);
            Settle(home);
            Broadcast();

            // What the last home had written off is over here too: other owners hear it when they list, this node of itself.
            home.AwaitsOwnList = home.IsSilenced;
            home.Unmet.UnionWith(_members);
            _lists.BeginOwn(home.Address);
        }

        return DropReason.None;
    }

    private DropReason OnListAck(Instant now, NodeId from, ulong number)
    {
        if (!_lists.IsLast(from, number))
        {
            return DropReason.MessageStale;
        }

        foreach (var home in _homes)
        {
            if (home.Claim.Home == from)
            {
                // It knows them, whether its lease holds again or not.
                home.IsInDoubt = false;
                home.SilencedAt = now;
            }
        }

        if (_withoutLease.Contains(from))
        {
            return DropReason.MessageStale;
        }

        foreach (var home in _homes)
        {
            if (home.Claim.Home == from)
            {
                Speak(home);
            }
        }

        return DropReason.None;
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

    private DropReason OnDecline(NodeId from, in HomeClaim claim)
    {
        if (!_byAddress.TryGetValue(claim.Address, out var home) || home.Claim != claim || home.Phase != HomePhase.Yielding || home.Heir != from)
        {
            return DropReason.MessageStale;
        }

        Keep(home);
        return DropReason.None;
    }

    private DropReason OnTakeBack(Instant now, NodeId from, in HomeClaim claim) =>
        _byAddress.TryGetValue(claim.Address, out var home) && home.Claim == claim && Yield(now, claim.Address, from)
            ? DropReason.None
            : DropReason.MessageStale;

    /// <summary>The heir did not take it: this node goes on as home, with the directory as it was.</summary>
    private void Keep(ServiceHome home)
    {
        home.Phase = HomePhase.Serving;
        Settle(home);
        Broadcast();
    }

    /// <summary>
    /// Asking ends with everybody's answer, or in time with that of so many that they are at least half of all members, this node
    /// among them: of more than half, who alone could have given its addresses to another one, somebody is among those. Who is
    /// cut off from more waits.
    /// </summary>
    private void EndAsking(Instant now)
    {
        _askingIsLate |= now >= _askingUntil;
        int heard = 1 + _asked.Count;
        if (heard == _members.Length || (_askingIsLate && 2 * heard >= _members.Length))
        {
            ClaimAsked(now);
        }
    }

    private List<InetAddress> ClaimAsked(Instant now)
    {
        var claimed = new List<InetAddress>();
        foreach (var home in _homes)
        {
            if (home.Phase == HomePhase.Asking)
            {
                claimed.Add(home.Address);
                Claim(now, home, Instant.Max(now, _askingUntil));
            }
        }

        if (claimed.Count > 0)
        {
            Broadcast();
            EndRecoveries(now);
        }

        return claimed;
    }

    private void EndTakeover(Instant now)
    {
        if (_takeovers.TryEnd(out var ended))
        {
            var taken = new List<InetAddress>();
            foreach (var home in _homes)
            {
                if (ended.Result == TakeoverResult.Taken && IsOf(home, ended.From))
                {
                    Claim(now, home, now + _options.Recovery);
                    taken.Add(home.Address);
                }
            }

            if (taken.Count > 0)
            {
                Broadcast();
            }

            _outbox.Add(new HomeOutput.TakeoverEnded(ended.From, ended.Result, ended.By, taken));
            EndRecoveries(now);
        }
    }

    /// <summary>This node becomes home, in the next incarnation, and waits for what the members announce.</summary>
    private void Claim(Instant now, ServiceHome home, Instant until)
    {
        home.Claim = new(home.Address, Self, home.Claim.Incarnation.Next);
        home.Phase = HomePhase.Recovering;
        home.IsServing = false;
        home.Until = until;
        AwaitMembers(now);
        home.ListsUntil = now + _options.Recovery;
        home.AwaitsListsOnly = false;
        home.Unheard.Clear();
        home.Unheard.UnionWith(_members);
        home.Unmet.Clear();
        Settle(home);
        EndDoubtful(home);
        _lists.BeginOwn(home.Address);
    }

    private void EndRecoveries(Instant now)
    {
        bool any = false;
        foreach (var home in _homes)
        {
            if (home.Phase != HomePhase.Recovering)
            {
                continue;
            }

            bool expectsLists = home.Unheard.Any(member => _outbox.Reaches(member) || _reachable.Contains(member));
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
                home.IsServing = _holdsRole;
                Tell(home);
                Speak(home);
                any = true;
            }
        }

        if (any)
        {
            Broadcast();
        }
    }

    /// <summary>
    /// What a member that was started anew had is lost. Where the directory may name what it has had since, its list on the new channel
    /// tells the one from the other.
    /// </summary>
    private void WriteOff(NodeId member, bool isRestarted)
    {
        foreach (var home in _homes)
        {
            if (home.IsHere && !(isRestarted && home.Unmet.Contains(member)))
            {
                _outbox.Add(new HomeOutput.WriteOff(member, home.Address));
            }
        }
    }

    /// <summary>The address is here, or stands down.</summary>
    private void Settle(ServiceHome home)
    {
        home.IsServing = _holdsRole && home.Phase == HomePhase.Serving;
        _outbox.Add(_holdsRole ? new HomeOutput.TakeAddress(home.Address) : new HomeOutput.GiveAddress(home.Address));
        Tell(home);
    }

    private void Leave(ServiceHome home)
    {
        home.Phase = HomePhase.Elsewhere;
        home.Until = Instant.Never;
        _outbox.Add(new HomeOutput.Forget(home.Address));
    }

    private void Silence(Instant now, ServiceHome home)
    {
        if (!home.IsSilenced)
        {
            home.IsSilenced = true;
            home.SilencedAt = now;
            _outbox.Add(new HomeOutput.Silence(home.Address));
        }
    }

    private void Speak(ServiceHome home)
    {
        // A node that takes an address over does not know yet whether others have its endpoints behind it in a higher epoch.
        if (home.IsSilenced && (home.Claim.Home != Self || _holdsRole) && home.Phase != HomePhase.Recovering && !home.AwaitsOwnList)
        {
            home.IsSilenced = home.IsInDoubt = false;
            _outbox.Add(new HomeOutput.Speak(home.Address));
        }
    }

    /// <summary>A home is heard again that has been there all the time: it may have given up what was silent for so long.</summary>
    private void Doubt(Instant now, NodeId peer)
    {
        foreach (var home in _homes)
        {
            home.IsInDoubt |= home.Claim.Home == peer && home.IsSilenced && now >= home.SilencedAt + _options.WriteOff - _options.Lease;
        }
    }

    /// <summary>The next home recovers: it would believe what the last one may have given up.</summary>
    private void EndDoubtful(ServiceHome home)
    {
        if (home.IsInDoubt)
        {
            home.IsInDoubt = false;
            _outbox.Add(new HomeOutput.EndSilent(home.Address));
        }
    }

    private void Tell(ServiceHome home) => _outbox.Add(new HomeOutput.HomeIs(home.Address, home.Claim.Home, home.IsServing));

    private void Broadcast()
    {
        foreach (var member in _members)
        {
            SendClaims(member);
        }
    }

    private void SendClaims(NodeId peer)
    {
        if (_outbox.Reaches(peer))
        {
            _outbox.Send(peer, Claims.Write([.. _homes.Where(h => h.Claim.Home != NodeId.None).Select(h => (h.Claim, h.IsServing))]));
        }
    }

    private static bool IsOf(ServiceHome home, NodeId node) =>
        home.Claim.Home == node || (home.Claim.Home == NodeId.None && home.Configured == node);
}
