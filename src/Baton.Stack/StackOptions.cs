using Baton.Tcp;
using Baton.Wire;

namespace Baton.Stack;

/// <summary>What a <see cref="NetworkStack"/> is made from.</summary>
public sealed record StackOptions
{
    /// <summary>The farm's secrets.</summary>
    public required StackKeys Keys { get; init; }

    /// <summary>The node's lan address, as the references that it issues name it.</summary>
    public required InetAddress OwnerAddress { get; init; }

    /// <summary>All bounds.</summary>
    public StackLimits Limits { get; init; } = new();

    /// <summary>Settings of connections to services. The MSS is the farm's: the smallest of all nodes, since any may become owner.</summary>
    public TcpSettings ServiceTcp { get; init; } = TcpSettings.Default;

    /// <summary>The same for clients that use IPv6; null takes <see cref="ServiceTcp"/> less the 20 bytes by which the header is longer.</summary>
    public TcpSettings? ServiceTcpV6 { get; init; }

    /// <summary>Settings of connections of the node's own addresses, where <see cref="InterfaceOptions.OwnTcp"/> does not say otherwise.</summary>
    public TcpSettings OwnTcp { get; init; } = TcpSettings.Default;

    /// <summary>What services do otherwise than these settings say, by their name; the others have no entry.</summary>
    public IReadOnlyDictionary<string, ServiceProfile> Services { get; init; } = new Dictionary<string, ServiceProfile>();

    /// <summary>What the time of day is ahead of the stack's, nearly the same at all nodes: Fast Open cookies change by the day.</summary>
    public TimeSpan WallClock { get; init; }

    /// <summary>Buffers of the packets that wait: held, queued, in reassembly. The shard's, or one of the stack's own.</summary>
    public BufferPool Pool { get; init; } = new(limitBytes: 1L << 30);

    /// <summary>Where drops are counted.</summary>
    public DropCounters Drops { get; init; } = new();

    /// <summary>
    /// The same with one memory for the queues of all clients' connections (to pass some on when it is used up, the node's own have
    /// theirs), and one pool for all.
    /// </summary>
    internal StackOptions Sharing(QueueMemory memory, InFlightPool pool) => this with
    {
        ServiceTcp = ServiceTcp with { Memory = memory, InFlight = pool },
        ServiceTcpV6 = ServiceTcpV6 is null ? null : ServiceTcpV6 with { Memory = memory, InFlight = pool },
        OwnTcp = OwnTcp with { InFlight = pool },
    };
}
