using System.Buffers;
using Baton.Handoff.Messages;
using Baton.Wire;

namespace Baton.Handoff;

/// <summary>The protocol at the target: embryo, STATE, READY; then activation or nothing, as the home says.</summary>
internal sealed class TargetMachine(Outbox outbox, HandoffLimits limits)
{
    private readonly Dictionary<HandoffId, TargetHandoff> _handoffs = [];
    private readonly Dictionary<Flow, TargetHandoff> _byFlow = [];
    private readonly EndedHandoffs _ended = new(limits.MaxRemembered);
    private readonly ArrayPool<byte> _buffers = ArrayPool<byte>.Create(HandoffLimits.MaxKeptBufferBytes, HandoffLimits.KeptBuffers);
    private readonly List<TargetHandoff> _spent = [];
    private long _buffered;

    public int Count => _handoffs.Count;

    public long BufferedBytes => _buffered;

    public bool Knows(HandoffId id) => _handoffs.ContainsKey(id) || _ended.TryGet(id, out _);

    public bool Moves(in Flow flow) => _byFlow.ContainsKey(flow);

    /// <summary>A new handoff, or the source's question where this node is.</summary>
    public DropReason OnPrepare(Instant now, NodeId from, in Prepare message)
    {
        var header = message.Header;
        if (_handoffs.TryGetValue(header.Handoff, out var known))
        {
            return known.Source == from && known.Header.Flow == header.Flow ? TellPosition(known) : DropReason.MessageStale;
        }

        if (_ended.TryGet(header.Handoff, out var ended))
        {
            outbox.Send(header, from, ended.Outcome == HandoffOutcome.Committed
                ? Done.Write(header, ended.Epoch, ended.Reference)
                : Reject.Write(header, ended.Reason));
            return DropReason.None;
        }

        if (message.IsQuestion)
        {
            outbox.Send(header, from, Reject.Write(header, HandoffReason.UnknownHandoff));
            return DropReason.None;
        }

        var refusal = Admit(now, message);
        if (refusal != HandoffReason.None)
        {
            return Refuse(from, header, refusal);
        }

        var handoff = new TargetHandoff(from, message, outbox.HomeOf(header.Flow, message.Home), _buffers);
        _handoffs.Add(header.Handoff, handoff);
        _byFlow.Add(header.Flow, handoff);
        outbox.Add(new HandoffOutput.CreateEmbryo(
            header.Handoff, header.Flow, from, handoff.Home, handoff.NewEpoch, message.ApplicationName, message.Options, message.ExpectedStateBytes));
        return DropReason.None;
    }

    /// <summary>Answers a PREPARE with REJECT, and gives the same answer when it is repeated.</summary>
    public DropReason Refuse(NodeId from, in MessageHeader header, HandoffReason reason)
    {
        _ended.Add(header.Handoff, new(header.Flow, HandoffOutcome.Rejected, reason, Decided: false));
        outbox.Send(header, from, Reject.Write(header, reason));
        return DropReason.None;
    }

    public DropReason OnPrecopy(Instant now, NodeId from, in MessageHeader header, in Precopy message)
    {
        if (!Find(from, header, out var handoff)
            || handoff.Phase != TargetPhase.AwaitingState
            || handoff.StateHasBegun
            || message.Offset != handoff.PrecopiedBytes)
        {
            return DropReason.MessageStale;
        }

        if (handoff.PrecopiedBytes + message.Bytes.Length > limits.MaxStateBytes)
        {
            return RejectHandoff(now, handoff, HandoffReason.StateTooLarge);
        }

        long buffered = _buffered - handoff.BufferedBytes + handoff.BufferedBytesWith(message);
        if (buffered > limits.MaxBufferedBytes)
        {
            return RejectHandoff(now, handoff, HandoffReason.NoCapacity);
        }

        handoff.Append(message);
        _buffered = buffered;
        return DropReason.None;
    }

    public DropReason OnState(Instant now, NodeId from, in MessageHeader header, in State message)
    {
        if (!Find(from, header, out var handoff))
        {
            if (message.Offset == 0 && !_handoffs.ContainsKey(header.Handoff))
            {
                var reason = _ended.TryGet(header.Handoff, out var ended) && ended.Reason != HandoffReason.None
                    ? ended.Reason
                    : HandoffReason.UnknownHandoff;
                outbox.Send(header, from, Reject.Write(header, reason));
            }

            return DropReason.MessageStale;
        }

        if (handoff.Phase is not (TargetPhase.Creating or TargetPhase.AwaitingState) || handoff.StateIsComplete)
        {
            return DropReason.MessageStale;
        }

        long buffered = handoff.BufferedBytesWith(message);
        if ((long)handoff.PrecopiedBytes + message.Total > limits.MaxStateBytes)
        {
            return RejectHandoff(now, handoff, HandoffReason.StateTooLarge);
        }

        if (_buffered - handoff.BufferedBytes + buffered > limits.MaxBufferedBytes)
        {
            return RejectHandoff(now, handoff, HandoffReason.NoCapacity);
        }

        _buffered -= handoff.BufferedBytes;
        bool taken = handoff.TryTake(message);
        _buffered += handoff.BufferedBytes;
        if (handoff.StateIsComplete)
        {
            handoff.StateArrivedAt = now;
            Install(now, handoff);
        }

        return taken ? DropReason.None : DropReason.MessageStale;
    }

    public DropReason OnAbort(Instant now, NodeId from, in Abort message)
    {
        if (!Find(from, message.Header, out var handoff))
        {
            return _ended.TryGet(message.Header.Handoff, out _) ? DropReason.None : DropReason.MessageStale;
        }

        if (handoff.Phase == TargetPhase.Committed || (handoff.Phase == TargetPhase.Ready && !message.Decided))
        {
            // READY has asked the home: the source alone cannot take that back.
            return DropReason.MessageStale;
        }

        Drop(now, handoff, HandoffOutcome.Aborted, message.Reason, message.Decided);
        return DropReason.None;
    }

    /// <summary>
    /// The home's yes, as the source has heard it: it has given the connection up on that. Once there is another home, or another
    /// channel to it, it does not count: the home may have given the connection up since, and this node has listed it as READY only.
    /// </summary>
    public DropReason OnDone(Instant now, NodeId from, in Done message)
    {
        if (!Find(from, message.Header, out var handoff))
        {
            return _ended.TryGet(message.Header.Handoff, out var ended) && ended.Outcome == HandoffOutcome.Committed ? DropReason.None : DropReason.MessageStale;
        }

        if (handoff.Phase == TargetPhase.Committed)
        {
            Activate(now, handoff);
            return DropReason.None;
        }

        if (handoff.Phase != TargetPhase.Ready || handoff.HomeIsAskedAnew || message.NewEpoch != handoff.NewEpoch || message.Reference != handoff.Reference)
        {
            return DropReason.MessageStale;
        }

        Activate(now, handoff);
        return DropReason.None;
    }

    /// <summary>The home's answer.</summary>
    public DropReason OnDecision(Instant now, NodeId home, HandoffId id, in Decision decision)
    {
        if (!_handoffs.TryGetValue(id, out var handoff) || handoff.Home != home || handoff.Phase != TargetPhase.Ready)
        {
            return DropReason.MessageStale;
        }

        if (decision.Outcome == HandoffOutcome.Committed && decision.Owner == outbox.Self && decision.Reference == handoff.Reference)
        {
            if (home == outbox.Self && !handoff.SourceIsLost)
            {
                // Were this node lost once it has emitted and before the source has heard of it, the source would be told by the
                // next home, which knows nothing of this, that it has the endpoint still.
                handoff.Phase = TargetPhase.Committed;
                TellDone(handoff);
                return DropReason.None;
            }

            Activate(now, handoff);
            return DropReason.None;
        }

        // A commit under another reference is an earlier embryo's of the same handoff id; this one has no claim.
        outbox.Send(handoff.Header, handoff.Source, Reject.Write(handoff.Header, HandoffReason.HomeRefused));
        var outcome = decision.Outcome == HandoffOutcome.Aborted ? HandoffOutcome.Aborted : HandoffOutcome.Gone;
        Drop(now, handoff, outcome, HandoffReason.HomeRefused, decided: true);
        return DropReason.None;
    }

    public void OnPrepared(Instant now, HandoffId id, EndpointId embryo)
    {
        if (!_handoffs.TryGetValue(id, out var handoff) || handoff.Phase != TargetPhase.Creating)
        {
            // Given up while the engine made it.
            _ended.TryGet(id, out var ended);
            outbox.Add(new HandoffOutput.Discard(id, ended.Flow, embryo));
            return;
        }

        handoff.Embryo = embryo;
        handoff.Phase = TargetPhase.AwaitingState;
        if (handoff.StateIsComplete)
        {
            Install(now, handoff);
        }
        else if (!handoff.StateHasBegun)
        {
            TellPosition(handoff);
        }
    }

    public void OnPrepareRefused(Instant now, HandoffId id, HandoffReason reason)
    {
        if (_handoffs.TryGetValue(id, out var handoff) && handoff.Phase == TargetPhase.Creating)
        {
            RejectHandoff(now, handoff, reason);
        }
    }

    public void OnInstalled(HandoffId id, in EncodedReference reference)
    {
        if (_handoffs.TryGetValue(id, out var handoff) && handoff.Phase == TargetPhase.Installing)
        {
            handoff.Phase = TargetPhase.Ready;
            handoff.Reference = reference;
            Ask(handoff);
        }
    }

    public void OnInstallFailed(Instant now, HandoffId id, HandoffReason reason)
    {
        if (_handoffs.TryGetValue(id, out var handoff) && handoff.Phase == TargetPhase.Installing)
        {
            RejectHandoff(now, handoff, reason);
        }
    }

    public void OnChannelUp(NodeId peer)
    {
        foreach (var handoff in _handoffs.Values)
        {
            if (handoff.Source == peer && handoff.Phase <= TargetPhase.AwaitingState && !handoff.StateIsComplete)
            {
                // Chunks that were on their way are lost; the source sends STATE from its beginning.
                _buffered -= handoff.BufferedBytes;
                handoff.ForgetState();
                _buffered += handoff.BufferedBytes;
                TellPosition(handoff);
            }

            if (handoff.Phase >= TargetPhase.Ready && handoff.Source == peer)
            {
                // Whatever the source has heard from the home meanwhile may have been told to nobody else.
                TellPosition(handoff);
            }

            if (handoff.Home == peer && handoff.Phase == TargetPhase.Ready)
            {
                handoff.HomeIsAskedAnew = true;
                Ask(handoff);
            }
        }
    }

    /// <summary>Who is home has changed, or whether it decides.</summary>
    public void OnHome(Instant now, InetAddress address, NodeId home, bool serving)
    {
        foreach (var handoff in _handoffs.Values.ToArray())
        {
            if (handoff.Header.Flow.Tuple.LocalAddress == address)
            {
                if (handoff.Phase == TargetPhase.Committed && !(home == outbox.Self && serving))
                {
                    // The next home is told of an endpoint that is active, not of one that waits for an answer.
                    Activate(now, handoff);
                    continue;
                }

                handoff.Home = home;
                handoff.HomeIsAskedAnew |= handoff.Phase == TargetPhase.Ready;
                if (serving && handoff.Phase == TargetPhase.Ready)
                {
                    Ask(handoff);
                }
            }
        }
    }

    /// <summary>A source that is gone before STATE was here takes the connection with it.</summary>
    public void OnPeerLost(Instant now, NodeId peer, bool restarted)
    {
        foreach (var handoff in _handoffs.Values.ToArray())
        {
            handoff.SourceIsLost |= handoff.Source == peer;
            if (handoff.Source == peer && !handoff.StateIsComplete && handoff.Phase <= TargetPhase.AwaitingState)
            {
                var reason = restarted ? HandoffReason.SourceRestarted : HandoffReason.SourceUnreachable;
                Drop(now, handoff, HandoffOutcome.Aborted, reason, decided: false);
            }
            else if (handoff.Source == peer && handoff.Phase == TargetPhase.Committed)
            {
                Activate(now, handoff);
            }
        }
    }

    /// <summary>All outputs were carried out: none refers to an ended handoff's buffers.</summary>
    public void OnOutputsTaken()
    {
        foreach (var handoff in _spent)
        {
            handoff.Release();
        }

        _spent.Clear();
    }

    private HandoffReason Admit(Instant now, in Prepare message)
    {
        var header = message.Header;
        if (_byFlow.TryGetValue(header.Flow, out var other))
        {
            // A source has one handoff of a flow at a time, so a later one shows that the other is over. Where the home
            // was asked, only an epoch beyond the one that its yes would give shows that it said no.
            bool over = other.Phase >= TargetPhase.Ready ? header.Epoch > other.NewEpoch : header.Epoch >= other.Header.Epoch;
            if (!over)
            {
                return HandoffReason.FlowInUse;
            }

            Drop(now, other, HandoffOutcome.Aborted, HandoffReason.Superseded, decided: false);
        }

        return _handoffs.Count >= limits.MaxTargetHandoffs ? HandoffReason.NoCapacity
            : message.ExpectedStateBytes > limits.MaxStateBytes ? HandoffReason.StateTooLarge
            : _buffered + message.ExpectedStateBytes > limits.MaxBufferedBytes ? HandoffReason.NoCapacity
            : !outbox.Reaches(outbox.HomeOf(header.Flow, message.Home)) ? HandoffReason.HomeUnreachable
            : HandoffReason.None;
    }

    private DropReason TellPosition(TargetHandoff handoff)
    {
        switch (handoff.Phase)
        {
            case TargetPhase.Creating:
                break;
            case TargetPhase.AwaitingState:
                outbox.Send(handoff.Header, handoff.Source, Prepared.Write(handoff.Header, handoff.PrecopiedBytes));
                break;
            case TargetPhase.Committed:
                TellDone(handoff);
                break;
            default:
                outbox.Send(handoff.Header, handoff.Source, Ready.Write(handoff.Header));
                break;
        }

        return DropReason.None;
    }

    private void Install(Instant now, TargetHandoff handoff)
    {
        if (handoff.Phase != TargetPhase.AwaitingState)
        {
            return;
        }

        var state = StateBody.Read(handoff.State, limits);
        if (state is null || state.PrecopiedBytes > handoff.PrecopiedBytes)
        {
            RejectHandoff(now, handoff, HandoffReason.StateMalformed);
            return;
        }

        var header = handoff.Header;
        handoff.Phase = TargetPhase.Installing;
        outbox.Add(new HandoffOutput.Install(
            header.Handoff, header.Flow, handoff.Embryo, handoff.NewEpoch, handoff.ApplicationName,
            handoff.Precopied[..state.PrecopiedBytes], state));
    }

    private void Ask(TargetHandoff handoff) => outbox.Ask(
        handoff.Home,
        SwapQuestion.Commit(
            handoff.Header.Flow, handoff.Header.Handoff, handoff.Source, handoff.Header.Epoch, handoff.SourceEndpoint, outbox.Self, handoff.Reference));

    private void TellDone(TargetHandoff handoff) =>
        outbox.Send(handoff.Header, handoff.Source, Done.Write(handoff.Header, handoff.NewEpoch, handoff.Reference));

    private void Activate(Instant now, TargetHandoff handoff)
    {
        var header = handoff.Header;
        outbox.Add(new HandoffOutput.Activate(header.Handoff, header.Flow, handoff.Embryo, handoff.Source, handoff.NewEpoch));
        if (handoff.Phase != TargetPhase.Committed)
        {
            TellDone(handoff);
        }

        End(now, handoff, new(
            header.Flow, HandoffOutcome.Committed, HandoffReason.None, Decided: true, handoff.NewEpoch, handoff.Reference));
    }

    private DropReason RejectHandoff(Instant now, TargetHandoff handoff, HandoffReason reason)
    {
        outbox.Send(handoff.Header, handoff.Source, Reject.Write(handoff.Header, reason));
        Drop(now, handoff, HandoffOutcome.Rejected, reason, decided: false);
        return DropReason.None;
    }

    private void Drop(Instant now, TargetHandoff handoff, HandoffOutcome outcome, HandoffReason reason, bool decided)
    {
        if (handoff.Embryo != EndpointId.None)
        {
            outbox.Add(new HandoffOutput.Discard(handoff.Header.Handoff, handoff.Header.Flow, handoff.Embryo));
        }

        End(now, handoff, new(handoff.Header.Flow, outcome, reason, decided));
    }

    private void End(Instant now, TargetHandoff handoff, in EndedHandoff ended)
    {
        var header = handoff.Header;
        var frozen = handoff.StateIsComplete ? now - handoff.StateArrivedAt : TimeSpan.Zero;
        _buffered -= handoff.BufferedBytes;
        _handoffs.Remove(header.Handoff);
        _byFlow.Remove(header.Flow);
        _spent.Add(handoff);
        _ended.Add(header.Handoff, ended);
        outbox.Add(new HandoffOutput.Completed(
            header.Handoff, header.Flow, HandoffRole.Target, handoff.Embryo, handoff.Source, ended.Outcome, ended.Reason, frozen));
    }

    private bool Find(NodeId from, in MessageHeader header, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out TargetHandoff? handoff) =>
        _handoffs.TryGetValue(header.Handoff, out handoff) && handoff.Source == from;
}
