using Baton.Handoff.Messages;
using Baton.Wire;

namespace Baton.Handoff;

/// <summary>The protocol at the source: PREPARE, PRECOPY, FREEZE, STATE; then tombstone or thaw, as the home says.</summary>
internal sealed class SourceMachine(Outbox outbox, HandoffLimits limits)
{
    private readonly SourceHandoffs _handoffs = new(limits.MaxRemembered);

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
            _handoffs.SetDeadline(handoff, now + limits.PrepareTimeout);
            outbox.Send(handoff.Header, request.Target, Prepare.Write(request));
        }
    }

    public bool Cancel(Instant now, HandoffId id, HandoffReason reason)
    {
        if (!_handoffs.TryGet(id, out var handoff))
        {
            return false;
        }

        GiveUp(now, handoff, HandoffOutcome.Aborted, reason);
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
        GiveUp(now, handoff, HandoffOutcome.Aborted, HandoffReason.Superseded);
        return true;
    }

    /// <summary>The target tells what it has: <see cref="Prepared"/>.</summary>
    public DropReason OnPrepared(Instant now, NodeId from, in Prepared message)
    {
        if (!_handoffs.TryGet(message.Header.Handoff, out var handoff))
        {
            AnswerEnded(message.Header, from);
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
            EndDoubt(handoff);
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
                outbox.Add(new HandoffOutput.Precopy(
                    handoff.Request.Id, handoff.Request.Flow, handoff.Request.Endpoint, message.PrecopiedBytes,
                    limits.MaxStateBytes - message.PrecopiedBytes));
                return DropReason.None;
            case SourcePhase.AwaitingDecision:
                // STATE was lost with its channel. The frozen copy is unchanged: its image is written again.
                handoff.PrecopiedBytes = message.PrecopiedBytes;
                outbox.Add(new HandoffOutput.Freeze(
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
            return AnswerReady(header, from);
        }

        if (handoff.Request.Target != from)
        {
            return DropReason.MessageStale;
        }

        handoff.AwaitsPosition = false;
        EndDoubt(handoff);
        return DropReason.None;
    }

    public DropReason OnReject(Instant now, NodeId from, in Reject message)
    {
        if (!_handoffs.TryGet(message.Header.Handoff, out var handoff) || handoff.Request.Target != from)
        {
            return DropReason.MessageStale;
        }

        GiveUp(now, handoff, HandoffOutcome.Rejected, message.Reason);
        if (message.Reason is HandoffReason.SourceUnreachable or HandoffReason.HomeRefused)
        {
            EndDoubt(handoff);
        }
        else if (handoff.IsInDoubt)
        {
            // To a target that has forgotten it, it is a new one, and one that it may refuse.
            Refused(now, handoff);
        }

        return DropReason.None;
    }

    public DropReason OnDone(Instant now, NodeId from, in Done message)
    {
        if (!_handoffs.TryGet(message.Header.Handoff, out var handoff) || handoff.Request.Target != from || handoff.StateIsUnsent)
        {
            bool isKnown = _handoffs.TryGetEnded(message.Header.Handoff, out var ended);
            bool isOver = isKnown ? ended.Outcome == HandoffOutcome.Committed : handoff is null;
            if (isOver && outbox.HomeOf(message.Header.Flow, ended.Home) == from)
            {
                // It waits for this: it has asked again on a new channel, or has become the home since. One that is forgotten does not
                // go on here either.
                outbox.Send(message.Header, from, Done.Write(message.Header, message.NewEpoch, message.Reference));
            }

            return isKnown && isOver ? DropReason.None : DropReason.MessageStale;
        }

        if (handoff.Home == from)
        {
            outbox.Send(handoff.Header, from, Done.Write(handoff.Header, message.NewEpoch, message.Reference));
        }

        Decide(now, handoff, new(HandoffOutcome.Committed, from, message.NewEpoch, message.Reference));
        return DropReason.None;
    }

    /// <summary>The home's answer, asked for or not.</summary>
    public DropReason OnDecision(Instant now, NodeId home, HandoffId id, in Decision decision)
    {
        if (!_handoffs.TryGet(id, out var handoff)
            || handoff.Home != home
            || handoff.StateIsUnsent
            || (decision.Outcome == HandoffOutcome.Aborted && (handoff.Phase != SourcePhase.AskedAbort || handoff.IsInDoubt)))
        {
            return HeardOf(id, decision.Outcome);
        }

        if (decision.Outcome == HandoffOutcome.Committed && decision.Owner == handoff.Request.Target
            && home != outbox.Self)
        {
            // The home may be lost before the target hears it; the next one knows nothing of it. A target that is the home waits for this.
            outbox.Send(handoff.Header, handoff.Request.Target, Done.Write(handoff.Header, decision.Epoch, decision.Reference));
        }

        Decide(now, handoff, decision);
        return DropReason.None;
    }

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
            outbox.Send(handoff.Header, handoff.Request.Target, Precopy.WriteHead(handoff.Header, handoff.PrecopiedBytes), chunk);
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

        int length = StateBody.Length(state, limits);
        if (length < 0)
        {
            GiveUp(now, handoff, HandoffOutcome.Aborted, HandoffReason.StateTooLarge);
            return;
        }

        bool targetIsThere = outbox.Reaches(handoff.Request.Target);
        if (handoff.StateIsUnsent && !(targetIsThere && outbox.Reaches(handoff.Home)))
        {
            // Without the target STATE cannot go, without the home nobody could decide: the last moment to stay.
            GiveUp(now, handoff, HandoffOutcome.Aborted, targetIsThere ? HandoffReason.HomeUnreachable : HandoffReason.TargetUnreachable);
            return;
        }

        if (!targetIsThere)
        {
            // STATE was asked for again and the channel broke once more: the next one brings the question again.
            return;
        }

        if (handoff.Request.Fresh && handoff.StateIsUnsent)
        {
            outbox.Send(handoff.Header, handoff.Request.Target, Prepare.Write(handoff.Request));
        }

        handoff.Phase = SourcePhase.AwaitingDecision;
        SendState(handoff, state, length);
    }

    public void OnFreezeFailed(Instant now, HandoffId id, HandoffReason reason)
    {
        if (_handoffs.TryGet(id, out var handoff))
        {
            GiveUp(now, handoff, HandoffOutcome.Aborted, reason);
        }
    }

    public void OnChannelUp(Instant now, NodeId peer)
    {
        foreach (var handoff in _handoffs.All)
        {
            bool wasLost = handoff.TargetLostAt is not null;
            if (handoff.Request.Target == peer && !MayBeDecidedUnheard(now, handoff))
            {
                handoff.TargetLostAt = null;
            }

            // Its word is worth more than the home's, which may have forgotten a connection that has ended since.
            if (handoff.Request.Target == peer
                && (handoff.Phase is SourcePhase.Preparing or SourcePhase.Precopying or SourcePhase.AwaitingDecision
                    || (handoff.Phase == SourcePhase.AskedAbort && wasLost && !handoff.TargetForgot)))
            {
                AskTarget(handoff);
            }

            if (handoff.Home == peer && handoff.Phase == SourcePhase.AskedAbort && !handoff.IsInDoubt)
            {
                Ask(handoff);
            }
        }
    }

    /// <summary>Who is home has changed, or whether it decides.</summary>
    public void OnHome(Instant now, InetAddress address, NodeId home, bool serving)
    {
        foreach (var handoff in _handoffs.All)
        {
            if (handoff.Request.Flow.Tuple.LocalAddress == address)
            {
                // One that serves at once has the directory of the last, or takes no word of this node's any more.
                bool forgets = home != handoff.Home && !serving;
                if (forgets && handoff.Home != handoff.Request.Target && MayBeDecidedUnheard(now, handoff))
                {
                    Doubt(now, handoff, HandoffReason.HomeUnreachable);
                }

                handoff.Home = home;
                if (serving && handoff.Phase == SourcePhase.AskedAbort && !handoff.IsInDoubt)
                {
                    Ask(handoff);
                }
            }
        }
    }

    public void OnChannelDown(Instant now, NodeId peer)
    {
        foreach (var handoff in _handoffs.All)
        {
            if (handoff.Request.Target == peer && handoff.Phase == SourcePhase.Freezing)
            {
                GiveUp(now, handoff, HandoffOutcome.Aborted, HandoffReason.TargetUnreachable);
            }
            else if (handoff.Request.Target == peer && !handoff.StateIsUnsent)
            {
                handoff.TargetLostAt ??= now;
                handoff.StateIsOnChannel = false;
            }
        }
    }

    /// <summary>A peer is unreachable, or was started anew and knows nothing.</summary>
    public void OnPeerLost(Instant now, NodeId peer, bool restarted)
    {
        foreach (var handoff in _handoffs.All)
        {
            if (handoff.Request.Target == peer && restarted && (handoff.IsInDoubt || (handoff.Home == peer && MayBeDecidedUnheard(now, handoff))))
            {
                // Nobody can say any more who has it; the client has perhaps been told by others what this node does not know.
                Refused(now, handoff);
            }
            else if (handoff.Home == peer && restarted && MayBeDecidedUnheard(now, handoff))
            {
                Doubt(now, handoff, HandoffReason.HomeRestarted);
            }
            else if (handoff.Request.Target == peer)
            {
                handoff.TargetLostAt ??= handoff.StateIsUnsent ? null : now;
                handoff.TargetForgot |= restarted;
                GiveUp(now, handoff, HandoffOutcome.Aborted, restarted ? HandoffReason.TargetRestarted : HandoffReason.TargetUnreachable);
            }
            else if (handoff.Home == peer && handoff.StateIsUnsent)
            {
                GiveUp(now, handoff, HandoffOutcome.Aborted, restarted ? HandoffReason.HomeRestarted : HandoffReason.HomeUnreachable);
            }
        }
    }

    /// <summary>
    /// Whether the target may have gone on without this node's hearing of it. One that is the home does so only once it holds this
    /// node for lost.
    /// </summary>
    private bool MayBeDecidedUnheard(Instant now, SourceHandoff handoff) => handoff.TargetLostAt is { } lost
        && (handoff.Home != handoff.Request.Target || now >= lost + limits.DecidedUnheard);

    public void OnDeadline(Instant now)
    {
        while (_handoffs.TryTakeDue(now, out var handoff))
        {
            if (handoff.IsInDoubt)
            {
                Refused(now, handoff);
                continue;
            }

            bool frozen = handoff.Phase >= SourcePhase.Freezing;
            GiveUp(now, handoff, HandoffOutcome.Aborted, frozen ? HandoffReason.FreezeBudget : HandoffReason.PrepareTimeout);
        }
    }

    private void Freeze(Instant now, SourceHandoff handoff, int precopied)
    {
        handoff.Phase = SourcePhase.Freezing;
        handoff.PrecopiedBytes = precopied;
        handoff.FrozenAt = now;
        _handoffs.SetDeadline(handoff, now + (handoff.Request.FreezeBudget ?? limits.FreezeBudget));
        outbox.Add(new HandoffOutput.Freeze(handoff.Request.Id, handoff.Request.Flow, handoff.Request.Endpoint, precopied));
    }

    private void SendState(SourceHandoff handoff, FrozenState state, int length)
    {
        var body = new byte[length];
        StateBody.Write(state, body);
        handoff.StateIsOnChannel = true;
        for (int offset = 0; offset < length; offset += HandoffLimits.ChunkBytes)
        {
            var chunk = body.AsMemory(offset, Math.Min(HandoffLimits.ChunkBytes, length - offset));
            outbox.Send(handoff.Header, handoff.Request.Target, State.WriteHead(handoff.Header, length, offset), chunk);
        }
    }

    /// <summary>Ends it at once while that is the source's to decide; afterwards asks the home for the abort.</summary>
    private void GiveUp(Instant now, SourceHandoff handoff, HandoffOutcome outcome, HandoffReason reason)
    {
        switch (handoff.Phase)
        {
            case SourcePhase.AskedAbort:
                return;
            case SourcePhase.AwaitingDecision:
                handoff.Phase = SourcePhase.AskedAbort;
                handoff.OnAbort = (outcome, reason);
                _handoffs.SetDeadline(handoff, Instant.Never);
                Ask(handoff);
                return;
            default:
                Stay(now, handoff, outcome, reason, handoff.Request.Epoch, decided: false);
                return;
        }
    }

    /// <summary>
    /// The home has forgotten: only the target can say that it has not gone on. A target that has not asks the home itself.
    /// </summary>
    private void Doubt(Instant now, SourceHandoff handoff, HandoffReason reason)
    {
        if (handoff.IsInDoubt)
        {
            return;
        }

        if (handoff.TargetForgot)
        {
            Refused(now, handoff);
            return;
        }

        handoff.IsInDoubt = true;
        handoff.OnAbort = handoff.Phase == SourcePhase.AskedAbort ? handoff.OnAbort : (HandoffOutcome.Aborted, reason);
        handoff.Phase = SourcePhase.AskedAbort;
        _handoffs.SetDeadline(handoff, now + limits.TargetsWord);
        AskTarget(handoff);
    }

    /// <summary>Asks where the target is. Once the abort has been asked for, one that has forgotten the handoff must not begin it anew.</summary>
    private void AskTarget(SourceHandoff handoff)
    {
        handoff.AwaitsPosition = true;
        outbox.Send(handoff.Header, handoff.Request.Target, handoff.Phase == SourcePhase.AskedAbort
            ? Prepare.WriteQuestion(handoff.Request)
            : Prepare.Write(handoff.Request));
    }

    /// <summary>The target has said that it has not gone on.</summary>
    private void EndDoubt(SourceHandoff handoff)
    {
        handoff.TargetLostAt = null;
        if (handoff.IsInDoubt)
        {
            handoff.IsInDoubt = false;
            _handoffs.SetDeadline(handoff, Instant.Never);
            Ask(handoff);
        }
    }

    private void Ask(SourceHandoff handoff) => outbox.Ask(
        handoff.Home,
        SwapQuestion.Abort(handoff.Request.Flow, handoff.Request.Id, outbox.Self, handoff.Request.Epoch, handoff.Request.Endpoint));

    private void Decide(Instant now, SourceHandoff handoff, in Decision decision)
    {
        var request = handoff.Request;
        switch (decision.Outcome)
        {
            case HandoffOutcome.Committed:
                var forwardUntil = now + limits.TombstoneForwarding;
                outbox.Add(new HandoffOutput.BecomeTombstone(
                    request.Id, request.Flow, request.Endpoint, decision.Owner, decision.Epoch, decision.Reference,
                    forwardUntil, forwardUntil + limits.TombstoneSilence));
                End(now, handoff, new(request.Flow, HandoffOutcome.Committed, HandoffReason.None, Decided: true, decision.Epoch, decision.Reference));
                return;
            case HandoffOutcome.Aborted:
                Stay(now, handoff, handoff.OnAbort.Outcome, handoff.OnAbort.Reason, request.Epoch + 2, decided: true);
                return;
            default:
                Refused(now, handoff);
                return;
        }
    }

    /// <summary>The endpoint is not this node's any more, and nobody's that it knows of.</summary>
    private void Refused(Instant now, SourceHandoff handoff)
    {
        var request = handoff.Request;
        outbox.Add(new HandoffOutput.Discard(request.Id, request.Flow, request.Endpoint));
        outbox.Send(handoff.Header, request.Target, Abort.Write(handoff.Header, HandoffReason.HomeRefused, decided: false));
        End(now, handoff, new(request.Flow, HandoffOutcome.Gone, HandoffReason.HomeRefused, Decided: true));
    }

    /// <summary>The endpoint stays here.</summary>
    private void Stay(Instant now, SourceHandoff handoff, HandoffOutcome outcome, HandoffReason reason, Epoch epoch, bool decided)
    {
        var request = handoff.Request;
        if (handoff.Phase >= SourcePhase.Freezing)
        {
            outbox.Add(new HandoffOutput.Thaw(request.Id, request.Flow, request.Endpoint, epoch));
        }

        if (outcome == HandoffOutcome.Aborted || decided)
        {
            outbox.Send(handoff.Header, request.Target, Abort.Write(handoff.Header, reason, decided));
        }

        End(now, handoff, new(request.Flow, outcome, reason, decided));
    }

    private void End(Instant now, SourceHandoff handoff, in EndedHandoff ended)
    {
        var request = handoff.Request;
        var frozen = handoff.Phase >= SourcePhase.Freezing ? now - handoff.FrozenAt : TimeSpan.Zero;
        _handoffs.End(handoff, ended with { Home = handoff.Home });
        outbox.Add(new HandoffOutput.Completed(
            request.Id, request.Flow, HandoffRole.Source, request.Endpoint, request.Target, ended.Outcome, ended.Reason, frozen));
    }

    /// <summary>A target that waits for STATE of a handoff that has ended here is told so. One that is READY asks the home.</summary>
    private void AnswerEnded(in MessageHeader header, NodeId target)
    {
        var (reason, decided) = _handoffs.TryGetEnded(header.Handoff, out var ended) && ended.Outcome != HandoffOutcome.Committed
            ? (ended.Reason, ended.Decided && ended.Outcome != HandoffOutcome.Gone)
            : (HandoffReason.UnknownHandoff, false);
        outbox.Send(header, target, Abort.Write(header, reason, decided));
    }

    /// <summary>A target that is READY, of a handoff that has ended here: what the home told this node is true for it too.</summary>
    private DropReason AnswerReady(in MessageHeader header, NodeId target)
    {
        if (!_handoffs.TryGetEnded(header.Handoff, out var ended) || !ended.Decided || ended.Outcome == HandoffOutcome.Gone)
        {
            return DropReason.MessageStale;
        }

        outbox.Send(header, target, ended.Outcome == HandoffOutcome.Committed
            ? Done.Write(header, ended.Epoch, ended.Reference)
            : Abort.Write(header, ended.Reason, decided: true));
        return DropReason.None;
    }

    /// <summary>The target and the home both tell of a commit: the second to come is no surprise.</summary>
    private DropReason HeardOf(HandoffId id, HandoffOutcome outcome) =>
        _handoffs.TryGetEnded(id, out var ended) && ended.Outcome == outcome ? DropReason.None : DropReason.MessageStale;
}
