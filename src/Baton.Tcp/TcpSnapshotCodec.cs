using Baton.Wire;

namespace Baton.Tcp;

/// <summary>
/// The image of a connection: a version, then the fields of <see cref="TcpSnapshot"/> in the order below, big-endian.
/// Lists carry their count, byte strings their length; both are bounded before anything is allocated.
/// </summary>
public static class TcpSnapshotCodec
{
    /// <summary>The format's version; a reader takes no other.</summary>
    public const ushort Version = 1;

    /// <summary>The image of a snapshot.</summary>
    public static byte[] Write(TcpSnapshot snapshot)
    {
        var counting = new SnapshotWriter();
        Write(ref counting, snapshot);
        var image = new byte[counting.Length];
        var writing = new SnapshotWriter(image);
        Write(ref writing, snapshot);
        return image;
    }

    /// <summary>The snapshot of an image, whose queue bytes stay in the image; false when it is damaged or of another version.</summary>
    public static bool TryRead(ReadOnlyMemory<byte> image, out TcpSnapshot snapshot)
    {
        snapshot = new();
        var reader = new SnapshotReader(image);
        if (reader.U16() != Version)
        {
            return false;
        }

        ReadConnection(ref reader, snapshot);
        ReadSender(ref reader, snapshot);
        ReadRecovery(ref reader, snapshot);
        ReadReceiver(ref reader, snapshot);
        for (int i = 0; i < TimerTable.Count; i++)
        {
            snapshot.Timers[i] = reader.Bool() ? reader.Time() : null;
        }

        return reader.AtEnd;
    }

    private static void Write(ref SnapshotWriter w, TcpSnapshot s)
    {
        w.U16(Version);
        WriteConnection(ref w, s);
        WriteSender(ref w, s);
        WriteRecovery(ref w, s);
        WriteReceiver(ref w, s);
        foreach (var remaining in s.Timers)
        {
            w.Bool(remaining is not null);
            if (remaining is { } time)
            {
                w.Time(time);
            }
        }
    }

    private static void WriteConnection(ref SnapshotWriter w, TcpSnapshot s)
    {
        w.Address(s.Tuple.LocalAddress);
        w.U16(s.Tuple.LocalPort);
        w.Address(s.Tuple.RemoteAddress);
        w.U16(s.Tuple.RemotePort);
        w.U8((byte)s.State);
        w.Bool(s.CloseQueued);
        w.Bool(s.NobodyReads);
        w.Bool(s.Passive);
        w.Bool(s.SynDue);
        w.Bool(s.ScalingOn);
        w.Bool(s.SackOn);
        w.I32(s.PeerMss);
        w.I32(s.PathMss);
        w.I32(s.SndMss);
        w.I32(s.KeepAliveUnanswered);
        w.Bool(s.KeepAliveDue);
    }

    private static void ReadConnection(ref SnapshotReader r, TcpSnapshot s)
    {
        s.Tuple = new(r.Address(), r.U16(), r.Address(), r.U16());
        s.State = (TcpState)r.U8();
        s.CloseQueued = r.Bool();
        s.NobodyReads = r.Bool();
        s.Passive = r.Bool();
        s.SynDue = r.Bool();
        s.ScalingOn = r.Bool();
        s.SackOn = r.Bool();
        s.PeerMss = r.I32();
        s.PathMss = r.I32();
        s.SndMss = r.I32();
        s.KeepAliveUnanswered = r.I32();
        s.KeepAliveDue = r.Bool();
    }

    private static void WriteSender(ref SnapshotWriter w, TcpSnapshot s)
    {
        w.U32(s.Iss.Value);
        w.I64(s.SndUna);
        w.I64(s.SndNxt);
        w.I64(s.FinPosition);
        w.I32(s.SndWindow);
        w.I32(s.SndMaxWindow);
        w.I64(s.SndWl1);
        w.I64(s.SndWl2);
        w.I32(s.SndWindowScale);
        w.I64(s.SmallSegmentEnd);
        w.Bool(s.NoDelay);
        w.Time(s.SinceLastSent);
        w.Bytes(s.SendQueue);
    }

    private static void ReadSender(ref SnapshotReader r, TcpSnapshot s)
    {
        s.Iss = new(r.U32());
        s.SndUna = r.I64();
        s.SndNxt = r.I64();
        s.FinPosition = r.I64();
        s.SndWindow = r.I32();
        s.SndMaxWindow = r.I32();
        s.SndWl1 = r.I64();
        s.SndWl2 = r.I64();
        s.SndWindowScale = r.I32();
        s.SmallSegmentEnd = r.I64();
        s.NoDelay = r.Bool();
        s.SinceLastSent = r.Time();
        s.SendQueue = r.Bytes();
    }

    private static void WriteRecovery(ref SnapshotWriter w, TcpSnapshot s)
    {
        w.Time(s.SmoothedRtt);
        w.Time(s.RttVariance);
        w.Time(s.Rto);
        w.I32(s.RtoBackoff);
        w.I32(s.RtoExpirations);
        w.I32(s.CongestionWindow);
        w.I32(s.SlowStartThreshold);
        w.I32(s.CongestionAvoidanceCredit);
        w.U8((byte)s.RecoveryPhase);
        w.I64(s.RecoveryPoint);
        w.I32(s.DuplicateAcks);
        w.Range(s.Resend);
        w.U8((byte)s.Sacked.Length);
        foreach (var range in s.Sacked)
        {
            w.Range(range);
        }

        w.I32(s.PersistBackoff);
        w.I32(s.PersistProbes);
        w.Bool(s.ProbeDue);
    }

    private static void ReadRecovery(ref SnapshotReader r, TcpSnapshot s)
    {
        s.SmoothedRtt = r.Time();
        s.RttVariance = r.Time();
        s.Rto = r.Time();
        s.RtoBackoff = r.I32();
        s.RtoExpirations = r.I32();
        s.CongestionWindow = r.I32();
        s.SlowStartThreshold = r.I32();
        s.CongestionAvoidanceCredit = r.I32();
        s.RecoveryPhase = (RecoveryPhase)r.U8();
        s.RecoveryPoint = r.I64();
        s.DuplicateAcks = r.I32();
        s.Resend = r.Range();
        s.Sacked = new StreamRange[r.Count(RangeSet.MaxRanges)];
        for (int i = 0; i < s.Sacked.Length; i++)
        {
            s.Sacked[i] = r.Range();
        }

        s.PersistBackoff = r.I32();
        s.PersistProbes = r.I32();
        s.ProbeDue = r.Bool();
    }

    private static void WriteReceiver(ref SnapshotWriter w, TcpSnapshot s)
    {
        w.U32(s.Irs.Value);
        w.I64(s.RemoteFinPosition);
        w.I64(s.LastAckSent);
        w.I64(s.RcvEdge);
        w.I32(s.RcvWindowScale);
        w.I32(s.ReceiveLimit);
        w.I64(s.ReadPosition);
        w.Bytes(s.ReceiveQueue);
        w.U8((byte)s.OutOfOrder.Length);
        foreach (var bytes in s.OutOfOrder)
        {
            w.Bytes(bytes);
        }

        w.U8((byte)s.SackHistory.Length);
        foreach (long position in s.SackHistory)
        {
            w.I64(position);
        }

        w.I32(s.UnacknowledgedSegments);
        w.I32(s.AcksOwed);
        w.Bool(s.TimestampsOn);
        w.U32(s.TsValue);
        w.U32(s.TsRecent);
        w.Time(s.TsRecentAge);
    }

    private static void ReadReceiver(ref SnapshotReader r, TcpSnapshot s)
    {
        s.Irs = new(r.U32());
        s.RemoteFinPosition = r.I64();
        s.LastAckSent = r.I64();
        s.RcvEdge = r.I64();
        s.RcvWindowScale = r.I32();
        s.ReceiveLimit = r.I32();
        s.ReadPosition = r.I64();
        s.ReceiveQueue = r.Bytes();
        s.OutOfOrder = new QueuedBytes[r.Count(RangeSet.MaxRanges)];
        for (int i = 0; i < s.OutOfOrder.Length; i++)
        {
            s.OutOfOrder[i] = r.Bytes();
        }

        s.SackHistory = new long[r.Count(SackReport.Depth)];
        for (int i = 0; i < s.SackHistory.Length; i++)
        {
            s.SackHistory[i] = r.I64();
        }

        s.UnacknowledgedSegments = r.I32();
        s.AcksOwed = r.I32();
        s.TimestampsOn = r.Bool();
        s.TsValue = r.U32();
        s.TsRecent = r.U32();
        s.TsRecentAge = r.Time();
    }
}
