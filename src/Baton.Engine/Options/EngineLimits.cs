using Baton.Tcp;

namespace Baton.Engine;

/// <summary>Bounds on everything that can grow (R35).</summary>
public sealed record EngineLimits
{
    /// <summary>Endpoints that this node owns, of all kinds.</summary>
    public int Endpoints { get; init; } = 262_144;

    /// <summary>Endpoints without an application at one time; a SYN beyond it is dropped and counted.</summary>
    public int UnattachedEndpoints { get; init; } = 16_384;

    /// <summary>Handshakes of clients that are open at one time; SYNs beyond it are answered by cookies and not kept.</summary>
    public int HalfOpen { get; init; } = 4_096;

    /// <summary>
    /// Connections that TCP Fast Open gave to their application while their handshake is open; beyond it the handshake comes first
    /// (RFC 7413 §5.1).
    /// </summary>
    public int OpenedFast { get; init; } = 256;

    /// <summary>How long an endpoint may stay without an application before it is closed.</summary>
    public TimeSpan UnattachedTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Flows in the directory: those this node is home of.</summary>
    public int Flows { get; init; } = 524_288;

    /// <summary>Tombstones: endpoints that have left and whose late packets are forwarded.</summary>
    public int Tombstones { get; init; } = 65_536;

    /// <summary>How long a tombstone forwards late packets.</summary>
    public TimeSpan TombstoneTime { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Other nodes' connections in TIME-WAIT that are kept here, as their home.</summary>
    public int Residues { get; init; } = 16_384;

    /// <summary>Packets held for one endpoint during a handoff.</summary>
    public int HeldPackets { get; init; } = 4096;

    /// <summary>Bytes of packets held for one endpoint during a handoff.</summary>
    public int HeldBytes { get; init; } = 8 << 20;

    /// <summary>Handoffs running at this node at one time.</summary>
    public int Handoffs { get; init; } = 1024;

    /// <summary>Bytes of one endpoint's image, context included; a larger one is rejected.</summary>
    public int ImageBytes { get; init; } = 32 << 20;

    /// <summary>Bytes of an application's context.</summary>
    public int ContextBytes { get; init; } = 1 << 20;

    /// <summary>Bytes that wait for one peer's channel.</summary>
    public int ChannelBytes { get; init; } = 64 << 20;

    /// <summary>Bytes of one query to a peer, and of its answer.</summary>
    public int QueryBytes { get; init; } = 8 << 20;

    /// <summary>Bytes of a connection's send queue.</summary>
    public int SendBuffer { get; init; } = 4 << 20;

    /// <summary>Bytes of a connection's receive queue.</summary>
    public int ReceiveBuffer { get; init; } = 4 << 20;

    /// <summary>
    /// Bytes of receive queue that a connection begins with, a power of two; it grows to <see cref="ReceiveBuffer"/> with
    /// what its application takes in a round trip.
    /// </summary>
    public int ReceiveBufferStart { get; init; } = 128 << 10;

    /// <summary>Datagrams that wait in one UDP endpoint.</summary>
    public int DatagramQueue { get; init; } = 256;

    /// <summary>A UDP endpoint without traffic for so long is closed.</summary>
    public TimeSpan DatagramIdle { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a connection stays in TIME-WAIT: twice the longest life of a segment (RFC 9293 §3.4.2, MSL).</summary>
    public TimeSpan TimeWait { get; init; } = TcpSettings.Default.TimeWaitLength;

    /// <summary>Frames taken from a link in one burst.</summary>
    public int BurstFrames { get; init; } = 64;

    /// <summary>Handoffs kept in an endpoint's history and in the node's event log.</summary>
    public int History { get; init; } = 4096;

    /// <summary>Placements that the node can still explain.</summary>
    public int Placements { get; init; } = 1024;

    /// <summary>What one of several shards may have: an equal part of everything that is counted for the whole node.</summary>
    internal EngineLimits Share(int shards)
    {
        int Part(int whole) => (whole + shards - 1) / shards;
        return this with
        {
            Endpoints = Part(Endpoints),
            UnattachedEndpoints = Part(UnattachedEndpoints),
            HalfOpen = Part(HalfOpen),
            Flows = Part(Flows),
            Tombstones = Part(Tombstones),
            Residues = Part(Residues),
            Handoffs = Part(Handoffs),
        };
    }
}
