using System.Diagnostics.CodeAnalysis;
using Baton.Handoff.Messages;
using Baton.Wire;

namespace Baton.Handoff;

/// <summary>
/// The handoff protocol at one node, which is source of some handoffs, target of others, and home of flows: a machine
/// that is driven, never driving. After each call take <see cref="HandoffOutput"/>s with <see cref="TryTakeOutput"/> until
/// there is none, carrying each out in order (their answers may be given at once, between two takes), then read
/// <see cref="NextDeadline"/>. One thread.
/// </summary>
public sealed class HandoffAgent
{
    private readonly Outbox _outbox;
    private readonly SourceMachine _source;
    private readonly TargetMachine _target;
    private readonly HomeDesk _home;
    private readonly ClosedLedger _closed;
    private readonly ResidueLedger _residues;

    /// <summary>The protocol at node <paramref name="self"/>.</summary>
    public HandoffAgent(NodeId self, HandoffLimits limits)
    {
        Self = self;
        Limits = limits;
        _outbox = new Outbox(self);
        _source = new SourceMachine(_outbox, limits);
        _target = new TargetMachine(_outbox, limits);
        _home = new HomeDesk(_outbox);
        _closed = new ClosedLedger(_outbox, limits.MaxPendingClosed);
        _residues = new ResidueLedger(_outbox, limits.MaxPendingClosed);
    }

    /// <summary>This node.</summary>
    public NodeId Self { get; }

    /// <summary>The bounds of everything kept here.</summary>
    public HandoffLimits Limits { get; }

    /// <summary>When <see cref="OnDeadline"/> is due.</summary>
    public Instant NextDeadline => _source.NextDeadline;

    /// <summary>Messages that had no effect, by reason.</summary>
    public DropCounters Drops { get; } = new();

    /// <summary>Handoffs away from this node that have no outcome yet.</summary>
    public int SourceHandoffs => _source.Count;

    /// <summary>Handoffs to this node that have no outcome yet.</summary>
    public int TargetHandoffs => _target.Count;

    /// <summary>Bytes of PRECOPY and STATE kept for handoffs to this node.</summary>
    public long BufferedBytes => _target.BufferedBytes;

    /// <summary>CLOSED messages not acknowledged yet.</summary>
    public int PendingClosed => _closed.Count;

    /// <summary>Connections in TIME-WAIT here that their homes have not taken yet.</summary>
    public int PendingResidues => _residues.Count;

    /// <summary>Whether the flow is in a handoff here, on either side.</summary>
    public bool IsMoving(in Flow flow) => _source.Moves(flow) || _target.Moves(flow);

    /// <summary>Begins to hand an endpoint of this node over.</summary>
    public BeginResult Begin(Instant now, HandoffRequest request)
    {
        if (IsMoving(request.Flow))
        {
            return BeginResult.AlreadyMoving;
        }

        if (request.Target == Self)
        {
            return BeginResult.TargetIsSelf;
        }

        if (request.Id == HandoffId.None || _source.Knows(request.Id) || _target.Knows(request.Id)
            || request.Target == NodeId.None || request.Home == NodeId.None
            || request.Epoch.Value is 0 or > MessageHeader.MaxEpoch
            || request.ExpectedStateBytes < 0
            || request.Options.Length > HandoffLimits.MaxOptionsBytes
            || !Prepare.IsName(request.ApplicationName))
        {
            return BeginResult.InvalidRequest;
        }

        if (!_outbox.Reaches(request.Target))
        {
            return BeginResult.TargetUnreachable;
        }

        if (!_outbox.Reaches(request.Home))
        {
            return BeginResult.HomeUnreachable;
        }

        if (_source.Count >= Limits.MaxSourceHandoffs)
        {
            return BeginResult.TooMany;
        }

        _source.Begin(now, request);
        return BeginResult.Started;
    }

    /// <summary>
    /// Gives a handoff away from this node up. Until STATE is sent that is done at once; afterwards the home is asked, and its
    /// answer is the outcome. To be called with <see cref="HandoffReason.EndpointClosed"/> when the connection ends before it is frozen.
    /// </summary>
    /// <returns>Whether the handoff was known and has no outcome yet.</returns>
    public bool Cancel(Instant now, HandoffId handoff, HandoffReason reason) => _source.Cancel(now, handoff, reason);

    /// <summary>
    /// The owner's endpoint has ended: the home will be told (CLOSED), again with each channel that is re-made, until it
    /// acknowledges.
    /// </summary>
    /// <param name="now">The time.</param>
    /// <param name="flow">The flow.</param>
    /// <param name="home">The node that holds its directory entry; may be this node.</param>
    /// <param name="epoch">The epoch of this node's ownership.</param>
    /// <param name="endpoint">The endpoint, as in the reference that this node issued.</param>
    /// <param name="reason">Why: opaque here.</param>
    /// <returns>False when <see cref="HandoffLimits.MaxPendingClosed"/> wait already: tell it again later.</returns>
    public bool OnEndpointClosed(Instant now, in Flow flow, NodeId home, Epoch epoch, EndpointId endpoint, byte reason)
    {
        _residues.Remove(endpoint);
        return _closed.TryAdd(flow, home, epoch, endpoint, reason);
    }

    /// <summary>
    /// The owner's connection is in TIME-WAIT, and nobody reads from it any more: its home is asked to answer for it from now on
    /// (<see cref="HandoffOutput.WriteResidue"/>), again with each channel that is re-made and each new home, until it answers.
    /// Until <see cref="HandoffOutput.DropResidue"/> the owner keeps it.
    /// </summary>
    /// <param name="now">The time.</param>
    /// <param name="flow">The flow; TCP.</param>
    /// <param name="home">The node that holds its directory entry.</param>
    /// <param name="epoch">The epoch of this node's ownership.</param>
    /// <param name="endpoint">The endpoint, as in the reference that this node issued.</param>
    /// <returns>
    /// Whether the home will be asked: not when it is this node, is asked already, or <see cref="HandoffLimits.MaxPendingClosed"/> wait.
    /// </returns>
    public bool OnTimeWait(Instant now, in Flow flow, NodeId home, Epoch epoch, EndpointId endpoint) =>
        _residues.TryAdd(flow, home, epoch, endpoint);

    /// <summary>Answers <see cref="HandoffOutput.WriteResidue"/>: 1 to <see cref="HandoffLimits.MaxResidueBytes"/> bytes, or none when there is no such endpoint.</summary>
    public void OnResidueWritten(Instant now, EndpointId endpoint, ReadOnlySpan<byte> residue) => _residues.OnWritten(endpoint, residue);

    /// <summary>
    /// Answers <see cref="HandoffOutput.TakeResidue"/>: taken when the entry does not name the owner's endpoint (any more), not taken
    /// when the endpoint must stay where it is.
    /// </summary>
    public void OnResidueTaken(Instant now, HandoffOutput.TakeResidue question, bool taken) => _home.OnResidueTaken(question, taken);

    /// <summary>The flow that a message is about, for who has several agents, each with flows of its own; false for what is no message.</summary>
    public static bool TryReadFlow(ReadOnlySpan<byte> message, out Flow flow)
    {
        bool read = MessageHeader.TryRead(message, out var header, out _) == DropReason.None;
        flow = header.Flow;
        return read;
    }

    /// <summary>A message from a peer's channel. Bad, late and repeated ones have a reason, counted, and no effect.</summary>
    public DropReason OnMessage(Instant now, NodeId from, ReadOnlySpan<byte> message)
    {
        var reason = MessageHeader.TryRead(message, out var header, out var body);
        if (reason == DropReason.None)
        {
            reason = from == Self || from == NodeId.None ? DropReason.MessageStale : Dispatch(now, from, header, body);
        }

        PrepareReturning(now);
        Drops.Count(reason);
        return reason;
    }

    /// <summary>
    /// A channel to a peer was made or re-made: nothing sent on an earlier one arrives any more. What is undecided is
    /// repeated or asked.
    /// </summary>
    /// <param name="now">The time.</param>
    /// <param name="peer">The other node.</param>
    /// <param name="incarnation">Rises with each start of the peer: another one means that it knows nothing any more.</param>
    public void OnChannelUp(Instant now, NodeId peer, ulong incarnation)
    {
        if (_outbox.ChannelUp(peer, incarnation))
        {
            _source.OnPeerLost(now, peer, restarted: true);
            _target.OnPeerLost(now, peer, restarted: true);
        }

        _source.OnChannelUp(now, peer);
        _target.OnChannelUp(peer);
        _closed.OnChannelUp(peer);
        _residues.OnChannelUp(peer);
    }

    /// <summary>The channel to a peer broke. Nothing that is not this node's alone is decided by that.</summary>
    public void OnChannelDown(Instant now, NodeId peer)
    {
        _outbox.ChannelDown(peer);
        _source.OnChannelDown(now, peer);
    }

    /// <summary>Membership holds the peer for dead or cut off.</summary>
    public void OnMemberUnreachable(Instant now, NodeId peer)
    {
        _source.OnPeerLost(now, peer, restarted: false);
        _target.OnPeerLost(now, peer, restarted: false);
    }

    /// <summary>
    /// Who is home of an address has changed, or whether it decides: handoffs under way and ends that are not acknowledged
    /// turn to the new home, and ask it once it decides. What the last one answers from now on has no effect. Until told, a
    /// flow's home is the one of its handoff's request, and decides.
    /// </summary>
    public void OnHome(Instant now, InetAddress address, NodeId home, bool serving)
    {
        _outbox.SetHome(address, home, serving);
        if (home != NodeId.None)
        {
            _source.OnHome(now, address, home, serving);
            _target.OnHome(now, address, home, serving);
            _closed.OnHome(address, home);
            _residues.OnHome(address, home, serving);
        }
    }

    /// <summary>Time has come to <see cref="NextDeadline"/>.</summary>
    public void OnDeadline(Instant now) => _source.OnDeadline(now);

    /// <summary>
    /// Answers <see cref="HandoffOutput.Precopy"/>, in one call or in several, at the pace that the channel bears. Late
    /// answers to an earlier one are ignored.
    /// </summary>
    /// <param name="now">The time.</param>
    /// <param name="handoff">The run of the protocol.</param>
    /// <param name="offset">The output's offset, plus what was given since.</param>
    /// <param name="bytes">Opaque bytes of the precopied stream, unchanged until the outputs are taken; may be empty.</param>
    /// <param name="complete">Freeze now: the rest travels in STATE.</param>
    public void OnPrecopied(Instant now, HandoffId handoff, int offset, ReadOnlyMemory<byte> bytes, bool complete) =>
        _source.OnPrecopied(now, handoff, offset, bytes, complete);

    /// <summary>Answers <see cref="HandoffOutput.Freeze"/>: the endpoint is frozen, and STATE is sent.</summary>
    public void OnFrozen(Instant now, HandoffId handoff, FrozenState state) => _source.OnFrozen(now, handoff, state);

    /// <summary>Answers <see cref="HandoffOutput.Freeze"/>: it cannot be.</summary>
    public void OnFreezeFailed(Instant now, HandoffId handoff, HandoffReason reason) => _source.OnFreezeFailed(now, handoff, reason);

    /// <summary>Answers <see cref="HandoffOutput.CreateEmbryo"/>.</summary>
    public void OnPrepared(Instant now, HandoffId handoff, EndpointId embryo) => _target.OnPrepared(now, handoff, embryo);

    /// <summary>Answers <see cref="HandoffOutput.CreateEmbryo"/>: the source gets the reason.</summary>
    public void OnPrepareRefused(Instant now, HandoffId handoff, HandoffReason reason) => _target.OnPrepareRefused(now, handoff, reason);

    /// <summary>Answers <see cref="HandoffOutput.Install"/>: the embryo is READY under this reference.</summary>
    public void OnInstalled(Instant now, HandoffId handoff, in EncodedReference reference) => _target.OnInstalled(handoff, reference);

    /// <summary>Answers <see cref="HandoffOutput.Install"/>: the source gets the reason, the embryo is discarded.</summary>
    public void OnInstallFailed(Instant now, HandoffId handoff, HandoffReason reason) => _target.OnInstallFailed(now, handoff, reason);

    /// <summary>Answers <see cref="HandoffOutput.AskSwap"/>, at once or (a recovering home) later; both its fields come back.</summary>
    public void OnSwapped(Instant now, NodeId asker, in SwapQuestion question, in SwapResult result)
    {
        var decision = Decision.Of(question, result);
        _home.OnSwapped(asker, question, decision);
        if (asker == Self || (question.ExpectedOwner == Self && decision.Outcome == HandoffOutcome.Committed))
        {
            Decide(now, Self, question.Handoff, decision);
        }

        PrepareReturning(now);
    }

    /// <summary>The next thing to be done, if any.</summary>
    public bool TryTakeOutput([NotNullWhen(true)] out HandoffOutput? output)
    {
        if (_outbox.TryTake(out output))
        {
            return true;
        }

        _target.OnOutputsTaken();
        return false;
    }

    private DropReason Dispatch(Instant now, NodeId from, in MessageHeader header, in MessageReader body) => header.Kind switch
    {
        MessageKind.Prepare when Prepare.TryRead(header, body, out var m) => OnPrepare(now, from, m),
        MessageKind.Prepared when Prepared.TryRead(header, body, out var m) => _source.OnPrepared(now, from, m),
        MessageKind.Reject when Reject.TryRead(header, body, out var m) => _source.OnReject(now, from, m),
        MessageKind.Precopy when Precopy.TryRead(body, out var m) => _target.OnPrecopy(now, from, header, m),
        MessageKind.State when State.TryRead(body, out var m) => _target.OnState(now, from, header, m),
        MessageKind.Ready when Ready.TryRead(body) => _source.OnReady(from, header),
        MessageKind.Swap when Swap.TryRead(header, body, out var m) => _home.OnSwap(from, m),
        MessageKind.Swapped when Swapped.TryRead(header, body, out var m) => Decide(now, from, header.Handoff, m.Decision),
        MessageKind.Abort when Abort.TryRead(header, body, out var m) => _target.OnAbort(now, from, m),
        MessageKind.Done when Done.TryRead(header, body, out var m) => _target.Knows(header.Handoff) ? _target.OnDone(now, from, m) : _source.OnDone(now, from, m),
        MessageKind.Closed when Closed.TryRead(header, body, out var m) => _home.OnClosed(from, m),
        MessageKind.ClosedAck when ClosedAck.TryRead(header, body, out var m) => _closed.OnAck(from, m),
        MessageKind.Residue when Residue.TryRead(header, body, out var m) => _home.OnResidue(from, m),
        MessageKind.ResidueAck when ResidueAck.TryRead(header, body, out var m) => _residues.OnAck(from, m),
        _ => DropReason.MessageMalformed,
    };

    private DropReason OnPrepare(Instant now, NodeId from, in Prepare message)
    {
        if (!_source.Moves(message.Header.Flow))
        {
            return _target.OnPrepare(now, from, message);
        }

        return _source.TryDefer(now, from, message)
            ? DropReason.None
            : _target.Refuse(from, message.Header, HandoffReason.FlowInUse);
    }

    private DropReason Decide(Instant now, NodeId home, HandoffId id, in Decision decision)
    {
        var reason = _source.OnDecision(now, home, id, decision);
        return reason == DropReason.None ? reason : _target.OnDecision(now, home, id, decision);
    }

    private void PrepareReturning(Instant now)
    {
        while (_source.TryTakeReturning(out var returning))
        {
            OnPrepare(now, returning.From, returning.Message);
        }
    }
}
