using Baton.Link;
using Baton.Stack;
using Baton.Tcp;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>What listings and metrics show of a shard.</summary>
internal static class ShardReports
{
    public static IReadOnlyList<EndpointDescription> DescribeAll(Shard shard) =>
        [.. shard.Stack.Endpoints.Where(e => e.Service is not null).OrderBy(e => e.Created).ThenBy(e => e.Id.Value).Select(e => Describe(shard, e))];

    public static EndpointDescription Describe(Shard shard, Endpoint endpoint)
    {
        var record = EndpointRecord.Of(endpoint);
        var connection = (endpoint as TcpEndpoint)?.Connection;
        var attachment = endpoint.Application as Attachment;
        return new EndpointDescription
        {
            Id = endpoint.Id,
            Flow = endpoint.Flow,
            Service = endpoint.Service?.Name,
            State = connection is not null ? StateName(connection.State) : endpoint is UdpEndpoint ? "OPEN" : "NONE",
            Activity = endpoint.Phase switch
            {
                EndpointPhase.Frozen => EndpointActivity.Frozen,
                EndpointPhase.Embryo => EndpointActivity.Embryo,
                _ => EndpointActivity.Active,
            },
            Owner = shard.Farm.Self.Id,
            OwnerAddress = shard.Farm.Self.LanAddress,
            OwnerPort = endpoint.OwnerPort != 0 ? endpoint.OwnerPort : endpoint.Flow.Tuple.LocalPort,
            Application = endpoint.ApplicationName,
            Socket = attachment?.Facts.Socket,
            Epoch = endpoint.Epoch,
            Sequence = connection?.Sequence,
            ReceiveQueue = connection?.ReadableBytes ?? (endpoint as UdpEndpoint)?.WaitingBytes ?? 0,
            SendQueue = connection is null ? 0 : SendQueue(connection),
            HeldPackets = endpoint.Held.Count,
            PacketsIn = endpoint.PacketsIn,
            PacketsOut = endpoint.PacketsOut,
            BytesIn = endpoint.BytesIn,
            BytesOut = endpoint.BytesOut,
            Retransmitted = connection?.Counters.SegmentsRetransmitted ?? 0,
            Age = shard.Now - endpoint.Created,
            HomeVerdict = shard.Flows.TryFind(endpoint.Flow, out var entry) ? VerdictText(shard, entry.Owner) : null,
            History = record is null ? [] : [.. record.History],
        };
    }

    public static IReadOnlyList<ForwardingEntry> Entries(Shard shard)
    {
        var entries = new List<ForwardingEntry>(shard.Flows.Count);
        foreach (ref readonly var entry in shard.Flows)
        {
            entries.Add(new ForwardingEntry(
                entry.Flow, entry.Owner, shard.Farm.NameOf(entry.Owner), entry.Epoch, entry.Reference, VerdictText(shard, entry.Owner)));
        }

        return entries;
    }

    public static IReadOnlyList<HomeDescription> Homes(Shard shard) =>
    [
        .. shard.Homes.Addresses.Select(address => new HomeDescription(
            address.Claim.Address,
            address.Claim.Home == NodeId.None ? null : shard.Farm.NameOf(address.Claim.Home),
            address.Claim.Incarnation,
            address.Phase)),
    ];

    public static EngineCounters Counters(Shard shard)
    {
        var drops = new Dictionary<string, long>();
        foreach (var reason in Enum.GetValues<DropReason>())
        {
            long count = shard.Drops[reason] + shard.Handoffs.Drops[reason] + (shard.Index == 0 ? shard.Homes.Drops[reason] : 0) + (shard.Nic?.Count(reason) ?? 0);
            if (count > 0)
            {
                drops.Add(reason.ToString(), count);
            }
        }

        var path = shard.Path;
        var log = shard.Handoffs.Log;
        return new EngineCounters
        {
            FrontFramesIn = path.FrontFramesIn,
            FrontFramesOut = path.FrontFramesOut,
            LanFramesIn = path.LanFramesIn,
            LanFramesOut = path.LanFramesOut + shard.Lan.Frames,
            Local = path.Local,
            Forwarded = path.Forwarded,
            ForwardedByTombstone = path.ForwardedByTombstone,
            Decapsulated = path.Decapsulated,
            Held = path.Held + shard.Stack.Endpoints.Sum(e => e.Held.Total),
            ResetsSent = shard.Stack.ResetsSent,
            HostResetsSent = shard.Stack.HostResetsSent,
            SynCookiesSent = shard.Stack.SynCookiesSent,
            SynCookiesAccepted = shard.Stack.SynCookiesAccepted,
            SynCookiesRefused = shard.Stack.SynCookiesRefused,
            Endpoints = shard.Stack.Endpoints.Count(e => e.Service is not null),
            Unattached = shard.Stack.UnattachedEndpoints,
            QueuedBytes = shard.Stack.TcpMemory.Used,
            LentBuffers = shard.Stack.Pool.Lent,
            Flows = shard.Flows.Count,
            CrossedShards = shard.Crossing?.Sent ?? 0,
            Tombstones = shard.Tombstones.Count,
            EndpointsCreated = path.Created,
            EndpointsClosed = path.Closed,
            HandoffsOut = log.Out,
            HandoffsIn = log.In,
            HandoffsFailed = log.Failed,
            FlowsWrittenOff = shard.HomeShare.WrittenOff,
            FlowsReconciled = shard.HomeShare.Reconciled,
            EndpointsDiscarded = shard.HomeShare.Discarded,
            ResiduesTaken = shard.Handoffs.ResiduesTaken,
            Residues = shard.Stack.Residues,
            PeersRefused = Refusals(shard),
            NicForwarded = shard.Nic?.Count(NicVerdict.Forwarded) ?? 0,
            NicHandedUp = shard.Nic?.HandedUp ?? 0,
            NicLeftToKernel = shard.Nic?.Count(NicVerdict.Kernel) ?? 0,
            NicOverflows = shard.Nic?.Overflows ?? 0,
            NicStale = shard.Nic?.Stale ?? 0,
            Drops = drops,
        };
    }

    private static Dictionary<string, long> Refusals(Shard shard)
    {
        var refusals = new Dictionary<string, long>();
        foreach (var reason in shard.Index == 0 ? Enum.GetValues<PeerRefusal>() : [])
        {
            if (shard.Sessions?.Refusals[(int)reason] is > 0 and { } count)
            {
                refusals.Add(reason.ToString(), count);
            }
        }

        return refusals;
    }

    /// <summary>Bytes that the application has written and the client has not acknowledged.</summary>
    public static int SendQueue(TcpConnection connection) => connection.SendQueueBytes;

    /// <summary>The state's name as RFC 9293 §3.3.2 writes it.</summary>
    private static string StateName(TcpState state) => state switch
    {
        TcpState.SynSent => "SYN-SENT",
        TcpState.SynReceived => "SYN-RECEIVED",
        TcpState.FinWait1 => "FIN-WAIT-1",
        TcpState.FinWait2 => "FIN-WAIT-2",
        TcpState.CloseWait => "CLOSE-WAIT",
        TcpState.LastAck => "LAST-ACK",
        TcpState.TimeWait => "TIME-WAIT",
        _ => state.ToString().ToUpperInvariant(),
    };

    private static string VerdictText(Shard shard, NodeId owner) =>
        owner == shard.Farm.Self.Id ? "local" : owner == NodeId.None ? "hold" : $"forward to {shard.Farm.NameOf(owner)}";
}
