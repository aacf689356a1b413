using Baton.Wire;

namespace Baton.Membership;

/// <summary>
/// Tells every member this node's state several times a second, takes theirs, and says who is reachable. Driven:
/// <see cref="OnOwnState"/>, <see cref="OnDatagram"/> and <see cref="OnDeadline"/> first, then <see cref="TryEmit"/> and
/// <see cref="TryTakeEvent"/> until there is none, then sleep until <see cref="NextDeadline"/>. Used by one thread;
/// others get <see cref="View"/>.
/// </summary>
public sealed class LoadExchange
{
    private readonly MemberList _members;
    private readonly LoadExchangeOptions _options;
    private readonly int _self;
    private readonly Peer[] _peers;
    private readonly MemberState[] _candidates;
    private readonly Leases _leases;
    private int _candidateCount;
    private ulong _epoch = 1;
    private ulong _sequence;
    private Instant _nextRound;
    private MembershipView? _view;

    /// <summary>A node that starts, and tells the others at once.</summary>
    /// <param name="members">The farm.</param>
    /// <param name="self">This node.</param>
    /// <param name="options">The rhythm.</param>
    /// <param name="incarnation">Higher than at any start of this node before.</param>
    /// <param name="now">The time.</param>
    /// <exception cref="ArgumentException">This node is not in the list.</exception>
    public LoadExchange(MemberList members, NodeId self, LoadExchangeOptions options, ulong incarnation, Instant now)
    {
        _members = members;
        _options = options;
        _self = members.PositionOf(self);
        if (_self < 0)
        {
            throw new ArgumentException($"Node {self} is not in the member list.", nameof(self));
        }

        _peers = new Peer[members.Count];
        _leases = new Leases(members.Count, options.Lease, now);
        _candidates = new MemberState[members.Count];
        ref var own = ref _peers[_self];
        own.Status = own.Reported = MemberStatus.Reachable;
        own.State = new(self, incarnation, 0, 0, 0, Draining: false, members.Members[_self].Weight);
        own.ReportedIncarnation = incarnation;
        _nextRound = now;
        BeginRound(now);
        CollectCandidates();
    }

    /// <summary>The configured members.</summary>
    public MemberList Members => _members;

    /// <summary>This node's state as it was last told.</summary>
    public MemberState Own => _peers[_self].State;

    /// <summary>Rises with each change of a member's status.</summary>
    public ulong Epoch => _epoch;

    /// <summary>
    /// The states of the reachable members, this node among them, in the order of their numbers: what selection chooses
    /// from and <see cref="MoveRule"/> looks at. Includes what was placed since their last datagrams. Good until the
    /// next call.
    /// </summary>
    public ReadOnlySpan<MemberState> Candidates => _candidates.AsSpan(0, _candidateCount);

    /// <summary>What is known now, to be read by anybody.</summary>
    public MembershipView View => _view ??= MakeView();

    /// <summary>When to call <see cref="OnDeadline"/>: the next round, or the end of a member's patience.</summary>
    public Instant NextDeadline
    {
        get
        {
            var deadline = Instant.Min(_nextRound, _leases.NextEnd);
            for (int position = 0; position < _peers.Length; position++)
            {
                if (position != _self && _peers[position].Status != MemberStatus.Unreachable)
                {
                    deadline = Instant.Min(deadline, _peers[position].LastHeard + _options.Patience);
                }
            }

            return deadline;
        }
    }

    /// <summary>What this node knows about who is home of what, as a number; two nodes renew each other's leases while it is the same.</summary>
    public ulong Digest { get; set; }

    /// <summary>Rises whenever <see cref="HoldsLease"/> or <see cref="IsHeardByHalf"/> may have changed.</summary>
    public int LeaseChanges => _leases.Changes;

    /// <summary>
    /// Whether at least half of the members that this node has ever heard of hear it, itself counted: more than half of them
    /// cannot have been without it for a lease. Members that drain count on neither side.
    /// </summary>
    public bool IsHeardByHalf
    {
        get
        {
            int known = 1;
            int hear = 1;
            for (int position = 0; position < _peers.Length; position++)
            {
                if (position != _self && _peers[position].Sequence != 0 && !_peers[position].State.Draining)
                {
                    known++;
                    hear += _leases.Holds(position) ? 1 : 0;
                }
            }

            return 2 * hear >= known;
        }
    }

    /// <summary>
    /// Whether a member is known to have heard this node within the lease, counted from when this node sent it; of itself
    /// always.
    /// </summary>
    public bool HoldsLease(NodeId node) => _members.PositionOf(node) is var position && position >= 0 && (position == _self || _leases.Holds(position));

    /// <summary>
    /// Whether this node can say that a member which it relied on is silent: nothing was heard of it for lease and margin.
    /// Not while this node drains, nor of a member that never heard this start of the node.
    /// </summary>
    public bool IsSilent(Instant now, NodeId node)
    {
        int position = _members.PositionOf(node);
        return position >= 0 && position != _self
            && !Own.Draining
            && _leases.WasRenewed(position)
            && now >= _peers[position].LastHeard + _options.Lease + _options.LeaseMargin;
    }

    /// <summary>Whether nothing was heard of a member for lease and margin, or ever.</summary>
    public bool IsUnheard(Instant now, NodeId node)
    {
        int position = _members.PositionOf(node);
        return position >= 0 && position != _self
            && (_peers[position].Sequence == 0 || now >= _peers[position].LastHeard + _options.Lease + _options.LeaseMargin);
    }

    /// <summary>
    /// Takes this node's state as of now; node, incarnation and weight in it are those of the configuration. Beginning
    /// or ending to drain is told to the others at once.
    /// </summary>
    public void OnOwnState(Instant now, in MemberState state)
    {
        ref var own = ref _peers[_self];
        bool drainingChanged = own.State.Draining != state.Draining;
        own.State = state with { Node = own.State.Node, Incarnation = own.State.Incarnation, Weight = own.State.Weight };
        if (drainingChanged)
        {
            SetStatus(_self, state.Draining ? MemberStatus.Draining : MemberStatus.Reachable);
            BeginRound(now);
        }

        Changed();
    }

    /// <summary>Begins a round at once: somebody can hear this node now who could not before.</summary>
    public void Tell(Instant now) => BeginRound(now);

    /// <summary>Takes a datagram from the lan.</summary>
    /// <param name="now">The time.</param>
    /// <param name="source">The address that it came from: only a member's own counts.</param>
    /// <param name="bytes">The UDP payload.</param>
    public DropReason OnDatagram(Instant now, InetAddress source, ReadOnlySpan<byte> bytes)
    {
        var reason = LoadDatagram.TryRead(bytes, out var datagram);
        if (reason != DropReason.None)
        {
            return reason;
        }

        int position = _members.PositionOf(datagram.State.Node);
        if (position < 0 || position == _self || _members.Members[position].LanAddress != source)
        {
            return DropReason.NotMember;
        }

        ref var peer = ref _peers[position];
        if (!IsNews(in peer, in datagram))
        {
            return DropReason.MessageStale;
        }

        if (peer.Sequence == 0)
        {
            _leases.OnMet(now, position);
        }

        if (datagram.HeardIncarnation == Own.Incarnation && datagram.Digest == Digest)
        {
            _leases.OnHeard(now, position, datagram.HeardSequence);
        }

        peer.State = datagram.State;
        peer.Sequence = datagram.Sequence;
        peer.LastHeard = now;
        SetStatus(position, datagram.State.Draining ? MemberStatus.Draining : MemberStatus.Reachable);
        Changed();
        return DropReason.None;
    }

    /// <summary>Counts a connection just placed at a member, until the member's next datagram says so itself.</summary>
    public void OnPlaced(NodeId node)
    {
        int position = _members.PositionOf(node);
        if (position >= 0)
        {
            ref var state = ref _peers[position].State;
            state = state with { LiveConnections = state.LiveConnections + 1 };
            Changed();
        }
    }

    /// <summary>Finds out who has been silent for too long, and begins a round when it is time.</summary>
    public void OnDeadline(Instant now)
    {
        for (int position = 0; position < _peers.Length; position++)
        {
            ref readonly var peer = ref _peers[position];
            if (position != _self && peer.Status != MemberStatus.Unreachable && now >= peer.LastHeard + _options.Patience)
            {
                SetStatus(position, MemberStatus.Unreachable);
                Changed();
            }
        }

        _leases.OnDeadline(now);
        if (now >= _nextRound)
        {
            BeginRound(now);
        }
    }

    /// <summary>The next datagram to send, <see cref="LoadDatagram.Length"/> bytes of <paramref name="destination"/>.</summary>
    public bool TryEmit(Span<byte> destination, out Member to, out int length)
    {
        for (int position = 0; position < _peers.Length; position++)
        {
            if (_peers[position].Due)
            {
                _peers[position].Due = false;
                to = _members.Members[position];
                ref readonly var peer = ref _peers[position];
                length = new LoadDatagram(Own, _sequence, Digest, peer.Sequence == 0 ? 0 : peer.State.Incarnation, peer.Sequence).Write(destination);
                return true;
            }
        }

        to = _members.Members[_self];
        length = 0;
        return false;
    }

    /// <summary>The next change not reported yet, this node's own draining included. Changes of one member that were undone meanwhile are not.</summary>
    public bool TryTakeEvent(out MemberEvent change)
    {
        for (int position = 0; position < _peers.Length; position++)
        {
            ref var peer = ref _peers[position];
            bool restarted = peer.State.Incarnation != peer.ReportedIncarnation && peer.ReportedIncarnation != 0;
            if (peer.Status != peer.Reported || restarted)
            {
                peer.Reported = peer.Status;
                peer.ReportedIncarnation = peer.State.Incarnation;
                change = new(_members.Members[position].Id, peer.Status, restarted, _epoch);
                return true;
            }
        }

        change = default;
        return false;
    }

    // Incarnations only rise; within one, sequence numbers do.
    private static bool IsNews(in Peer peer, in LoadDatagram datagram) =>
        datagram.State.Incarnation > peer.State.Incarnation
        || (datagram.State.Incarnation == peer.State.Incarnation && datagram.Sequence > peer.Sequence);

    private void BeginRound(Instant now)
    {
        _leases.OnSent(now, ++_sequence);
        _nextRound = now + _options.Interval;
        for (int position = 0; position < _peers.Length; position++)
        {
            _peers[position].Due = position != _self;
        }
    }

    private void SetStatus(int position, MemberStatus status)
    {
        if (_peers[position].Status != status)
        {
            _peers[position].Status = status;
            _epoch++;
        }
    }

    private void Changed()
    {
        _view = null;
        CollectCandidates();
    }

    private void CollectCandidates()
    {
        _candidateCount = 0;
        foreach (ref readonly var peer in _peers.AsSpan())
        {
            if (peer.Status != MemberStatus.Unreachable)
            {
                _candidates[_candidateCount++] = peer.State;
            }
        }
    }

    private MembershipView MakeView()
    {
        var members = new MemberView[_peers.Length];
        for (int position = 0; position < members.Length; position++)
        {
            members[position] = new(_members.Members[position], _peers[position].Status, _peers[position].State);
        }

        return new MembershipView(_epoch, members);
    }

    private struct Peer
    {
        public MemberState State;
        public ulong Sequence;
        public Instant LastHeard;
        public MemberStatus Status;
        public MemberStatus Reported;
        public ulong ReportedIncarnation;
        public bool Due;
    }
}
