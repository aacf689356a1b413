using Baton.Wire;

namespace Baton.Stack;

/// <summary>What is known of a neighbour's link address: the states of RFC 4861 §7.3.2, for both families.</summary>
internal enum NeighbourState : byte
{
    /// <summary>Asked for, not answered yet: packets wait.</summary>
    Incomplete,

    /// <summary>Known, and both directions worked lately.</summary>
    Reachable,

    /// <summary>Known, but not lately confirmed: used, and looked after from then on.</summary>
    Stale,

    /// <summary>Used although stale; in a moment it will be asked.</summary>
    Delay,

    /// <summary>Used while it is asked by unicast whether it is still there.</summary>
    Probe,

    /// <summary>Did not answer: packets to it are dropped until this is forgotten.</summary>
    Failed,

    /// <summary>No longer in the cache: whoever holds it looks up anew.</summary>
    Evicted,
}

/// <summary>One entry of a neighbour cache, with what waits for its answer.</summary>
internal sealed class Neighbour(InetAddress address, NetworkInterface networkInterface)
{
    public InetAddress Address { get; } = address;

    public NetworkInterface Interface { get; } = networkInterface;

    public NeighbourState State { get; set; } = NeighbourState.Incomplete;

    public MacAddress MacAddress { get; set; }

    /// <summary>When the state ends: next request, end of reachability, end of the failure.</summary>
    public Instant Deadline { get; set; }

    public Instant LastUsed { get; set; }

    public int Requests { get; set; }

    /// <summary>Whether the cache looks at <see cref="Deadline"/> by itself.</summary>
    public bool IsTimed { get; set; }

    /// <summary>Packets that wait for the answer.</summary>
    public Queue<QueuedFrame> Waiting { get; } = new();

    /// <summary>TCP endpoints that have something to send once it is known: their packets are not made before.</summary>
    public List<TcpEndpoint> Parked { get; } = [];

    /// <summary>Whether packets can be sent to it.</summary>
    public bool IsUsable => State is NeighbourState.Reachable or NeighbourState.Stale or NeighbourState.Delay or NeighbourState.Probe;

    /// <summary>Whether packets can be sent to it and nothing has to be done about its state.</summary>
    public bool IsSettled(Instant now) => State is NeighbourState.Delay or NeighbourState.Probe || (State == NeighbourState.Reachable && now < Deadline);
}

/// <summary>A frame that waits, in a pool's buffer: room for the link header, then the packet.</summary>
/// <param name="Buffer">The frame's bytes.</param>
/// <param name="Interface">Where it leaves.</param>
/// <param name="Offload">What the link has to do to it.</param>
internal readonly record struct QueuedFrame(PooledBuffer Buffer, NetworkInterface Interface, FrameOffload Offload = default);
