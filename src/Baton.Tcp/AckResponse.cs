using Baton.Wire;

namespace Baton.Tcp;

/// <summary>What an ACK does to loss recovery and the congestion window.</summary>
internal static class AckResponse
{
    /// <summary>With SACK: RACK, proportional rate reduction, tail loss probes (RFC 8985, RFC 6937).</summary>
    public static void WithSack(Sender s, in Delivery d, in AckSample sample, bool advanced, Instant? echoed)
    {
        var recovery = s.Recovery;
        if (recovery.IsCalm && d.Duplicate.Length == 0)
        {
            s.Timers.Stop(TimerKind.Reordering);
            if (advanced)
            {
                s.Congestion.OnAcknowledged(in sample);
            }

            return;
        }

        bool duplicateOfProbe = recovery.Probe.Repeats && d.Duplicate.Length > 0 && d.Duplicate.End == recovery.Probe.End;
        if (d.Duplicate.Length > 0 && !duplicateOfProbe)
        {
            recovery.Rack.OnDsack(s.Una, s.Nxt);
        }

        if (recovery.Probe.OnAck(s.Una, !advanced && !d.NewSack, duplicateOfProbe) && recovery.Phase == RecoveryPhase.Open)
        {
            // RFC 8985 §7.4.2: the probe mended a loss that nobody would know of.
            s.Congestion.OnLoss(sample.Flight, sample.Mss, again: false);
        }

        if (WasSpurious(s, in d, advanced, echoed) || RunFRto(s, in d, advanced))
        {
            s.Timers.Stop(TimerKind.Reordering);
            return;
        }

        var phase = recovery.Phase;
        bool ended = phase != RecoveryPhase.Open && s.Una >= recovery.Point;
        if (ended)
        {
            if (phase == RecoveryPhase.Fast)
            {
                s.Congestion.Set(s.Congestion.Threshold);
            }

            recovery.Leave(spurious: false);
        }

        bool lost = DetectLoss(s, sample.Now, ended);
        if (recovery.Phase == RecoveryPhase.Fast)
        {
            int pipe = recovery.Pipe(s.Una, s.Nxt);
            s.Congestion.Set(recovery.Rate.OnAck(d.Bytes, pipe, s.Congestion.Threshold, s.Mss, advanced && !lost));
        }
        else if (advanced && (!ended || phase == RecoveryPhase.Timeout))
        {
            // RFC 5681 §3.1: slow start after a timeout counts each ACK of new data, the one that ends recovery too.
            s.Congestion.OnAcknowledged(in sample);
        }
    }

    /// <summary>Looks for losses by time, with an ACK or when the reordering timer expires; true when some were found.</summary>
    public static bool DetectLoss(Sender s, Instant now, bool ended)
    {
        var recovery = s.Recovery;
        bool lost = recovery.Detect(now, in s.Rtt, s.Mss, out var wait);
        if (wait > TimeSpan.Zero)
        {
            s.Timers.Set(TimerKind.Reordering, now + wait);
        }
        else
        {
            s.Timers.Stop(TimerKind.Reordering);
        }

        if (recovery.Phase == RecoveryPhase.Open && (lost || (ended && recovery.Sent.HasLost)))
        {
            recovery.BeginSpurious(s.Una);
            s.Congestion.OnLoss((int)(s.Nxt - s.Una), s.Mss, again: false);
            recovery.Enter(s.Nxt, (int)(s.Nxt - s.Una - recovery.Sacked.Total));
            s.CountFastRetransmit();
        }

        return lost;
    }

    /// <summary>Without SACK: duplicate and partial ACKs (RFC 5681 §3.2, RFC 6582 §3.2).</summary>
    public static void WithoutSack(Sender s, in Delivery d, in AckSample sample, bool advanced, bool duplicate, Instant? echoed)
    {
        var recovery = s.Recovery;
        if (WasSpurious(s, in d, advanced, echoed) || RunFRto(s, in d, advanced))
        {
            return;
        }

        if (advanced)
        {
            var phase = recovery.Phase;
            bool ended = recovery.OnAdvance(s.Una, s.Nxt, s.Mss);
            if (phase != RecoveryPhase.Fast)
            {
                s.Congestion.OnAcknowledged(in sample);
            }
            else if (ended)
            {
                s.Congestion.OnRecovered(recovery.Pipe(s.Una, s.Nxt), s.Mss);
            }
            else
            {
                s.Congestion.OnPartialAck(sample.Bytes, s.Mss);
            }
        }
        else if (duplicate)
        {
            OnDuplicate(s, sample.Flight);
        }
    }

    private static void OnDuplicate(Sender s, int flight)
    {
        if (s.Recovery.OnDuplicate(s.Una, s.Nxt, s.Mss))
        {
            s.Recovery.Spurious.Begin(s.Una, again: false);
            s.Congestion.OnLoss((int)(s.Nxt - s.Una), s.Mss, again: false);
            s.CountFastRetransmit();
            s.Congestion.Inflate(LossRecovery.DuplicateThreshold * s.Mss);
        }
        else if (s.Recovery.Phase == RecoveryPhase.Fast && flight > 0)
        {
            s.Congestion.Inflate(s.Mss);
        }
    }

    /// <summary>Eifel detection (RFC 3522) in recovery, DSACK (RFC 3708 §2) also after it.</summary>
    private static bool WasSpurious(Sender s, in Delivery d, bool advanced, Instant? echoed)
    {
        ref var spurious = ref s.Recovery.Spurious;
        bool echo = advanced && s.Recovery.Phase != RecoveryPhase.Open && spurious.IsEcho(echoed);
        bool duplicate = d.Duplicate.Length > 0 && spurious.OnDuplicate(d.Duplicate);
        if (!echo && !duplicate)
        {
            return false;
        }

        TakeBack(s);
        return true;
    }

    /// <summary>F-RTO (RFC 5682 §2.1); true when it answers the ACK: with new data, or since the timeout was spurious.</summary>
    private static bool RunFRto(Sender s, in Delivery d, bool advanced)
    {
        ref var spurious = ref s.Recovery.Spurious;
        switch (spurious.Step)
        {
            case FRtoStep.Resent when advanced && s.Una < s.Recovery.Point && s.HasUnsent:
                // Step 2b: up to two new segments, and see.
                spurious.Proceed(FRtoStep.NewSent);
                s.Congestion.Set(s.Recovery.Pipe(s.Una, s.Nxt) + (2 * s.Mss));
                return true;
            case FRtoStep.NewSent when d.Original && (advanced || d.NewSack):
                // Step 3b: what was never sent again arrives.
                TakeBack(s);
                return true;
            case FRtoStep.NewSent when advanced || d.NewSack || d.Bytes == 0:
                // Step 3a: the loss was one.
                spurious.Proceed(FRtoStep.None);
                s.Congestion.Set(Math.Min(s.Congestion.Window, 3 * s.Mss));
                return false;
            case FRtoStep.Resent:
                // Step 2a.
                spurious.Proceed(FRtoStep.None);
                return false;
            default:
                return false;
        }
    }

    /// <summary>RFC 4015 §3.2: window and threshold are what they were before.</summary>
    private static void TakeBack(Sender s)
    {
        s.Congestion.Undo();
        s.CountSpurious();
        s.Recovery.Leave(spurious: true);
    }
}
