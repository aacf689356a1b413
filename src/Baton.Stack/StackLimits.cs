namespace Baton.Stack;

/// <summary>
/// Every bound of the stack in one place. What exceeds one is dropped and counted, never queued. Defaults fit a node of a
/// few hundred thousand connections.
/// </summary>
public sealed record StackLimits
{
    /// <summary>Endpoints of all kinds: bounds the tables.</summary>
    public int Endpoints { get; init; } = 262_144;

    /// <summary>Endpoints that no application has taken yet: what a SYN flood can make (R35).</summary>
    public int UnattachedEndpoints { get; init; } = 16_384;

    /// <summary>
    /// Handshakes of services that are open at a time; SYNs beyond that are answered by a cookie and not kept (RFC 4987
    /// §3.6). A listener's backlog is the same for its own.
    /// </summary>
    public int HalfOpenEndpoints { get; init; } = 4_096;

    /// <summary>
    /// Connections that TCP Fast Open gave to their application before the handshake was complete; beyond that it is completed
    /// first (RFC 7413 §5.1).
    /// </summary>
    public int FastOpenEndpoints { get; init; } = 256;

    /// <summary>Servers whose Fast Open cookies are kept for connections to them.</summary>
    public int FastOpenServers { get; init; } = 1_024;

    /// <summary>How long an endpoint may stay without an application before it is reset.</summary>
    public TimeSpan UnattachedTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Endpoints that wait for their image.</summary>
    public int Embryos { get; init; } = 4_096;

    /// <summary>Connections in TIME-WAIT that are kept for other nodes.</summary>
    public int Residues { get; init; } = 16_384;

    /// <summary>Packets that one frozen endpoint or embryo holds.</summary>
    public int HeldPacketsPerEndpoint { get; init; } = 1_024;

    /// <summary>Bytes that one frozen endpoint or embryo holds: a full receive window in super-segments.</summary>
    public int HeldBytesPerEndpoint { get; init; } = 8 << 20;

    /// <summary>Bytes that all frozen endpoints and embryos hold together.</summary>
    public long HeldBytes { get; init; } = 256L << 20;

    /// <summary>
    /// Bytes in the send and receive queues of all services' TCP connections together (<see cref="Tcp.QueueMemory"/>), beyond
    /// which each keeps only what lets it go on. The node's own connections have their own bounds.
    /// </summary>
    public long TcpQueueBytes { get; init; } = 1L << 30;

    /// <summary>Datagrams that wait in one UDP endpoint.</summary>
    public int DatagramsPerEndpoint { get; init; } = 256;

    /// <summary>Bytes that wait in one UDP endpoint.</summary>
    public int DatagramBytesPerEndpoint { get; init; } = 1 << 20;

    /// <summary>How long a UDP endpoint of a service lives without a datagram in either direction (RFC 4787 §4.3 wants at least 2 minutes).</summary>
    public TimeSpan UdpIdleTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Packets that wait in the emission queue, TCP's own not counted: they wait in their connection.</summary>
    public int QueuedPackets { get; init; } = 8_192;

    /// <summary>Entries of an interface's neighbour cache.</summary>
    public int Neighbours { get; init; } = 1_024;

    /// <summary>Packets that wait for one neighbour's answer (RFC 1122 §2.3.2.2 wants at least one).</summary>
    public int PacketsPerNeighbour { get; init; } = 16;

    /// <summary>Datagrams in reassembly at a time.</summary>
    public int Reassemblies { get; init; } = 64;

    /// <summary>How long a datagram may be in reassembly (RFC 1122 §3.3.2 wants 60 to 120 s; RFC 8900 §3.3 tells why not: ids repeat).</summary>
    public TimeSpan ReassemblyTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>ICMP errors a second (RFC 1812 §4.3.2.8).</summary>
    public int IcmpErrorsPerSecond { get; init; } = 1_000;

    /// <summary>Echo replies a second.</summary>
    public int EchoRepliesPerSecond { get; init; } = 10_000;

    /// <summary>RSTs a second to segments of no connection.</summary>
    public int ResetsPerSecond { get; init; } = 1_000;
}
