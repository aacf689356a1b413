namespace Baton.Wire;

/// <summary>
/// Why a packet or message had no effect. One list for the whole farm, so that every loss has one name wherever it is
/// counted (<see cref="DropCounters"/>).
/// </summary>
public enum DropReason : byte
{
    /// <summary>Not dropped.</summary>
    None = 0,

    /// <summary>Shorter than its own headers say.</summary>
    Truncated,

    /// <summary>The frame's destination is neither ours nor a group we listen to.</summary>
    NotOurMac,

    /// <summary>An EtherType that the stack does not speak.</summary>
    UnknownEtherType,

    /// <summary>Not an Ethernet/IPv4 ARP packet (RFC 826), or one whose addresses cannot be.</summary>
    ArpMalformed,

    /// <summary>The version is neither 4 nor 6, or not the one the frame announced.</summary>
    IpBadVersion,

    /// <summary>A header length that the protocol forbids.</summary>
    IpBadHeaderLength,

    /// <summary>The IPv4 header checksum is wrong (RFC 1122 §3.2.1.2).</summary>
    IpBadChecksum,

    /// <summary>Malformed IPv4 options or IPv6 extension headers.</summary>
    IpBadOptions,

    /// <summary>A source route (RFC 7126 §4.3, RFC 5095).</summary>
    IpSourceRoute,

    /// <summary>More IPv6 extension headers than <see cref="IpPacket.MaxExtensionHeaders"/>.</summary>
    IpTooManyExtensionHeaders,

    /// <summary>A fragment that cannot be: its end lies beyond 65,535 bytes, or its length is no multiple of eight.</summary>
    IpBadFragment,

    /// <summary>A source address that no host may use (RFC 1122 §3.2.1.3).</summary>
    IpMartianSource,

    /// <summary>A destination address that is not ours.</summary>
    IpNotOurAddress,

    /// <summary>A transport protocol that the stack does not speak.</summary>
    UnknownProtocol,

    /// <summary>A fragment overlapped another or the reassembly's bounds were reached.</summary>
    ReassemblyFailed,

    /// <summary>A TCP data offset outside the segment or below five words.</summary>
    TcpBadHeaderLength,

    /// <summary>A TCP option whose length cannot be (RFC 9293 §3.2, MUST-7).</summary>
    TcpBadOptions,

    /// <summary>The TCP checksum is wrong.</summary>
    TcpBadChecksum,

    /// <summary>A UDP length that the datagram does not have.</summary>
    UdpBadLength,

    /// <summary>The UDP checksum is wrong, or absent over IPv6 (RFC 8200 §8.1).</summary>
    UdpBadChecksum,

    /// <summary>The ICMP checksum is wrong.</summary>
    IcmpBadChecksum,

    /// <summary>An ICMP message of a type or with a quote that means nothing here.</summary>
    IcmpIgnored,

    /// <summary>A Geneve header that is not the one header of a reference (RFC 8926).</summary>
    GeneveMalformed,

    /// <summary>The reference option's data are malformed.</summary>
    ReferenceMalformed,

    /// <summary>A version of the reference that this node does not speak.</summary>
    ReferenceVersion,

    /// <summary>The reference is not the one its owner issued.</summary>
    ReferenceMismatch,

    /// <summary>The reference's hop count is spent.</summary>
    HopsExhausted,

    /// <summary>The id names no endpoint here.</summary>
    UnknownEndpoint,

    /// <summary>The flow has no entry, and the packet may not make one.</summary>
    UnknownFlow,

    /// <summary>A packet to a service address of which this node is not the home.</summary>
    NotHome,

    /// <summary>A packet of a flow that the home, which has just become it, does not know yet.</summary>
    HomeRecovering,

    /// <summary>An encapsulated packet that did not come from a member over the lan.</summary>
    NotMember,

    /// <summary>No neighbour answers for the next hop.</summary>
    NeighbourUnresolved,

    /// <summary>The queue in front of a neighbour is full.</summary>
    NeighbourQueueFull,

    /// <summary>The queue of held packets is full.</summary>
    HeldQueueFull,

    /// <summary>The table of endpoints is full.</summary>
    EndpointTableFull,

    /// <summary>The directory's table is full.</summary>
    FlowTableFull,

    /// <summary>The listener's backlog is full.</summary>
    BacklogFull,

    /// <summary>The receive queue of a datagram endpoint is full.</summary>
    ReceiveQueueFull,

    /// <summary>An answer was left out by its rate limit.</summary>
    RateLimited,

    /// <summary>The link had no room.</summary>
    LinkFull,

    /// <summary>Longer than the link's MTU and not to be fragmented.</summary>
    TooBig,

    /// <summary>A segment that is not acceptable (RFC 9293 §3.10.7.4), answered or not.</summary>
    TcpUnacceptable,

    /// <summary>A super-segment that cannot be cut.</summary>
    SegmentationFailed,

    /// <summary>A control message that is malformed.</summary>
    MessageMalformed,

    /// <summary>A control message of a version that this node does not speak.</summary>
    MessageVersion,

    /// <summary>A control message that is out of date.</summary>
    MessageStale,

    /// <summary>A packet to be forwarded that is encapsulated itself.</summary>
    AlreadyEncapsulated,

    /// <summary>No interface leads to the destination.</summary>
    NoRoute,

    /// <summary>The queue of packets to be sent is full.</summary>
    SendQueueFull,

    /// <summary>An endpoint for the flow is there already.</summary>
    FlowInUse,

    /// <summary>A SYN came for a connection in TIME-WAIT, which gives way (RFC 6191): the packet is to be decided again.</summary>
    TcpReopen,

    /// <summary>Another station speaks for one of our addresses (RFC 5227 §2.4).</summary>
    AddressConflict,

    /// <summary>An endpoint had no application for too long and was reset.</summary>
    UnattachedTooLong,

    /// <summary>Data for which the memory that all connections share did not suffice.</summary>
    TcpNoMemory,

    /// <summary>A connection's user timeout passed without progress (RFC 5482).</summary>
    TcpUserTimeout,

    /// <summary>A connection that its application had closed was reset, since its peer took nothing of what was left.</summary>
    TcpStalledAfterClose,

    /// <summary>A connection that its application had closed was reset, since the time it may linger was over.</summary>
    TcpLingerExpired,

    /// <summary>As many endpoints wait for their image as may.</summary>
    EmbryosFull,

    /// <summary>A message of Neighbor Discovery that its rules forbid (RFC 4861 §6.1 and §7.1), e.g. one that crossed a router.</summary>
    NeighbourDiscoveryMalformed,

    /// <summary>A source address that belongs to another of our links: nobody here has it.</summary>
    IpSpoofedSource,

    /// <summary>A packet to an address that is still being checked for being unique (RFC 4862 §5.4).</summary>
    AddressTentative,

    /// <summary>A record or datagram that no member has sealed under a key that was agreed on.</summary>
    MessageUnauthentic,

    /// <summary>The shard that the packet is for does not keep up: the ring to it was full.</summary>
    ShardBusy,
}
