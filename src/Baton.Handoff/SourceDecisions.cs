using Baton.Handoff.Messages;
using Baton.Wire;

namespace Baton.Handoff;

/// <summary>
/// How a handoff ends at the source: by itself until STATE is sent, then by the home's word; and what is told of those that have ended.
/// </summary>
internal sealed class SourceDecisions(Outbox outbox, HandoffLimits limits, SourceHandoffs handoffs)
{
    /// <summary>The target has gone on, and tells so.</summary>
    public DropReason OnDone(Instant now, NodeId from, in Done message)
    {
        if (!handoffs.TryGet(message.Header.Handoff, out var handoff) || handoff.Request.Target != from || handoff.StateIsUnsent)
        {
            bool isKnown = handoffs.TryGetEnded(message.Header.Handoff, out var ended);
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
        if (!handoffs.TryGet(id, out var handoff)
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

    /// <summary>Ends it at once while that is the source's to decide; afterwards asks the home for the abort.</summary>
    public void GiveUp(Instant now, SourceHandoff handoff, HandoffOutcome outcome, HandoffReason reason)
    {
        switch (handoff.Phase)
        {
            case SourcePhase.AskedAbort:
                return;
            case SourcePhase.AwaitingDecision:
                handoff.Phase = SourcePhase.AskedAbort;
                handoff.OnAbort = (outcome, reason);
                handoffs.SetDeadline(handoff, Instant.Never);
                Ask(handoff);
                return;
            default:
                Stay(now, handoff, outcome, reason, handoff.Request.Epoch, decided: false);
                return;
        }
    }

    public void Ask(SourceHandoff handoff) => outbox.Ask(
        handoff.Home,
        SwapQuestion.Abort(handoff.Request.Flow, handoff.Request.Id, outbox.Self, handoff.Request.Epoch, handoff.Request.Endpoint));

    /// <summary>The endpoint is not this node's any more, and nobody's that it knows of.</summary>
    public void Refused(Instant now, SourceHandoff handoff)
    {
        var request = handoff.Request;
        outbox.Add(new HandoffOutput.Discard(request.Id, request.Flow, request.Endpoint));
        outbox.Send(handoff.Header, request.Target, Abort.Write(handoff.Header, HandoffReason.HomeRefused, decided: false));
        End(now, handoff, new(request.Flow, HandoffOutcome.Gone, HandoffReason.HomeRefused, Decided: true));
    }

    /// <summary>A target that waits for STATE of a handoff that has ended here is told so. One that is READY asks the home.</summary>
    public void AnswerEnded(in MessageHeader header, NodeId target)
    {
        var (reason, decided) = handoffs.TryGetEnded(header.Handoff, out var ended) && ended.Outcome != HandoffOutcome.Committed
            ? (ended.Reason, ended.Decided && ended.Outcome != HandoffOutcome.Gone)
            : (HandoffReason.UnknownHandoff, false);
        outbox.Send(header, target, Abort.Write(header, reason, decided));
    }

    /// <summary>A target that is READY, of a handoff that has ended here: what the home told this node is true for it too.</summary>
    public DropReason AnswerReady(in MessageHeader header, NodeId target)
    {
        if (!handoffs.TryGetEnded(header.Handoff, out var ended) || !ended.Decided || ended.Outcome == HandoffOutcome.Gone)
        {
            return DropReason.MessageStale;
        }

        outbox.Send(header, target, ended.Outcome == HandoffOutcome.Committed
            ? Done.Write(header, ended.Epoch, ended.Reference)
            : Abort.Write(header, ended.Reason, decided: true));
        return DropReason.None;
    }

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
        handoffs.End(handoff, ended with { Home = handoff.Home });
        outbox.Add(new HandoffOutput.Completed(
            request.Id, request.Flow, HandoffRole.Source, request.Endpoint, request.Target, ended.Outcome, ended.Reason, frozen));
    }

    /// <summary>The target and the home both tell of a commit: the second to come is no surprise.</summary>
    private DropReason HeardOf(HandoffId id, HandoffOutcome outcome) =>
        handoffs.TryGetEnded(id, out var ended) && ended.Outcome == outcome ? DropReason.None : DropReason.MessageStale;
}
