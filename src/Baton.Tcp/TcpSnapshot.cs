using Baton.Wire;

namespace Baton.Tcp;

/// <summary>Bytes of a stream from a position on, in two parts where a ring wraps.</summary>
public readonly record struct QueuedBytes(long Position, ReadOnlyMemory<byte> First, ReadOnlyMemory<byte> Second)
{
    /// <summary>Bytes in both parts.</summary>
    public int Length => First.Length + Second.Length;

    /// <summary>The position after the last byte.</summary>
    public long End => Position + Length;

    /// <summary>The part from one position up to another, both within.</summary>
    public QueuedBytes Slice(long from, long to)
    {
        int start = (int)(from - Position);
        int end = (int)(to - Position);
        int split = First.Length;
        return new(from, First[Math.Min(start, split)..Math.Min(end, split)], Second[Math.Max(0, start - split)..Math.Max(0, end - split)]);
    }
}

/// <summary>Queued bytes that reached the new owner before the image, which leaves them out.</summary>
public readonly record struct CopiedAhead(QueuedBytes Send, QueuedBytes Receive);

/// <summary>A part of the stream in flight.</summary>
/// <param name="End">The position after it; it begins where the one before ends.</param>
/// <param name="Age">Time since it was last sent.</param>
/// <param name="Marks">What is known of it.</param>
public readonly record struct SentAge(long End, TimeSpan Age, SentMarks Marks);

/// <summary>
/// Everything that makes a connection go on elsewhere as if nothing had happened, as plain data. Positions count from the
/// SYN (0) of their direction. Times are durations, since the new owner's clock is another: a timer's is what remains of
/// it, or null when it is stopped.
/// </summary>
public sealed class TcpSnapshot
{
    /// <summary>Addresses and ports; local is the farm's side.</summary>
    public FourTuple Tuple { get; set; }

    /// <summary>The state.</summary>
    public TcpState State { get; set; }

    /// <summary>Whether the application has closed in SYN-RECEIVED, which waits for ESTABLISHED.</summary>
    public bool CloseQueued { get; set; }

    /// <summary>Whether the application reads no more.</summary>
    public bool NobodyReads { get; set; }

    /// <summary>Whether the peer sent the first SYN.</summary>
    public bool Passive { get; set; }

    /// <summary>Whether our SYN is to be emitted.</summary>
    public bool SynDue { get; set; }

    /// <summary>Whether both SYNs carried the window scale.</summary>
    public bool ScalingOn { get; set; }

    /// <summary>Whether both SYNs permitted SACK.</summary>
    public bool SackOn { get; set; }

    /// <summary>Whether ECN was agreed on.</summary>
    public bool EcnOn { get; set; }

    /// <summary>Whether ACKs carry ECE.</summary>
    public bool EcnEchoes { get; set; }

    /// <summary>Whether the next new segment carries CWR.</summary>
    public bool EcnReducedDue { get; set; }

    /// <summary>Eight more than the marked packets that came, from 5 on, modulo eight (RFC 9768, r.cep); 0: the feedback is the classic one.</summary>
    public int EcnReceived { get; set; }

    /// <summary>The peer's count as last told, modulo eight (s.cep).</summary>
    public int EcnReported { get; set; }

    /// <summary>SND.NXT at the last reduction that ECN asked for.</summary>
    public long EcnPoint { get; set; }

    /// <summary>The range to be reported as a duplicate (RFC 2883); empty: none.</summary>
    public StreamRange SackDuplicate { get; set; }

    /// <summary>The MSS the peer announced.</summary>
    public int PeerMss { get; set; }

    /// <summary>The MSS the path is known to carry.</summary>
    public int PathMss { get; set; }

    /// <summary>Payload up to which larger segments are probed after a black hole, or 0.</summary>
    public int PathSearchLimit { get; set; }

    /// <summary>Payload of a full-size segment.</summary>
    public int SndMss { get; set; }

    /// <summary>ISS.</summary>
    public SeqNum Iss { get; set; }

    /// <summary>SND.UNA as a position.</summary>
    public long SndUna { get; set; }

    /// <summary>SND.NXT as a position.</summary>
    public long SndNxt { get; set; }

    /// <summary>Where our FIN stands, or -1 while the application may write; below SND.NXT it is in flight.</summary>
    public long FinPosition { get; set; }

    /// <summary>SND.WND in bytes.</summary>
    public int SndWindow { get; set; }

    /// <summary>The largest SND.WND seen.</summary>
    public int SndMaxWindow { get; set; }

    /// <summary>SND.WL1 as a position of the peer's stream.</summary>
    public long SndWl1 { get; set; }

    /// <summary>SND.WL2 as a position.</summary>
    public long SndWl2 { get; set; }

    /// <summary>The peer's window shift.</summary>
    public int SndWindowScale { get; set; }

    /// <summary>The end of the last segment sent that was not full-size (Nagle).</summary>
    public long SmallSegmentEnd { get; set; }

    /// <summary>Whether small segments wait for no ACK.</summary>
    public bool NoDelay { get; set; }

    /// <summary>The user timeout, zero for none.</summary>
    public TimeSpan UserTimeout { get; set; }

    /// <summary>How long a close may go on, or null.</summary>
    public TimeSpan? Linger { get; set; }

    /// <summary>Whether only full-size segments go.</summary>
    public bool Corked { get; set; }

    /// <summary>Most bytes that are written and not sent, or zero.</summary>
    public int NotSentLimit { get; set; }

    /// <summary>For how long something has waited for the peer without progress; null: nothing waits, or nobody asked.</summary>
    public TimeSpan? Waiting { get; set; }

    /// <summary>Time since a part of the stream was sent.</summary>
    public TimeSpan SinceLastSent { get; set; }

    /// <summary>What is not acknowledged or not sent; begins at or after SND.UNA where bytes were copied ahead.</summary>
    public QueuedBytes SendQueue { get; set; }

    /// <summary>SRTT, zero before the first measurement.</summary>
    public TimeSpan SmoothedRtt { get; set; }

    /// <summary>The path's shortest round trip, zero before the first measurement.</summary>
    public TimeSpan MinRtt { get; set; }

    /// <summary>Time since it was measured.</summary>
    public TimeSpan SinceMinRtt { get; set; }

    /// <summary>RTTVAR.</summary>
    public TimeSpan RttVariance { get; set; }

    /// <summary>RTO without back-off.</summary>
    public TimeSpan Rto { get; set; }

    /// <summary>Doublings of the RTO.</summary>
    public int RtoBackoff { get; set; }

    /// <summary>Expirations since something new was acknowledged.</summary>
    public int RtoExpirations { get; set; }

    /// <summary>cwnd.</summary>
    public int CongestionWindow { get; set; }

    /// <summary>ssthresh.</summary>
    public int SlowStartThreshold { get; set; }

    /// <summary>cwnd before the last reduction, which may be taken back.</summary>
    public int PriorWindow { get; set; }

    /// <summary>ssthresh before the last reduction.</summary>
    public int PriorThreshold { get; set; }

    /// <summary>The congestion control.</summary>
    public CongestionAlgorithm CongestionAlgorithm { get; set; }

    /// <summary>Numbers of the congestion control's own, which it alone understands; times as ages.</summary>
    public long[] CongestionDetails { get; set; } = [];

    /// <summary>The phase of loss recovery.</summary>
    public RecoveryPhase RecoveryPhase { get; set; }

    /// <summary>The recovery point.</summary>
    public long RecoveryPoint { get; set; }

    /// <summary>Duplicate ACKs in a row.</summary>
    public int DuplicateAcks { get; set; }

    /// <summary>What is in flight, by the times at which it was sent.</summary>
    public SentAge[] Sent { get; set; } = [];

    /// <summary>Time since the most recently sent of what has arrived was sent.</summary>
    public TimeSpan RackSince { get; set; }

    /// <summary>Its end.</summary>
    public long RackEnd { get; set; }

    /// <summary>Its round trip.</summary>
    public TimeSpan RackRtt { get; set; }

    /// <summary>The highest position that has arrived.</summary>
    public long RackHighest { get; set; }

    /// <summary>SND.NXT when the reordering window was last widened, or 0.</summary>
    public long RackDsackRound { get; set; }

    /// <summary>Quarters of a round trip by which the reordering window is wider.</summary>
    public byte RackMultiplier { get; set; }

    /// <summary>Recoveries for which it stays wider.</summary>
    public byte RackPersistence { get; set; }

    /// <summary>Whether the path was seen to reorder.</summary>
    public bool RackReordering { get; set; }

    /// <summary>SND.NXT when the outstanding tail loss probe was sent, or 0.</summary>
    public long TailProbeEnd { get; set; }

    /// <summary>Whether that probe repeated what was sent.</summary>
    public bool TailProbeRepeats { get; set; }

    /// <summary>Whether a tail loss probe is to be emitted.</summary>
    public bool TailProbeDue { get; set; }

    /// <summary>What was in flight when fast recovery began.</summary>
    public int RecoveryFlight { get; set; }

    /// <summary>What has arrived since.</summary>
    public long RecoveryDelivered { get; set; }

    /// <summary>What was sent since.</summary>
    public long RecoverySent { get; set; }

    /// <summary>SND.UNA at the reduction that may be taken back, or 0.</summary>
    public long UndoFrom { get; set; }

    /// <summary>Bytes sent again since, less those reported as duplicates.</summary>
    public long UndoOutstanding { get; set; }

    /// <summary>Time since the first of them was sent again.</summary>
    public TimeSpan UndoSince { get; set; }

    /// <summary>Whether anything was sent again since.</summary>
    public bool UndoResent { get; set; }

    /// <summary>How far F-RTO has come.</summary>
    public FRtoStep FRtoStep { get; set; }

    /// <summary>The SACK scoreboard.</summary>
    public StreamRange[] Sacked { get; set; } = [];

    /// <summary>Doublings of the probe interval.</summary>
    public int PersistBackoff { get; set; }

    /// <summary>Window probes unanswered.</summary>
    public int PersistProbes { get; set; }

    /// <summary>Whether a window probe is to be emitted.</summary>
    public bool ProbeDue { get; set; }

    /// <summary>IRS.</summary>
    public SeqNum Irs { get; set; }

    /// <summary>Where the peer's FIN stands, or -1 while unknown.</summary>
    public long RemoteFinPosition { get; set; }

    /// <summary>Last.ACK.sent.</summary>
    public long LastAckSent { get; set; }

    /// <summary>The right edge promised.</summary>
    public long RcvEdge { get; set; }

    /// <summary>Our window shift.</summary>
    public int RcvWindowScale { get; set; }

    /// <summary>Bytes of receive ring that the window aims at.</summary>
    public int ReceiveLimit { get; set; }

    /// <summary>The first byte the application has not read.</summary>
    public long ReadPosition { get; set; } = 1;

    /// <summary>What is in order and unread; ends at RCV.NXT but for a FIN, and begins later where bytes were copied ahead.</summary>
    public QueuedBytes ReceiveQueue { get; set; }

    /// <summary>What came ahead of gaps.</summary>
    public QueuedBytes[] OutOfOrder { get; set; } = [];

    /// <summary>A position in each range reported by SACK, the latest first.</summary>
    public long[] SackHistory { get; set; } = [];

    /// <summary>Segments received since the last ACK.</summary>
    public int UnacknowledgedSegments { get; set; }

    /// <summary>ACKs to be emitted.</summary>
    public int AcksOwed { get; set; }

    /// <summary>Whether timestamps are used.</summary>
    public bool TimestampsOn { get; set; }

    /// <summary>TSval at the time of the snapshot.</summary>
    public uint TsValue { get; set; }

    /// <summary>TS.Recent.</summary>
    public uint TsRecent { get; set; }

    /// <summary>The age of TS.Recent.</summary>
    public TimeSpan TsRecentAge { get; set; }

    /// <summary>Keep-alive probes unanswered.</summary>
    public int KeepAliveUnanswered { get; set; }

    /// <summary>Whether a keep-alive probe is to be emitted.</summary>
    public bool KeepAliveDue { get; set; }

    /// <summary>What remains of each timer, in the order retransmit, persist, delayed ACK, keep-alive, linger, reordering, tail probe.</summary>
    public TimeSpan?[] Timers { get; set; } = new TimeSpan?[TimerTable.Count];
}
