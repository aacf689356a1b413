using Baton.Handoff.Messages;
using Baton.Wire;

namespace Baton.Handoff;

/// <summary>The protocol at the source: PREPARE, PRECOPY, FREEZE, STATE; then tombstone or thaw, as the home says.</summary>
internal sealed class SourceMachine
{
    private readonly SourceHandoffs _handoffs;
    private readonly SourceDecisions _decisions;
    private readonly SourceDoubts _doubts;
    private readonly Outbox _outbox;
    private readonly HandoffLimits _limits;

    public SourceMachine(Outbox outbox, HandoffLimits limits)
    {
        _outbox = outbox;
        _limits = limits;
        _handoffs = new SourceHandoffs(limits.MaxRemembered);
        _decisions = new SourceDecisions(outbox, limits, _handoffs);
        _doubts = new SourceDoubts(outbox, limits, _handoffs, _decisions);
    }

    public int Count => _handoffs.Count;

    public Instant NextDeadline => _handoffs.NextDeadline;

    public bool Knows(HandoffId id) => _handoffs.TryGet(id, out _) || _handoffs.TryGetEnded(id, out _);

    public bool Moves(in Flow flow) => _handoffs.TryGet(flow, out _);

    /// <summary>A PREPARE by which a flow comes back, whose handoff away has ended.</summary>
    public bool TryTakeReturning(out (NodeId From, Prepare Message) returning) => _handoffs.TryTakeReturning(out returning);

    public void Begin(Instant now, HandoffRequest request)
    {
        var handoff = new SourceHandoff(request);
        _handoffs.Add(handoff);
        if (request.Fresh)
        {
            Freeze(now, handoff, precopied: 0);
        }
        else
        {
            _handoffs.SetDeadline(handoff, now + _limits.PrepareTimeout);
            _outbox.Send(handoff.Header, request.Target, Prepare.Write(request));
        }
    }

    public bool Cancel(Instant now, HandoffId id, HandoffReason reason)
    {
        if (!_handoffs.TryGet(id, out var handoff))
        {
            return false;
        }

        _decisions.GiveUp(now, handoff, HandoffOutcome.Aborted, reason);
        return true;
    }

    /// <summary>
    /// A PREPARE for a flow that this node is handing away. A higher epoch shows that the handoff was committed and the
    /// flow comes back before this node heard of it: the PREPARE waits, and the home is asked.
    /// </summary>
    public bool TryDefer(Instant now, NodeId from, in Prepare message)
    {
        if (!_handoffs.TryGet(message.Header.Flow, out var handoff)
            || handoff.StateIsUnsent
            || message.Header.Epoch <= handoff.Request.Epoch)
        {
            return false;
        }

        handoff.Returning = (from, message);
        _decisions.GiveUp(now, handoff, HandoffOutcome.Aborted, HandoffReason.Superseded);
        return true;
    }

    /// <summary>The target tells what it has: <see cref="Prepared"/>.</summary>
    public DropReason OnPrepared(Instant now, NodeId from, in Prepared message)
    {
        if (!_handoffs.TryGet(message.Header.Handoff, out var handoff))
        {
            _decisions.AnswerEnded(message.Header, from);
            return DropReason.None;
        }

        if (handoff.Request.Target != from || message.PrecopiedBytes > handoff.PrecopiedBytes)
        {
            return DropReason.MessageStale;
        }

        if (handoff.Phase == SourcePhase.AskedAbort && !handoff.StateIsOnChannel)
        {
            // It has not got STATE whole, and gets it no more: it has not gone on, and cannot.
            handoff.AwaitsPosition = false;
            _doubts.EndDoubt(handoff);
            return DropReason.None;
        }

        if (!handoff.AwaitsPosition && handoff.Phase != SourcePhase.Preparing)
        {
            // Said twice around a new channel, or in answer to a PREPARE that STATE followed at once.
            return DropReason.None;
        }

        handoff.AwaitsPosition = false;
        switch (handoff.Phase)
        {
            case SourcePhase.Preparing when !handoff.Request.Precopy:
                Freeze(now, handoff, message.PrecopiedBytes);
                return DropReason.None;
            case SourcePhase.Preparing or SourcePhase.Precopying:
                handoff.Phase = SourcePhase.Precopying;
                handoff.PrecopiedBytes = message.PrecopiedBytes;
                _outbox.Add(new HandoffOutput.Precopy(
                    handoff.Request.Id, handoff.Request.Flow, handoff.Request.Endpoint, message.PrecopiedBytes,
                    _limits.MaxStateBytes - message.PrecopiedBytes));
                return DropReason.None;
            case SourcePhase.AwaitingDecision:
                // STATE was lost with its channel. The frozen copy is unchanged: its image is written again.
                handoff.PrecopiedBytes = message.PrecopiedBytes;
                _outbox.Add(new HandoffOutput.Freeze(
                    handoff.Request.Id, handoff.Request.Flow, handoff.Request.Endpoint, message.PrecopiedBytes));
                return DropReason.None;
            default:
                return DropReason.MessageStale;
        }
    }

    public DropReason OnReady(NodeId from, in MessageHeader header)
    {
        if (!_handoffs.TryGet(header.Handoff, out var handoff))
        {
            return _decisions.AnswerReady(header, from);
        }

        if (handoff.Request.Target != from)
        {
            return DropReason.MessageStale;
        }

        handoff.AwaitsPosition = false;
        _doubts.EndDoubt(handoff);
        return DropReason.None;
    }

    public DropReason OnReject(Instant now, NodeId from, in Reject message)
    {
        if (!_handoffs.TryGet(message.Header.Handoff, out var handoff) || handoff.Request.Target != from)
        {
            return DropReason.MessageStale;
        }

        _decisions.GiveUp(now, handoff, HandoffOutcome.Rejected, message.Reason);
        if (message.Reason is HandoffReason.SourceUnreachable or HandoffReason.HomeRefused)
        {
            _doubts.EndDoubt(handoff);
        }
        else if (handoff.IsInDoubt)
        {
            // To a target that has forgotten it, it is a new one, and one that it may refuse.
            _decisions.Refused(now, handoff);
        }

        return DropReason.None;
    }

    /// <summary>The target has gone on, and tells so.</summary>
    public DropReason OnDone(Instant now, NodeId from, in Done message) => _decisions.OnDone(now, from, message);

    /// <summary>The home's answer, asked for or not.</summary>
    public DropReason OnDecision(Instant now, NodeId home, HandoffId id, in Decision decision) => _decisions.OnDecision(now, home, id, decision);

    public void OnPrecopied(Instant now, HandoffId id, int offset, ReadOnlyMemory<byte> bytes, bool complete)
    {
        if (!_handoffs.TryGet(id, out var handoff)
            || handoff.Phase != SourcePhase.Precopying
            || handoff.AwaitsPosition
            || offset != handoff.PrecopiedBytes)
        {
            return;
        }

        while (!bytes.IsEmpty)
        {
            var chunk = bytes[..Math.Min(bytes.Length, HandoffLimits.ChunkBytes)];
            _outbox.Send(handoff.Header, handoff.Request.Target, Precopy.WriteHead(handoff.Header, handoff.PrecopiedBytes), chunk);
            handoff.PrecopiedBytes += chunk.Length;
            bytes = bytes[chunk.Length..];
        }

        if (complete)
        {
            Freeze(now, handoff, handoff.PrecopiedBytes);
        }
    }

    public void OnFrozen(Instant now, HandoffId id, FrozenState state)
    {
        if (!_handoffs.TryGet(id, out var handoff) || handoff.Phase is not (SourcePhase.Freezing or SourcePhase.AwaitingDecision))
        {
            return;
        }

        if (state.PrecopiedBytes > handoff.PrecopiedBytes)
        {
            // Written for a position that was lost with its channel; the answer for the present one follows.
            return;
        }

        int length = StateBody.Length(state, _limits);
        if (length < 0)
        {
            _decisions.GiveUp(now, handoff, HandoffOutcome.Aborted, HandoffReason.StateTooLarge);
            return;
        }

        bool targetIsThere = _outbox.Reaches(handoff.Request.Target);
        if (handoff.StateIsUnsent && !(targetIsThere && _outbox.Reaches(handoff.Home)))
        {
            // Without the target STATE cannot go, without the home nobody could decide: the last moment to stay.
            _decisions.GiveUp(now, handoff, HandoffOutcome.Aborted, targetIsThere ? HandoffReason.HomeUnreachable : HandoffReason.TargetUnreachable);
            return;
        }

        if (!targetIsThere)
        {
            // STATE was asked for again and the channel broke once more: the next one brings the question again.
            return;
        }

        if (handoff.Request.Fresh && handoff.StateIsUnsent)
        {
            _outbox.Send(handoff.Header, handoff.Request.Target, Prepare.Write(handoff.Request));
        }

        handoff.Phase = SourcePhase.AwaitingDecision;
        SendState(handoff, state, length);
    }

    public void OnFreezeFailed(Instant now, HandoffId id, HandoffReason reason)
    {
        if (_handoffs.TryGet(id, out var handoff))
        {
            _decisions.GiveUp(now, handoff, HandoffOutcome.Aborted, reason);
        }
    }

    public void OnChannelUp(Instant now, NodeId peer) => _doubts.OnChannelUp(now, peer);

    /// <summary>Who is home has changed, or whether it decides.</summary>
    public void OnHome(Instant now, InetAddress address, NodeId home, bool serving) => _doubts.OnHome(now, address, home, serving);

    public void OnChannelDown(Instant now, NodeId peer) => _doubts.OnChannelDown(now, peer);

    /// <summary>A peer is unreachable, or was started anew and knows nothing.</summary>
    public void OnPeerLost(Instant now, NodeId peer, bool restarted) => _doubts.OnPeerLost(now, peer, restarted);

    public void OnDeadline(Instant now)
    {
        while (_handoffs.TryTakeDue(now, out var handoff))
        {
            if (handoff.IsInDoubt)
            {
                _decisions.Refused(now, handoff);
                continue;
            }

            bool frozen = handoff.Phase >= SourcePhase.Freezing;
            _decisions.GiveUp(now, handoff, HandoffOutcome.Aborted, frozen ? HandoffReason.FreezeBudget : HandoffReason.PrepareTimeout);
        }
    }

    private void Freeze(Instant now, SourceHandoff handoff, int precopied)
    {
        handoff.Phase = SourcePhase.Freezing;
        handoff.PrecopiedBytes = precopied;
        handoff.FrozenAt = now;
        _handoffs.SetDeadline(handoff, now + (handoff.Request.FreezeBudget ?? _limits.FreezeBudget));
        _outbox.Add(new HandoffOutput.Freeze(handoff.Request.Id, handoff.Request.Flow, handoff.Request.Endpoint, precopied));
    }

    private void SendState(SourceHandoff handoff, FrozenState state, int length)
    {
        var body = new byte[length];
        StateBody.Write(state, body);
        handoff.StateIsOnChannel = true;
        for (int offset = 0; offset < length; offset += HandoffLimits.ChunkBytes)
        {
            var chunk = body.AsMemory(offset, Math.Min(HandoffLimits.ChunkBytes, length - offset));
            _outbox.Send(handoff.Header, handoff.Request.Target, State.WriteHead(handoff.Header, length, offset), chunk);
        }
    }
}
