namespace Baton.Tcp;

/// <summary>The states of RFC 9293 §3.3.2. LISTEN has no connection yet: a listener belongs to the stack.</summary>
public enum TcpState : byte
{
    /// <summary>No connection (any more).</summary>
    Closed,

    /// <summary>A SYN was sent, none has come.</summary>
    SynSent,

    /// <summary>SYNs have gone both ways; ours is not acknowledged.</summary>
    SynReceived,

    /// <summary>Data may flow both ways.</summary>
    Established,

    /// <summary>We have closed our direction; our FIN is not acknowledged.</summary>
    FinWait1,

    /// <summary>Our FIN is acknowledged; the peer may still send.</summary>
    FinWait2,

    /// <summary>The peer has closed its direction; we may still send.</summary>
    CloseWait,

    /// <summary>Both have closed at once; our FIN is not acknowledged.</summary>
    Closing,

    /// <summary>The peer closed first, then we; our FIN is not acknowledged.</summary>
    LastAck,

    /// <summary>Both FINs are acknowledged; old segments die out (2 MSL).</summary>
    TimeWait,
}

/// <summary>Why a connection is closed.</summary>
public enum TcpCloseReason : byte
{
    /// <summary>It is not.</summary>
    None,

    /// <summary>Both directions were closed and acknowledged.</summary>
    Normal,

    /// <summary>The peer sent an acceptable RST.</summary>
    ResetByPeer,

    /// <summary>The peer refused our SYN with a RST.</summary>
    Refused,

    /// <summary>This side aborted it.</summary>
    Aborted,

    /// <summary>Retransmissions, window probes or keep-alive probes stayed unanswered.</summary>
    TimedOut,

    /// <summary>The network said that the peer cannot be reached (RFC 1122 §4.2.3.9), while connecting.</summary>
    Unreachable,

    /// <summary>Data arrived after this side had stopped reading (RFC 1122 §4.2.2.13); the peer was told by RST.</summary>
    DataAfterClose,

    /// <summary>What was sent or queued made no progress for the user timeout (RFC 9293 §3.8.3, R2; RFC 5482).</summary>
    UserTimeout,

    /// <summary>
    /// This side had closed, and the peer took nothing of what was left for
    /// <see cref="TcpSettings.StalledCloseTimeout"/>; it was told by RST.
    /// </summary>
    StalledAfterClose,

    /// <summary>This side had closed, and not everything was acknowledged when <see cref="TcpConnection.Linger"/> was over; the peer was told by RST.</summary>
    LingerExpired,
}

/// <summary>What happened on a connection since it was last asked.</summary>
[Flags]
public enum TcpEvents : byte
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>The handshake is complete.</summary>
    Established = 1,

    /// <summary>There are bytes to read.</summary>
    Readable = 2,

    /// <summary>There is room to write again.</summary>
    Writable = 4,

    /// <summary>The peer's FIN has been received: after the bytes already queued nothing more comes.</summary>
    RemoteClosed = 8,

    /// <summary>The connection is closed; <see cref="TcpConnection.CloseReason"/> says why.</summary>
    Closed = 16,

    /// <summary>TIME-WAIT has begun: both streams are complete.</summary>
    TimeWait = 128,
}

/// <summary>What became of a segment.</summary>
public enum TcpDisposition : byte
{
    /// <summary>Processed.</summary>
    Accepted,

    /// <summary>It had only what was known: a duplicate; an ACK is due.</summary>
    Duplicate,

    /// <summary>Outside the receive window; dropped, an ACK is due (RFC 9293 §3.10.7.4, first check).</summary>
    OutOfWindow,

    /// <summary>An old timestamp, or none where one is due; dropped (RFC 7323 §3.2, §5).</summary>
    PawsRejected,

    /// <summary>A SYN, RST or ACK that could be forged; dropped, a challenge ACK is due (RFC 5961).</summary>
    Challenged,

    /// <summary>As <see cref="Challenged"/> or <see cref="OutOfWindow"/>, with no answer: the limit on answers is spent.</summary>
    RateLimited,

    /// <summary>An acknowledgment of what was never sent while connecting; dropped, a RST is due.</summary>
    UnacceptableAck,

    /// <summary>Dropped without an answer: no ACK where one must be, a RST outside the window, an invalid combination.</summary>
    Ignored,

    /// <summary>Out-of-order data for which there was no room in the bounded range set; dropped.</summary>
    NoRoom,

    /// <summary>Data for which the memory shared with other connections does not suffice (<see cref="QueueMemory"/>); dropped.</summary>
    NoMemory,

    /// <summary>An acceptable RST: the connection is closed.</summary>
    Reset,

    /// <summary>
    /// In TIME-WAIT a SYN that may open a new connection came (RFC 6191): drop this connection and give the SYN to the
    /// listener.
    /// </summary>
    Reopen,

    /// <summary>The connection is closed: the caller answers as for an unknown flow.</summary>
    NoConnection,

    /// <summary>The connection is frozen; nothing was done: the caller holds the packet.</summary>
    Frozen,
}

/// <summary>What an ICMP error about one of our segments says.</summary>
public enum TcpIcmpError : byte
{
    /// <summary>Network or host unreachable, time exceeded: may be temporary.</summary>
    Unreachable,

    /// <summary>Protocol or port unreachable, administratively prohibited.</summary>
    Prohibited,

    /// <summary>Fragmentation needed, or packet too big.</summary>
    TooBig,
}
