namespace Baton.Stack;

/// <summary>Where an endpoint stands in its life at this node.</summary>
public enum EndpointPhase : byte
{
    /// <summary>Owned here: it takes packets and answers.</summary>
    Active,

    /// <summary>On its way to another node, undecided: it holds what arrives and emits nothing.</summary>
    Frozen,

    /// <summary>On its way from another node, undecided: it holds what arrives and emits nothing.</summary>
    Embryo,

    /// <summary>Gone from the tables: closed, or removed.</summary>
    Closed,
}

/// <summary>What happened to an endpoint since it was last asked.</summary>
[Flags]
public enum EndpointEvents : ushort
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>TCP: the handshake is complete. UDP: the first datagram is there.</summary>
    Established = 1,

    /// <summary>Bytes or datagrams wait to be read, or the end of the stream has been reached.</summary>
    Readable = 2,

    /// <summary>There is room to write again.</summary>
    Writable = 4,

    /// <summary>The other end has sent its last byte.</summary>
    RemoteClosed = 8,

    /// <summary>The endpoint has ended and is in no table any more: nothing follows.</summary>
    Closed = 16,

    /// <summary>It had no application for too long and was reset.</summary>
    UnattachedTooLong = 32,

    /// <summary>UDP: an ICMP error about one of its datagrams came (RFC 1122 §4.1.3.3); <see cref="UdpEndpoint.TryTakeError"/> has it.</summary>
    Error = 64,

    /// <summary>TCP: TIME-WAIT has begun.</summary>
    TimeWait = 128,
}
