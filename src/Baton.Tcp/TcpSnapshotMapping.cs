using System.Diagnostics.CodeAnalysis;
using Baton.Wire;

namespace Baton.Tcp;

/// <summary>Between a connection and its snapshot, both ways.</summary>
internal static class TcpSnapshotMapping
{
    /// <summary>Reads a connection out; queue bytes stay in place.</summary>
    public static TcpSnapshot Take(TcpConnection c, Instant now)
    {
        var snapshot = new TcpSnapshot
        {
            Tuple = c.Tuple,
            State = c.State,
            CloseQueued = c.Phase == Phase.SynReceivedClosing,
            NobodyReads = c.NobodyReads,
            EcnOn = c.Ecn.On,
            EcnEchoes = c.Ecn.Echoes,
            EcnReducedDue = c.Ecn.ReducedDue,
            EcnPoint = c.Ecn.Point,
            EcnReceived = c.Ecn.Accurate?.Received ?? 0,
            EcnReported = c.Ecn.Accurate?.Reported ?? 0,
            KeepAliveUnanswered = c.KeepAlive.Unanswered,
            KeepAliveDue = c.KeepAlive.Due,
        };
        TakeHandshake(snapshot, in c.Handshake);
        TakeSender(snapshot, c.Sender, now);
        TakeRecovery(snapshot, c.Sender, now);
        TakeDetection(snapshot, c.Sender.Recovery, now);
        TakeReceiver(snapshot, c.Receiver, now);
        for (int i = 0; i < TimerTable.Count; i++)
        {
            var at = c.Timers[(TimerKind)i];
            snapshot.Timers[i] = at == Instant.Never ? null : new(Math.Max(0, (at - now).Ticks));
        }

        return snapshot;
    }

    /// <summary>Leaves out queued bytes below positions.</summary>
    public static TcpSnapshot WithoutBelow(TcpSnapshot snapshot, long sendFrom, long receiveFrom)
    {
        snapshot.SendQueue = From(snapshot.SendQueue, sendFrom);
        snapshot.ReceiveQueue = From(snapshot.ReceiveQueue, receiveFrom);
        return snapshot;

        static QueuedBytes From(QueuedBytes bytes, long from) => bytes.Slice(Math.Clamp(from, bytes.Position, bytes.End), bytes.End);
    }

    /// <summary>A frozen connection that goes on where the snapshot's stopped.</summary>
    public static bool TryRestore(
        TcpSnapshot s, in CopiedAhead ahead, TcpSettings settings, Instant now, [NotNullWhen(true)] out TcpConnection? connection)
    {
        connection = null;
        long sendStart = Math.Max(1, Math.Min(s.SndUna, s.SendQueue.End));
        if (!TcpSnapshotCheck.IsSound(s)
            || !TryPrefix(ahead.Send, sendStart, s.SendQueue.Position, out var sendAhead)
            || !TryPrefix(ahead.Receive, s.ReadPosition, s.ReceiveQueue.Position, out var receiveAhead))
        {
            return false;
        }

        var phase = PhaseOf(s.State, s.CloseQueued);
        var restored = new TcpConnection(settings, s.Tuple, phase, s.Iss, timestampOffset: 0, s.Passive);
        restored.Handshake.Restore(s);
        restored.Ecn.Restore(s);
        restored.Sender.Restore(s, sendAhead, now);
        if (!restored.Receiver.TryRestore(s, receiveAhead, now))
        {
            restored.Release();
            return false;
        }

        for (int i = 0; i < TimerTable.Count; i++)
        {
            restored.Timers.Set((TimerKind)i, s.Timers[i] is { } remaining ? now + remaining : Instant.Never);
        }

        restored.KeepAlive.Restore(s.KeepAliveUnanswered, s.KeepAliveDue, now, settings, ref restored.Timers);
        restored.RestorePhase(phase, s.NobodyReads, now);
        restored.ChargeMemory();
        connection = restored;
        return true;
    }

    private static Phase PhaseOf(TcpState state, bool closeQueued) => state switch
    {
        TcpState.SynSent => Phase.SynSent,
        TcpState.SynReceived => closeQueued ? Phase.SynReceivedClosing : Phase.SynReceived,
        TcpState.Established => Phase.Established,
        TcpState.FinWait1 => Phase.FinWait1,
        TcpState.FinWait2 => Phase.FinWait2,
        TcpState.CloseWait => Phase.CloseWait,
        TcpState.Closing => Phase.Closing,
        TcpState.LastAck => Phase.LastAck,
        TcpState.TimeWait => Phase.TimeWait,
        _ => Phase.Closed,
    };

    /// <summary>The bytes copied ahead that the image needs: from the queue's start up to where the image begins.</summary>
    private static bool TryPrefix(in QueuedBytes ahead, long start, long imageStart, out QueuedBytes prefix)
    {
        prefix = new(start, default, default);
        if (start == imageStart)
        {
            return true;
        }

        if (imageStart < start || ahead.Position > start || ahead.End < imageStart)
        {
            return false;
        }

        prefix = ahead.Slice(start, imageStart);
        return true;
    }

    private static void TakeHandshake(TcpSnapshot s, in Handshake h)
    {
        s.Passive = h.Passive;
        s.SynDue = h.SynDue;
        s.ScalingOn = h.ScalingOn;
        s.SackOn = h.SackOn;
        s.PeerMss = h.PeerMss;
        s.PathMss = h.PathMss;
    }

    private static void TakeSender(TcpSnapshot s, Sender sender, Instant now)
    {
        s.Iss = sender.Iss;
        s.SndUna = sender.Una;
        s.SndNxt = sender.Nxt;
        s.FinPosition = sender.FinPosition;
        s.SndWindow = sender.Window;
        s.SndMaxWindow = sender.MaxWindow;
        s.SndWl1 = sender.Wl1;
        s.SndWl2 = sender.Wl2;
        s.SndWindowScale = sender.Scale;
        s.SndMss = sender.Mss;
        s.PathSearchLimit = sender.Search?.Limit ?? 0;
        s.SmallSegmentEnd = sender.Recovery.SmallEnd;
        s.NoDelay = sender.NoDelay;
        s.UserTimeout = sender.Options?.UserTimeout ?? TimeSpan.Zero;
        s.Linger = sender.Options?.Linger;
        s.Corked = sender.Options?.Corked ?? false;
        s.NotSentLimit = sender.Options?.NotSentLimit ?? 0;
        s.Waiting = sender.Options is { } options && options.WaitingSince != Instant.Never ? Age(options.WaitingSince, now) : null;
        s.SinceLastSent = now - sender.LastSent;
        s.SendQueue = sender.Queue.View();
    }

    private static void TakeRecovery(TcpSnapshot s, Sender sender, Instant now)
    {
        s.SmoothedRtt = sender.Rtt.Smoothed;
        s.RttVariance = sender.Rtt.Variance;
        s.MinRtt = sender.Rtt.Min;
        s.SinceMinRtt = Age(sender.Rtt.MinAt, now);
        s.Rto = sender.Rtt.BaseRto;
        s.RtoBackoff = sender.Rtt.Backoff;
        s.RtoExpirations = sender.Rtt.Expirations;
        s.CongestionWindow = sender.Congestion.Window;
        s.SlowStartThreshold = sender.Congestion.Threshold;
        s.PriorWindow = sender.Congestion.PriorWindow;
        s.PriorThreshold = sender.Congestion.PriorThreshold;
        s.CongestionAlgorithm = sender.Algorithm;
        s.CongestionDetails = sender.Congestion.Details(now);
        s.RecoveryPhase = sender.Recovery.Phase;
        s.RecoveryPoint = sender.Recovery.Point;
        s.DuplicateAcks = sender.Recovery.Duplicates;
        s.Sacked = sender.Recovery.Sacked.Ranges.ToArray();
        s.PersistBackoff = sender.Persist.Backoff;
        s.PersistProbes = sender.Persist.Unanswered;
        s.ProbeDue = sender.Persist.Due;
    }

    private static void TakeDetection(TcpSnapshot s, LossRecovery recovery, Instant now)
    {
        var parts = recovery.Sent.Parts;
        s.Sent = new SentAge[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            s.Sent[i] = new(parts[i].End, Age(parts[i].At, now), parts[i].Marks);
        }

        s.RackSince = recovery.Rack.End > 0 ? Age(recovery.Rack.SentAt, now) : TimeSpan.Zero;
        s.RackEnd = recovery.Rack.End;
        s.RackRtt = recovery.Rack.Rtt;
        s.RackHighest = recovery.Rack.Highest;
        s.RackDsackRound = recovery.Rack.DsackRound;
        s.RackMultiplier = recovery.Rack.Multiplier;
        s.RackPersistence = recovery.Rack.RecoveriesLeft;
        s.RackReordering = recovery.Rack.Reordering;
        s.TailProbeEnd = recovery.Probe.End;
        s.TailProbeRepeats = recovery.Probe.Repeats;
        s.TailProbeDue = recovery.Probe.Due;
        s.RecoveryFlight = recovery.Rate.Flight;
        s.RecoveryDelivered = recovery.Rate.Delivered;
        s.RecoverySent = recovery.Rate.Sent;
        s.UndoFrom = recovery.Spurious.From;
        s.UndoOutstanding = recovery.Spurious.Outstanding;
        s.UndoSince = recovery.Spurious.Resent ? Age(recovery.Spurious.FirstResent, now) : TimeSpan.Zero;
        s.UndoResent = recovery.Spurious.Resent;
        s.FRtoStep = recovery.Spurious.Step;
    }

    private static TimeSpan Age(Instant at, Instant now) => new(Math.Max(0, (now - at).Ticks));

    private static void TakeReceiver(TcpSnapshot s, Receiver receiver, Instant now)
    {
        ref var queue = ref receiver.Queue;
        s.Irs = receiver.Irs;
        s.RemoteFinPosition = receiver.FinPosition;
        s.LastAckSent = receiver.LastAckSent;
        s.RcvEdge = receiver.Window.Edge;
        s.RcvWindowScale = receiver.Window.Scale;
        s.ReceiveLimit = receiver.Window.Capacity;
        s.ReadPosition = queue.ReadPosition;
        s.ReceiveQueue = queue.View(queue.ReadPosition, queue.Readable);
        s.OutOfOrder = new QueuedBytes[queue.Ahead.Count];
        for (int i = 0; i < s.OutOfOrder.Length; i++)
        {
            var range = queue.Ahead.Ranges[i];
            s.OutOfOrder[i] = queue.View(range.Start, (int)range.Length);
        }

        s.SackHistory = receiver.Sack is { } sack ? sack.Recent.ToArray() : [];
        s.SackDuplicate = receiver.Sack?.Duplicate ?? default;
        s.UnacknowledgedSegments = receiver.Acks.Segments;
        s.AcksOwed = receiver.Acks.Owed;
        s.TimestampsOn = receiver.Timestamps.On;
        s.TsValue = receiver.Timestamps.Value(now);
        s.TsRecent = receiver.Timestamps.Recent;
        s.TsRecentAge = now - receiver.Timestamps.RecentAt;
    }
}
