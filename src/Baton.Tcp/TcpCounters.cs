namespace Baton.Tcp;

/// <summary>What a connection has seen at its present owner. Counters do not move with it.</summary>
public struct TcpCounters
{
    /// <summary>Segments given to <see cref="TcpConnection.OnSegment"/>.</summary>
    public long SegmentsReceived;

    /// <summary>Segments emitted; a super-segment counts once.</summary>
    public long SegmentsSent;

    /// <summary>Payload bytes that became readable.</summary>
    public long BytesReceived;

    /// <summary>Payload bytes emitted, retransmissions included.</summary>
    public long BytesSent;

    /// <summary>Emitted segments that repeated sequence space.</summary>
    public int SegmentsRetransmitted;

    /// <summary>Payload bytes emitted again.</summary>
    public long BytesRetransmitted;

    /// <summary>Entries into fast recovery (RFC 5681 §3.2).</summary>
    public int FastRetransmits;

    /// <summary>Expirations of the retransmission timer (RFC 6298 §5.4).</summary>
    public int RetransmissionTimeouts;

    /// <summary>Losses that were none: their reduction of the window was taken back (RFC 4015).</summary>
    public int SpuriousLosses;

    /// <summary>Packets of ours that the peer said were marked (RFC 9768); classic feedback does not count them.</summary>
    public int EcnMarks;

    /// <summary>Reductions of the window because routers marked packets (RFC 3168 §6.1.2).</summary>
    public int EcnReductions;

    /// <summary>Tail loss probes (RFC 8985 §7).</summary>
    public int TailProbes;

    /// <summary>Times that large segments were found to vanish without an ICMP error (RFC 4821 §7.7).</summary>
    public int BlackHoles;

    /// <summary>Larger segments sent to see whether the path carries them (RFC 4821 §7.2).</summary>
    public int PathProbes;

    /// <summary>Segments with payload that came ahead of RCV.NXT.</summary>
    public int SegmentsOutOfOrder;

    /// <summary>Segments with payload that was known already.</summary>
    public int SegmentsDuplicate;

    /// <summary>Segments dropped: outside the window, old, forged or without room.</summary>
    public int SegmentsDropped;

    /// <summary>Challenge ACKs (RFC 5961).</summary>
    public int ChallengeAcks;

    /// <summary>Probes of a closed or too small window.</summary>
    public int WindowProbes;

    /// <summary>Keep-alive probes.</summary>
    public int KeepAliveProbes;
}
