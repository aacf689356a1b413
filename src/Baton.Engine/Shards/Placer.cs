using Baton.Director;
using Baton.Stack;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>Selects who serves an endpoint, when its service's placement says so.</summary>
internal sealed class Placer(Shard shard)
{
    private NodeId Self => shard.Farm.Self.Id;

    /// <summary>An endpoint that was created here is established: it stays and gets its application, or goes where it is to be served.</summary>
    public void OnEstablished(EndpointRecord record)
    {
        if (record.Stage != EndpointStage.Unplaced || record.Running is not null)
        {
            return;
        }

        // A node that drains serves nobody new: what would be placed by its first request goes to a node that can read it.
        var service = record.Endpoint.Service!;
        bool isPlacedNow = service.Placement == Placement.Handshake || shard.IsDraining;
        var selected = isPlacedNow ? Select(record.Endpoint, shard.Node.Candidates) : Self;
        if (selected != Self && record.Endpoint is TcpEndpoint { IsEstablished: false })
        {
            // Opened by TCP Fast Open for an application elsewhere: a half-open connection does not move, so it is placed when it is complete.
            return;
        }

        if (selected != NodeId.None)
        {
            if (isPlacedNow)
            {
                shard.Placements.Add(shard.Now, record.Endpoint.Flow, service.Policy, cause: null, selected, shard.Node.Candidates);
            }

            shard.Node.OnPlaced(selected);
        }

        if (selected == NodeId.None || selected == Self || !shard.Node.IsUp(selected))
        {
            Stay(record);
            return;
        }

        shard.Handoffs.BeginByEngine(record, shard.Farm.NameOf(selected), fresh: true, result =>
        {
            if (!result.Moved && (record.IsSuspended || record.Endpoint.Phase == EndpointPhase.Active))
            {
                Stay(record);
            }
        });
    }

    /// <summary>Another node for an endpoint, by its service's policy; none when no other takes connections.</summary>
    public NodeId SelectOther(Endpoint endpoint)
    {
        Span<MemberState> others = stackalloc MemberState[Membership.MemberList.MaxMembers];
        int count = 0;
        foreach (ref readonly var state in shard.Node.Candidates)
        {
            if (state.Node != Self && !state.Draining && shard.Node.IsUp(state.Node))
            {
                others[count++] = state;
            }
        }

        return Select(endpoint, others[..count]);
    }

    private NodeId Select(Endpoint endpoint, ReadOnlySpan<MemberState> candidates) =>
        shard.Farm.Services.Select(endpoint.Service!, candidates, new SelectionRequest(endpoint.Flow, shard.Random.Next()));

    private void Stay(EndpointRecord record)
    {
        record.Stage = EndpointStage.Placed;
        shard.Applications.TryBind(record);
    }
}
