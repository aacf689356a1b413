using Baton.Wire;

namespace Baton.Tcp;

/// <summary>
/// The image of a connection: a version, then the fields of <see cref="TcpSnapshot"/> in the order below, big-endian.
/// Lists carry their count, byte strings their length; both are bounded before anything is allocated.
/// </summary>
public static class TcpSnapshotCodec
{
    /// <summary>The format's version; a reader takes no other.</summary>
    public const ushort Version = 4;

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
        ReadDetection(ref reader, snapshot);
        ReadReceiver(ref reader, snapshot);
        for (int i = 0; i < TimerTable.Count; i++)
        {
            snapshot.Timers[i] = reader.TimeOrNone();
        }

        return reader.AtEnd;
    }

    private static void Write(ref SnapshotWriter w, TcpSnapshot s)
    {
        w.U16(Version);
        WriteConnection(ref w, s);
        WriteSender(ref w, s);
        WriteRecovery(ref w, s);
        WriteDetection(ref w, s);
        WriteReceiver(ref w, s);
        foreach (var remaining in s.Timers)
        {
            w.TimeOrNone(remaining);
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
        w.Bool(s.EcnOn);
        w.Bool(s.EcnEchoes);
        w.Bool(s.EcnReducedDue);
        w.I64(s.EcnPoint);
        w.I32(s.EcnReceived);
        w.I32(s.EcnReported);
        w.I32(s.PeerMss);
        w.I32(s.PathMss);
        w.I32(s.PathSearchLimit);
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
        s.EcnOn = r.Bool();
        s.EcnEchoes = r.Bool();
        s.EcnReducedDue = r.Bool();
        s.EcnPoint = r.I64();
        s.EcnReceived = r.I32();
        s.EcnReported = r.I32();
        s.PeerMss = r.I32();
        s.PathMss = r.I32();
        s.PathSearchLimit = r.I32();
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
        w.Time(s.UserTimeout);
        w.TimeOrNone(s.Linger);
        w.Bool(s.Corked);
        w.I32(s.NotSentLimit);
        w.TimeOrNone(s.Waiting);
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
        s.UserTimeout = r.Time();
        s.Linger = r.TimeOrNone();
        s.Corked = r.Bool();
        s.NotSentLimit = r.I32();
        s.Waiting = r.TimeOrNone();
        s.SinceLastSent = r.Time();
        s.SendQueue = r.Bytes();
    }

    private static void WriteRecovery(ref SnapshotWriter w, TcpSnapshot s)
    {
        w.Time(s.SmoothedRtt);
        w.Time(s.RttVariance);
        w.Time(s.MinRtt);
        w.Time(s.SinceMinRtt);
        w.Time(s.Rto);
        w.I32(s.RtoBackoff);
        w.I32(s.RtoExpirations);
        w.I32(s.CongestionWindow);
        w.I32(s.SlowStartThreshold);
        w.I32(s.PriorWindow);
        w.I32(s.PriorThreshold);
        w.U8((byte)s.CongestionAlgorithm);
        w.U8((byte)s.CongestionDetails.Length);
        foreach (long detail in s.CongestionDetails)
        {
            w.I64(detail);
        }

        w.U8((byte)s.RecoveryPhase);
        w.I64(s.RecoveryPoint);
        w.I32(s.DuplicateAcks);
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
        s.MinRtt = r.Time();
        s.SinceMinRtt = r.Time();
        s.Rto = r.Time();
        s.RtoBackoff = r.I32();
        s.RtoExpirations = r.I32();
        s.CongestionWindow = r.I32();
        s.SlowStartThreshold = r.I32();
        s.PriorWindow = r.I32();
        s.PriorThreshold = r.I32();
        s.CongestionAlgorithm = (CongestionAlgorithm)r.U8();
        s.CongestionDetails = new long[r.Count(CongestionControl.MaxDetails)];
        for (int i = 0; i < s.CongestionDetails.Length; i++)
        {
            s.CongestionDetails[i] = r.I64();
        }

        s.RecoveryPhase = (RecoveryPhase)r.U8();
        s.RecoveryPoint = r.I64();
        s.DuplicateAcks = r.I32();
        s.Sacked = new StreamRange[r.Count(RangeSet.MaxRanges)];
        for (int i = 0; i < s.Sacked.Length; i++)
        {
            s.Sacked[i] = r.Range();
        }

        s.PersistBackoff = r.I32();
        s.PersistProbes = r.I32();
        s.ProbeDue = r.Bool();
    }

    private static void WriteDetection(ref SnapshotWriter w, TcpSnapshot s)
    {
        w.U16((ushort)s.Sent.Length);
        foreach (var part in s.Sent)
        {
            w.I64(part.End);
            w.Time(part.Age);
            w.U8((byte)part.Marks);
        }

        w.Time(s.RackSince);
        w.I64(s.RackEnd);
        w.Time(s.RackRtt);
        w.I64(s.RackHighest);
        w.I64(s.RackDsackRound);
        w.U8(s.RackMultiplier);
        w.U8(s.RackPersistence);
        w.Bool(s.RackReordering);
        w.I64(s.TailProbeEnd);
        w.Bool(s.TailProbeRepeats);
        w.Bool(s.TailProbeDue);
        w.I32(s.RecoveryFlight);
        w.I64(s.RecoveryDelivered);
        w.I64(s.RecoverySent);
        w.I64(s.UndoFrom);
        w.I64(s.UndoOutstanding);
        w.Time(s.UndoSince);
        w.Bool(s.UndoResent);
        w.U8((byte)s.FRtoStep);
    }

    private static void ReadDetection(ref SnapshotReader r, TcpSnapshot s)
    {
        s.Sent = new SentAge[r.LongCount(SentLog.MaxParts)];
        for (int i = 0; i < s.Sent.Length; i++)
        {
            s.Sent[i] = new(r.I64(), r.Time(), (SentMarks)r.U8());
        }

        s.RackSince = r.Time();
        s.RackEnd = r.I64();
        s.RackRtt = r.Time();
        s.RackHighest = r.I64();
        s.RackDsackRound = r.I64();
        s.RackMultiplier = r.U8();
        s.RackPersistence = r.U8();
        s.RackReordering = r.Bool();
        s.TailProbeEnd = r.I64();
        s.TailProbeRepeats = r.Bool();
        s.TailProbeDue = r.Bool();
        s.RecoveryFlight = r.I32();
        s.RecoveryDelivered = r.I64();
        s.RecoverySent = r.I64();
        s.UndoFrom = r.I64();
        s.UndoOutstanding = r.I64();
        s.UndoSince = r.Time();
        s.UndoResent = r.Bool();
        s.FRtoStep = (FRtoStep)r.U8();
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

        w.Range(s.SackDuplicate);
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

        s.SackDuplicate = r.Range();
        s.UnacknowledgedSegments = r.I32();
        s.AcksOwed = r.I32();
        s.TimestampsOn = r.Bool();
        s.TsValue = r.U32();
        s.TsRecent = r.U32();
        s.TsRecentAge = r.Time();
    }
}
