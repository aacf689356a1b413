namespace Baton.Tcp;

/// <summary>What a connection may use and how long it waits. Immutable: one instance serves many connections.</summary>
public sealed record TcpSettings
{
    /// <summary>Smallest buffer limit accepted, in bytes.</summary>
    public const int MinBufferLimit = 2 * 1024;

    /// <summary>Largest buffer limit accepted, in bytes; also what an image may claim.</summary>
    public const int MaxBufferLimit = 64 * 1024 * 1024;

    /// <summary>The defaults.</summary>
    public static TcpSettings Default { get; } = new();

    /// <summary>Unacknowledged and unsent bytes a connection queues. Memory is taken as needed and released when empty.</summary>
    public int SendBufferLimit { get; init; } = 4 * 1024 * 1024;

    /// <summary>
    /// Bytes that may be written and not sent; zero: as many as the queue holds. Less keeps what is written late, and memory
    /// small, while a fast path stays full (as TCP_NOTSENT_LOWAT).
    /// </summary>
    public int NotSentLimit { get; init; }

    /// <summary>
    /// Most bytes of receive ring, a power of two. The window promised stays 1/16 below, see the ReceiveWindow part.
    /// </summary>
    public int ReceiveBufferLimit { get; init; } = 4 * 1024 * 1024;

    /// <summary>
    /// Bytes of receive ring that a connection begins with, a power of two; from there it grows with what the application
    /// takes in a round trip. Not below <see cref="ReceiveBufferLimit"/>: it does not grow.
    /// </summary>
    public int ReceiveBufferStart { get; init; } = 128 * 1024;

    /// <summary>The memory that these connections share with others; null: each has its own bounds only.</summary>
    public QueueMemory? Memory { get; init; }

    /// <summary>Where connections get what they know of what is in flight; null: each makes its own when it needs it.</summary>
    public InFlightPool? InFlight { get; init; }

    /// <summary>The MSS announced, and the bound on what is sent: interface MTU less the fixed IP and TCP headers (RFC 6691).</summary>
    public ushort Mss { get; init; } = 1460;

    /// <summary>The peer's MSS when it announces none: 536 for IPv4, 1220 for IPv6 (RFC 9293 §3.7.1).</summary>
    public ushort DefaultPeerMss { get; init; } = 536;

    /// <summary>Whether window scaling is offered (RFC 7323 §2).</summary>
    public bool WindowScaling { get; init; } = true;

    /// <summary>Whether timestamps are offered (RFC 7323 §3).</summary>
    public bool Timestamps { get; init; } = true;

    /// <summary>Whether selective acknowledgments are offered (RFC 2018).</summary>
    public bool SelectiveAcks { get; init; } = true;

    /// <summary>The congestion control of connections that start here; one that moves in keeps its own.</summary>
    public CongestionAlgorithm Congestion { get; init; } = CongestionAlgorithm.Cubic;

    /// <summary>Whether what the window lets go is spread over the round trip instead of leaving at once; with BBR always.</summary>
    public bool Pacing { get; init; }

    /// <summary>Whether ECN is used (RFC 3168).</summary>
    public EcnMode Ecn { get; init; } = EcnMode.Answer;

    /// <summary>
    /// Whether the more accurate feedback of RFC 9768 is asked for and agreed to where <see cref="Ecn"/> allows; a peer that
    /// knows only RFC 3168 gets that.
    /// </summary>
    public bool AccurateEcn { get; init; }

    /// <summary>Whether small segments are sent at once, although earlier ones are unacknowledged (no Nagle, RFC 1122 §4.2.3.4).</summary>
    public bool NoDelay { get; init; }

    /// <summary>The retransmission timeout's lower bound. RFC 6298 §2.4 says 1 s; kernels use 200 ms.</summary>
    public TimeSpan MinRto { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>The retransmission timeout's upper bound (RFC 6298 §2.5: at least 60 s); probes of a closed window too.</summary>
    public TimeSpan MaxRto { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The retransmission timeout before the first measurement (RFC 6298 §2.1).</summary>
    public TimeSpan InitialRto { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// What the retransmission timeout is above the smoothed round trip at least: G of RFC 6298 §2.3. Linux takes 200 ms,
    /// which leaves a peer that delays its acknowledgments time on any path.
    /// </summary>
    public TimeSpan RtoMargin { get; init; } = TimeSpan.FromMilliseconds(1);

    /// <summary>
    /// Timeouts in a row after which large segments count as swallowed by the path, and smaller ones are sent, while single
    /// larger ones probe (RFC 4821); zero: never, only ICMP tells.
    /// </summary>
    public int BlackHoleTimeouts { get; init; } = 3;

    /// <summary>How often unacknowledged data are retransmitted, or a window is probed in vain, before giving up (RFC 1122 §4.2.3.5).</summary>
    public int MaxRetransmissions { get; init; } = 15;

    /// <summary>
    /// How long what was written may wait for the peer without progress before the connection is given up; zero: as long as
    /// the two limits on retransmissions allow (RFC 9293 §3.8.3, R2; the user timeout of RFC 5482, which is neither told to
    /// the peer nor taken from it).
    /// </summary>
    public TimeSpan UserTimeout { get; init; }

    /// <summary>
    /// What <see cref="TcpConnection.Close"/> does with what is left to send (SO_LINGER). Null: it goes on for as long as the
    /// peer takes something. Zero: an abort. Else: it goes on for this long, then it is an abort.
    /// </summary>
    public TimeSpan? Linger { get; init; }

    /// <summary>
    /// How long a connection that the application has closed may go on without the peer's acknowledging anything, its
    /// window closed for example, before it is reset. Above zero; RFC 9293 §3.8.3 wants R2 to be 100 s at least.
    /// </summary>
    public TimeSpan StalledCloseTimeout { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>How often a SYN or SYN-ACK is retransmitted before giving up.</summary>
    public int MaxSynRetransmissions { get; init; } = 6;

    /// <summary>How long an acknowledgment may wait for data to ride on (RFC 9293 §3.8.6.3: below 0.5 s).</summary>
    public TimeSpan AckDelay { get; init; } = TimeSpan.FromMilliseconds(40);

    /// <summary>
    /// Segments with payload that are acknowledged at once before the delay begins, or until something is sent the other
    /// way: the peer's window opens faster in its slow start.
    /// </summary>
    public int QuickAcks { get; init; }

    /// <summary>Whether the congestion window falls back to the initial one when nothing was sent for longer than the timeout (RFC 5681 §4.1).</summary>
    public bool SlowStartAfterIdle { get; init; } = true;

    /// <summary>How long a small segment may wait for a larger window (RFC 9293 §3.8.6.2.1: 0.1 to 1 s).</summary>
    public TimeSpan SillyWindowOverride { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>Silence after which keep-alive probes start; zero: none (RFC 9293 §3.8.4).</summary>
    public TimeSpan KeepAliveTime { get; init; }

    /// <summary>The time between keep-alive probes.</summary>
    public TimeSpan KeepAliveInterval { get; init; } = TimeSpan.FromSeconds(75);

    /// <summary>Unanswered keep-alive probes after which the connection is closed.</summary>
    public int KeepAliveProbes { get; init; } = 9;

    /// <summary>The length of TIME-WAIT (2 MSL, RFC 9293 §3.4.2).</summary>
    public TimeSpan TimeWaitLength { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long FIN-WAIT-2 lasts once nobody reads any more (see <see cref="TcpConnection.Close"/>).</summary>
    public TimeSpan FinWait2Length { get; init; } = TimeSpan.FromSeconds(60);
}
