using System.Numerics;

namespace Baton.Tcp;

/// <summary>
/// Whether a snapshot can be a connection's: whatever passes runs without breaking a bound, though it may be another
/// connection's than its sender meant.
/// </summary>
internal static class TcpSnapshotCheck
{
    /// <summary>Positions beyond this no connection reaches: a century at 1 Tbit/s is 2^68 bits.</summary>
    private const long MaxPosition = 1L << 60;

    private const int MaxWindow = 1 << 30;

    private static readonly TimeSpan MaxTime = TimeSpan.FromDays(10_000);

    public static bool IsSound(TcpSnapshot s) =>
        IsSegmentSizeSound(s) && IsSenderSound(s) && IsRecoverySound(s) && IsDetectionSound(s) && IsReceiverSound(s) && IsStateSound(s) && AreTimesSound(s);

    private static bool IsSegmentSizeSound(TcpSnapshot s) =>
        s.PeerMss is >= Handshake.MinMss and <= ushort.MaxValue
        && s.PathMss is >= Handshake.MinMss and <= ushort.MaxValue
        && s.SndMss is >= Handshake.MinMss - Handshake.TimestampsLength and <= ushort.MaxValue
        && s.PathSearchLimit is >= 0 and <= ushort.MaxValue
        && s.SndWindowScale is >= 0 and <= 14
        && s.RcvWindowScale is >= 0 and <= 14;

    private static bool IsSenderSound(TcpSnapshot s)
    {
        long end = s.SendQueue.End;
        long last = s.FinPosition >= 0 ? s.FinPosition + 1 : end;
        long start = Math.Max(1, Math.Min(s.SndUna, end));
        return s.SendQueue.Position >= start && end <= MaxPosition
            && end - start <= TcpSettings.MaxBufferLimit
            && (s.FinPosition == -1 || s.FinPosition == end)
            && s.SndUna >= 0 && s.SndUna <= s.SndNxt && s.SndNxt <= last
            && s.SndWindow >= 0 && s.SndWindow <= s.SndMaxWindow && s.SndMaxWindow <= 0xFFFF << 14
            && s.SndWl1 >= 0 && s.SndWl1 <= MaxPosition && s.SndWl2 >= 0 && s.SndWl2 <= s.SndNxt
            && s.NotSentLimit >= 0
            && s.SmallSegmentEnd >= 0 && s.SmallSegmentEnd <= s.SndNxt;
    }

    private static bool IsRecoverySound(TcpSnapshot s)
    {
        foreach (var range in s.Sacked)
        {
            if (range.Start <= s.SndUna || range.End <= range.Start || range.End > s.SndNxt)
            {
                return false;
            }
        }

        return s.Sacked.Length <= RangeSet.MaxRanges
            && s.RecoveryPhase <= RecoveryPhase.Timeout
            && s.RecoveryPoint >= 0 && s.RecoveryPoint <= s.SndNxt
            && s.DuplicateAcks >= 0
            && s.CongestionWindow is >= 0 and <= MaxWindow
            && s.SlowStartThreshold is >= 0 and <= MaxWindow
            && s.PriorWindow is >= 0 and <= MaxWindow
            && s.PriorThreshold is >= 0 and <= MaxWindow
            && s.CongestionAlgorithm <= CongestionAlgorithm.Bbr
            && s.CongestionDetails.Length <= CongestionControl.MaxDetails
            && s.RtoBackoff is >= 0 and <= 1000 && s.RtoExpirations is >= 0 and <= 1000
            && s.PersistBackoff is >= 0 and <= ushort.MaxValue && s.PersistProbes is >= 0 and <= ushort.MaxValue;
    }

    private static bool IsDetectionSound(TcpSnapshot s)
    {
        long previous = Math.Max(1, s.SndUna);
        foreach (var part in s.Sent)
        {
            if (part.End <= previous || part.Marks > SentMarks.All || !IsTime(part.Age))
            {
                return false;
            }

            previous = part.End;
        }

        return s.Sent.Length <= SentLog.MaxParts
            && previous == Math.Max(1, s.SndNxt)
            && IsTime(s.RackSince) && IsTime(s.RackRtt) && IsTime(s.UndoSince)
            && IsSent(s.RackEnd, s) && IsSent(s.RackHighest, s) && IsSent(s.RackDsackRound, s)
            && IsSent(s.TailProbeEnd, s) && IsSent(s.UndoFrom, s)
            && s.RecoveryFlight is >= 0 and <= MaxWindow && (s.RecoveryPhase != RecoveryPhase.Fast || s.RecoveryFlight > 0)
            && s.RecoveryDelivered is >= 0 and <= MaxPosition && s.RecoverySent is >= 0 and <= MaxPosition
            && s.UndoOutstanding is >= -MaxPosition and <= MaxPosition
            && IsSent(s.EcnPoint, s) && s.EcnReceived is 0 or >= 8 and <= 15 && s.EcnReported is >= 0 and <= 7
            && s.FRtoStep <= FRtoStep.NewSent;
    }

    private static bool IsSent(long position, TcpSnapshot s) => position >= 0 && position <= s.SndNxt;

    private static bool IsReceiverSound(TcpSnapshot s)
    {
        long next = s.ReceiveQueue.End;
        long previous = next;
        foreach (var bytes in s.OutOfOrder)
        {
            if (bytes.Position <= previous || bytes.Length == 0 || bytes.End > s.RcvEdge
                || (s.RemoteFinPosition >= 0 && bytes.End > s.RemoteFinPosition))
            {
                return false;
            }

            previous = bytes.End;
        }

        foreach (long position in s.SackHistory)
        {
            if (position < 0 || position > s.RcvEdge)
            {
                return false;
            }
        }

        return s.OutOfOrder.Length <= RangeSet.MaxRanges
            && s.SackDuplicate.Start >= 0 && s.SackDuplicate.End >= s.SackDuplicate.Start && s.SackDuplicate.End <= s.RcvEdge
            && s.SackHistory.Length <= SackReport.Depth
            && s.ReceiveLimit is >= TcpSettings.MinBufferLimit and <= TcpSettings.MaxBufferLimit
            && BitOperations.IsPow2(s.ReceiveLimit)
            && s.ReadPosition >= 1 && s.ReadPosition <= s.ReceiveQueue.Position
            && next <= s.RcvEdge && s.RcvEdge <= s.ReadPosition + TcpSettings.MaxBufferLimit && s.RcvEdge <= MaxPosition
            && (s.RemoteFinPosition == -1 || (s.RemoteFinPosition >= next && s.RemoteFinPosition <= s.RcvEdge))
            && s.LastAckSent >= 0 && s.LastAckSent <= next + 1
            && s.UnacknowledgedSegments is >= 0 and <= 1 << 20 && s.AcksOwed is >= 0 and <= DelayedAck.MaxOwed
            && s.KeepAliveUnanswered is >= 0 and <= ushort.MaxValue;
    }

    private static bool IsStateSound(TcpSnapshot s)
    {
        bool finReceived = s.RemoteFinPosition >= 0 && s.ReceiveQueue.End >= s.RemoteFinPosition;
        bool closed = s.FinPosition >= 0;
        bool acknowledged = closed && s.SndUna > s.FinPosition;
        bool synchronized = s.SndUna >= 1 && !s.SynDue;
        return s.State switch
        {
            TcpState.SynSent => s.SndUna == 0 && !closed && !finReceived && !s.CloseQueued,
            TcpState.SynReceived => s.SndUna == 0 && closed == s.CloseQueued && !finReceived,
            TcpState.Established => synchronized && !closed && !finReceived && !s.CloseQueued,
            TcpState.CloseWait => synchronized && !closed && finReceived && !s.CloseQueued,
            TcpState.FinWait1 => synchronized && closed && !acknowledged && !finReceived && !s.CloseQueued,
            TcpState.FinWait2 => synchronized && acknowledged && !finReceived && !s.CloseQueued,
            TcpState.Closing or TcpState.LastAck => synchronized && closed && !acknowledged && finReceived && !s.CloseQueued,
            TcpState.TimeWait => synchronized && acknowledged && finReceived && !s.CloseQueued,
            _ => false,
        };
    }

    private static bool AreTimesSound(TcpSnapshot s)
    {
        bool sound = s.Timers.Length == TimerTable.Count
            && IsTime(s.SinceLastSent) && IsTime(s.SmoothedRtt) && IsTime(s.RttVariance) && IsTime(s.MinRtt) && IsTime(s.SinceMinRtt) && IsTime(s.TsRecentAge)
            && IsTime(s.UserTimeout) && IsTime(s.Linger ?? TimeSpan.Zero) && IsTime(s.Waiting ?? TimeSpan.Zero)
            && IsTime(s.Rto) && s.Rto > TimeSpan.Zero
            && (s.SndNxt == s.SndUna || IsSet(s, TimerKind.Retransmit) || IsSet(s, TimerKind.Persist))
            && (s.State != TcpState.TimeWait || IsSet(s, TimerKind.Linger));
        foreach (var remaining in s.Timers)
        {
            sound &= remaining is not { } time || IsTime(time);
        }

        return sound;
    }

    private static bool IsSet(TcpSnapshot s, TimerKind kind) => s.Timers[(int)kind] is not null;

    private static bool IsTime(TimeSpan time) => time >= TimeSpan.Zero && time <= MaxTime;
}
