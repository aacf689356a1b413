using Baton.Handoff.Messages;
using Baton.Wire;

namespace Baton.Handoff;

/// <summary>
/// What becomes of the source's handoffs when a channel, a peer or the home is lost or comes back: given up, asked for anew, or in doubt,
/// where the home has forgotten and only the target can say whether it has gone on.
/// </summary>
internal sealed class SourceDoubts(Outbox outbox, HandoffLimits limits, SourceHandoffs handoffs, SourceDecisions decisions)
{
    public void OnChannelUp(Instant now, NodeId peer)
    {
        foreach (var handoff in handoffs.All)
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
                decisions.Ask(handoff);
            }
        }
    }

    public void OnChannelDown(Instant now, NodeId peer)
    {
        foreach (var handoff in handoffs.All)
        {
            if (handoff.Request.Target == peer && handoff.Phase == SourcePhase.Freezing)
            {
                decisions.GiveUp(now, handoff, HandoffOutcome.Aborted, HandoffReason.TargetUnreachable);
            }
            else if (handoff.Request.Target == peer && !handoff.StateIsUnsent)
            {
                handoff.TargetLostAt ??= now;
                handoff.StateIsOnChannel = false;
            }
        }
    }

    /// <summary>Who is home has changed, or whether it decides.</summary>
    public void OnHome(Instant now, InetAddress address, NodeId home, bool serving)
    {
        foreach (var handoff in handoffs.All)
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
                    decisions.Ask(handoff);
                }
            }
        }
    }

    /// <summary>A peer is unreachable, or was started anew and knows nothing.</summary>
    public void OnPeerLost(Instant now, NodeId peer, bool restarted)
    {
        foreach (var handoff in handoffs.All)
        {
            if (handoff.Request.Target == peer && restarted && (handoff.IsInDoubt || (handoff.Home == peer && MayBeDecidedUnheard(now, handoff))))
            {
                // Nobody can say any more who has it; the client has perhaps been told by others what this node does not know.
                decisions.Refused(now, handoff);
            }
            else if (handoff.Home == peer && restarted && MayBeDecidedUnheard(now, handoff))
            {
                Doubt(now, handoff, HandoffReason.HomeRestarted);
            }
            else if (handoff.Request.Target == peer)
            {
                handoff.TargetLostAt ??= handoff.StateIsUnsent ? null : now;
                handoff.TargetForgot |= restarted;
                decisions.GiveUp(now, handoff, HandoffOutcome.Aborted, restarted ? HandoffReason.TargetRestarted : HandoffReason.TargetUnreachable);
            }
            else if (handoff.Home == peer && handoff.StateIsUnsent)
            {
                decisions.GiveUp(now, handoff, HandoffOutcome.Aborted, restarted ? HandoffReason.HomeRestarted : HandoffReason.HomeUnreachable);
            }
        }
    }

    /// <summary>The target has said that it has not gone on.</summary>
    public void EndDoubt(SourceHandoff handoff)
    {
        handoff.TargetLostAt = null;
        if (handoff.IsInDoubt)
        {
            handoff.IsInDoubt = false;
            handoffs.SetDeadline(handoff, Instant.Never);
            decisions.Ask(handoff);
        }
    }

    /// <summary>
    /// Whether the target may have gone on without this node's hearing of it: from STATE on, on the word of a third node; on this node's
    /// own, when the channel has broken since. One that is the home does so only once it holds this node for lost.
    /// </summary>
    private bool MayBeDecidedUnheard(Instant now, SourceHandoff handoff) =>
        handoff.Home == handoff.Request.Target ? now >= handoff.TargetLostAt + limits.DecidedUnheard
        : handoff.Home == outbox.Self ? handoff.TargetLostAt is not null
        : !handoff.StateIsUnsent;

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
            decisions.Refused(now, handoff);
            return;
        }

        handoff.IsInDoubt = true;
        handoff.OnAbort = handoff.Phase == SourcePhase.AskedAbort ? handoff.OnAbort : (HandoffOutcome.Aborted, reason);
        handoff.Phase = SourcePhase.AskedAbort;
        handoffs.SetDeadline(handoff, now + limits.TargetsWord);
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
}
