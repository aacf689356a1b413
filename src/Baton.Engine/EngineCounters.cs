namespace Baton.Engine;

/// <summary>What the node has counted since its start. A snapshot.</summary>
public sealed record EngineCounters
{
    /// <summary>Frames received on the front.</summary>
    public required long FrontFramesIn { get; init; }

    /// <summary>Frames sent on the front.</summary>
    public required long FrontFramesOut { get; init; }

    /// <summary>Frames received on the lan.</summary>
    public required long LanFramesIn { get; init; }

    /// <summary>Frames sent on the lan.</summary>
    public required long LanFramesOut { get; init; }

    /// <summary>Packets that went to an endpoint here, straight from a client.</summary>
    public required long Local { get; init; }

    /// <summary>Packets encapsulated and forwarded by the directory.</summary>
    public required long Forwarded { get; init; }

    /// <summary>Late packets forwarded by tombstones.</summary>
    public required long ForwardedByTombstone { get; init; }

    /// <summary>Encapsulated packets accepted for an endpoint here.</summary>
    public required long Decapsulated { get; init; }

    /// <summary>Packets held during handoffs.</summary>
    public required long Held { get; init; }

    /// <summary>RSTs sent from service addresses, hence to clients, for segments of no connection.</summary>
    public required long ResetsSent { get; init; }

    /// <summary>
    /// RSTs sent from the node's own addresses, for segments of no connection: between members, such as a late answer to
    /// an attempt to connect that was given up.
    /// </summary>
    public long HostResetsSent { get; init; }

    /// <summary>SYNs answered by a cookie.</summary>
    public long SynCookiesSent { get; init; }

    /// <summary>Connections made of a cookie that came back.</summary>
    public long SynCookiesAccepted { get; init; }

    /// <summary>Acknowledgments that brought no cookie of ours while some were about.</summary>
    public long SynCookiesRefused { get; init; }

    /// <summary>Endpoints here now.</summary>
    public required int Endpoints { get; init; }

    /// <summary>Of these, without an application.</summary>
    public required int Unattached { get; init; }

    /// <summary>Bytes that connections' queues occupy now, those of the channels between members included.</summary>
    public long QueuedBytes { get; init; }

    /// <summary>Buffers that the stack has lent now: packets held, fragments, datagrams.</summary>
    public int LentBuffers { get; init; }

    /// <summary>Packets that came in at another shard than their flow's, and what all shards have to know, for each that was told.</summary>
    public long CrossedShards { get; init; }

    /// <summary>Flows in the directory now.</summary>
    public required int Flows { get; init; }

    /// <summary>Tombstones now.</summary>
    public required int Tombstones { get; init; }

    /// <summary>Endpoints created by a client's first packet.</summary>
    public required long EndpointsCreated { get; init; }

    /// <summary>Endpoints closed.</summary>
    public required long EndpointsClosed { get; init; }

    /// <summary>Handoffs that took an endpoint away.</summary>
    public required long HandoffsOut { get; init; }

    /// <summary>Handoffs that brought an endpoint.</summary>
    public required long HandoffsIn { get; init; }

    /// <summary>Handoffs refused or rolled back.</summary>
    public required long HandoffsFailed { get; init; }

    /// <summary>Flows whose owner was lost: their clients are reset when they send next.</summary>
    public long FlowsWrittenOff { get; init; }

    /// <summary>Flows removed from the directory because their owner did not list them any more.</summary>
    public long FlowsReconciled { get; init; }

    /// <summary>Endpoints that ended silently because their home did not know them any more.</summary>
    public long EndpointsDiscarded { get; init; }

    /// <summary>Other nodes' connections in TIME-WAIT that this node, their home, has taken.</summary>
    public long ResiduesTaken { get; init; }

    /// <summary>Of these, here now.</summary>
    public int Residues { get; init; }

    /// <summary>Attempts to agree on keys with a peer that failed, by the name of the <see cref="PeerRefusal"/>; reasons never met are left out.</summary>
    public IReadOnlyDictionary<string, long> PeersRefused { get; init; } = new Dictionary<string, long>();

    /// <summary>Packets that the front's NIC program forwarded: the host never saw them, and no other counter has them.</summary>
    public long NicForwarded { get; init; }

    /// <summary>Packets that the NIC programs handed up to the host.</summary>
    public long NicHandedUp { get; init; }

    /// <summary>Packets that the NIC programs left to the kernel, which are not the farm's.</summary>
    public long NicLeftToKernel { get; init; }

    /// <summary>Flows and references that the NIC programs had no room for.</summary>
    public long NicOverflows { get; init; }

    /// <summary>Packets of which the NIC program said another endpoint or epoch than the directory, which was right.</summary>
    public long NicStale { get; init; }

    /// <summary>Packets dropped, by the name of the reason; reasons never met are left out.</summary>
    public required IReadOnlyDictionary<string, long> Drops { get; init; }

    /// <summary>What two shards have counted together.</summary>
    internal static EngineCounters Add(EngineCounters left, EngineCounters right) => new()
    {
        FrontFramesIn = left.FrontFramesIn + right.FrontFramesIn,
        FrontFramesOut = left.FrontFramesOut + right.FrontFramesOut,
        LanFramesIn = left.LanFramesIn + right.LanFramesIn,
        LanFramesOut = left.LanFramesOut + right.LanFramesOut,
        Local = left.Local + right.Local,
        Forwarded = left.Forwarded + right.Forwarded,
        ForwardedByTombstone = left.ForwardedByTombstone + right.ForwardedByTombstone,
        Decapsulated = left.Decapsulated + right.Decapsulated,
        Held = left.Held + right.Held,
        ResetsSent = left.ResetsSent + right.ResetsSent,
        HostResetsSent = left.HostResetsSent + right.HostResetsSent,
        SynCookiesSent = left.SynCookiesSent + right.SynCookiesSent,
        SynCookiesAccepted = left.SynCookiesAccepted + right.SynCookiesAccepted,
        SynCookiesRefused = left.SynCookiesRefused + right.SynCookiesRefused,
        Endpoints = left.Endpoints + right.Endpoints,
        Unattached = left.Unattached + right.Unattached,
        QueuedBytes = left.QueuedBytes + right.QueuedBytes,
        LentBuffers = left.LentBuffers + right.LentBuffers,
        CrossedShards = left.CrossedShards + right.CrossedShards,
        Flows = left.Flows + right.Flows,
        Tombstones = left.Tombstones + right.Tombstones,
        EndpointsCreated = left.EndpointsCreated + right.EndpointsCreated,
        EndpointsClosed = left.EndpointsClosed + right.EndpointsClosed,
        HandoffsOut = left.HandoffsOut + right.HandoffsOut,
        HandoffsIn = left.HandoffsIn + right.HandoffsIn,
        HandoffsFailed = left.HandoffsFailed + right.HandoffsFailed,
        FlowsWrittenOff = left.FlowsWrittenOff + right.FlowsWrittenOff,
        FlowsReconciled = left.FlowsReconciled + right.FlowsReconciled,
        EndpointsDiscarded = left.EndpointsDiscarded + right.EndpointsDiscarded,
        ResiduesTaken = left.ResiduesTaken + right.ResiduesTaken,
        Residues = left.Residues + right.Residues,
        PeersRefused = Sum(left.PeersRefused, right.PeersRefused),
        NicForwarded = left.NicForwarded + right.NicForwarded,
        NicHandedUp = left.NicHandedUp + right.NicHandedUp,
        NicLeftToKernel = left.NicLeftToKernel + right.NicLeftToKernel,
        NicOverflows = left.NicOverflows + right.NicOverflows,
        NicStale = left.NicStale + right.NicStale,
        Drops = Sum(left.Drops, right.Drops),
    };

    private static Dictionary<string, long> Sum(IReadOnlyDictionary<string, long> left, IReadOnlyDictionary<string, long> right)
    {
        var sum = new Dictionary<string, long>(left);
        foreach (var (name, count) in right)
        {
            sum[name] = sum.GetValueOrDefault(name) + count;
        }

        return sum;
    }
}
