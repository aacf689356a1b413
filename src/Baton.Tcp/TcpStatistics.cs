using Baton.Wire;

namespace Baton.Tcp;

/// <summary>A connection's measurements, windows and queues at one moment, for listings.</summary>
public readonly record struct TcpStatistics
{
    /// <summary>SRTT.</summary>
    public TimeSpan SmoothedRtt { get; init; }

    /// <summary>The retransmission timeout with back-off.</summary>
    public TimeSpan Rto { get; init; }

    /// <summary>cwnd in bytes.</summary>
    public int CongestionWindow { get; init; }

    /// <summary>ssthresh in bytes; 2^30 while unknown.</summary>
    public int SlowStartThreshold { get; init; }

    /// <summary>The algorithm that sets the congestion window.</summary>
    public CongestionAlgorithm Congestion { get; init; }

    /// <summary>The path's shortest round trip of the last minutes.</summary>
    public TimeSpan MinRtt { get; init; }

    /// <summary>What counts against cwnd: bytes sent, less those that the peer has and those that are lost (RFC 6675 §4).</summary>
    public int Pipe { get; init; }

    /// <summary>SND.WND in bytes.</summary>
    public int SendWindow { get; init; }

    /// <summary>RCV.NXT + RCV.WND as promised.</summary>
    public SeqNum RightEdge { get; init; }

    /// <summary>Payload bytes of a full-size segment.</summary>
    public int Mss { get; init; }

    /// <summary>Bytes sent and not acknowledged.</summary>
    public int BytesInFlight { get; init; }

    /// <summary>Bytes written and not acknowledged.</summary>
    public int SendQueueBytes { get; init; }

    /// <summary>Bytes received in order and not read.</summary>
    public int ReceiveQueueBytes { get; init; }

    /// <summary>Bytes received ahead of a gap.</summary>
    public int OutOfOrderBytes { get; init; }

    /// <summary>Memory of both rings in bytes.</summary>
    public int RingBytes { get; init; }

    /// <summary>Where loss recovery stands.</summary>
    public RecoveryPhase Recovery { get; init; }

    internal static TcpStatistics Of(TcpConnection c) => new()
    {
        SmoothedRtt = c.Sender.Rtt.Smoothed,
        Rto = c.Sender.Rto,
        CongestionWindow = c.Sender.Congestion.Window,
        SlowStartThreshold = c.Sender.Congestion.Threshold,
        Congestion = c.Sender.Algorithm,
        MinRtt = c.Sender.Rtt.Min,
        Pipe = c.Sender.Recovery.Pipe(c.Sender.Una, c.Sender.Nxt),
        SendWindow = c.Sender.Window,
        RightEdge = c.Receiver.Irs + (uint)c.Receiver.Window.Edge,
        Mss = c.Sender.Mss,
        BytesInFlight = (int)(c.Sender.Nxt - c.Sender.Una),
        SendQueueBytes = c.Sender.Queue.Length,
        ReceiveQueueBytes = c.Receiver.Queue.Readable,
        OutOfOrderBytes = (int)c.Receiver.Queue.Ahead.Total,
        RingBytes = c.Sender.Queue.Capacity + c.Receiver.Queue.Capacity,
        Recovery = c.Sender.Recovery.Phase,
    };
}
