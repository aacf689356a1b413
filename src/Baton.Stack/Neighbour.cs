using Baton.Wire;

namespace Baton.Stack;

/// <summary>What is known of a neighbour's link address.</summary>
internal enum NeighbourState : byte
{
    /// <summary>Asked for, not answered yet: packets wait.</summary>
    Incomplete,

    /// <summary>Known and fresh.</summary>
    Reachable,

    /// <summary>Known, but old: used while it is asked again (RFC 1122 §2.3.2.1, unicast poll).</summary>
    Probing,

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

    /// <summary>When the state ends: next request, end of freshness, end of the failure.</summary>
    public Instant Deadline { get; set; }

    public Instant LastUsed { get; set; }

    public int Requests { get; set; }

    /// <summary>Packets that wait for the answer.</summary>
    public Queue<QueuedFrame> Waiting { get; } = new();

    /// <summary>TCP endpoints that have something to send once it is known: their packets are not made before.</summary>
    public List<TcpEndpoint> Parked { get; } = [];

    public bool IsUsable => State is NeighbourState.Reachable or NeighbourState.Probing;
}

/// <summary>A frame that waits, in a pool's buffer: room for the link header, then the packet.</summary>
/// <param name="Buffer">The frame's bytes.</param>
/// <param name="Interface">Where it leaves.</param>
internal readonly record struct QueuedFrame(PooledBuffer Buffer, NetworkInterface Interface);
