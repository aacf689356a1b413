using Baton.Stack;
using Baton.Wire;

namespace Baton.Simulation;

/// <summary>Plants a defect: changes the state of one node between two steps, as faulty code in it would have.</summary>
internal sealed class DefectPlanter(PlantedDefect defect, SimulationRun run, Farm farm)
{
    private static readonly TimeSpan s_early = TimeSpan.FromSeconds(2);

    private readonly Dictionary<Flow, (NodeId Owner, Epoch Epoch)> _entries = [];
    private bool _hasKept;

    public void AfterStep()
    {
        if (defect == PlantedDefect.None)
        {
            return;
        }

        if (defect == PlantedDefect.KeptBuffer)
        {
            KeepBuffer();
            return;
        }

        foreach (var flow in run.Flows)
        {
            if (flow is StreamFlow || defect is PlantedDefect.DroppedHeldPacket or PlantedDefect.EarlyWriteOff)
            {
                Plant(flow);
            }
        }
    }

    /// <summary>While a node is off, so that packets wait for it beside the buffer.</summary>
    private void KeepBuffer()
    {
        if (!_hasKept && farm.Nodes.Any(node => !node.IsUp))
        {
            _hasKept = farm.Nodes.First(node => node.IsUp).Shard.Stack.Pool.TryRent(1, out _);
        }
    }

    private void Plant(SimulatedFlow flow)
    {
        var home = flow.Home.ShardOf(flow.Flow).Flows;
        if (!home.TryFind(flow.Flow, out var entry))
        {
            return;
        }

        if (defect == PlantedDefect.EarlyWriteOff)
        {
            if (entry.Owner != flow.Home.Id && run.Striker.Hearing.Silence(flow.Home, farm.Nodes[entry.Owner.Value - 1]) > s_early)
            {
                home.Remove(flow.Flow);
            }

            return;
        }

        foreach (var node in farm.Nodes)
        {
            if (node.Find(flow.Flow) is not { } endpoint)
            {
                continue;
            }

            switch (defect)
            {
                case PlantedDefect.ThawAfterCommit when endpoint.Phase == EndpointPhase.Frozen && entry.Owner != node.Id:
                    node.ShardOf(flow.Flow).Stack.Thaw(farm.Now, endpoint, endpoint.Epoch);
                    node.Touch();
                    break;
                case PlantedDefect.EmbryoAcknowledges when endpoint is { Phase: EndpointPhase.Embryo, IsInstalled: true } && entry.Owner != node.Id:
                    node.ShardOf(flow.Flow).Stack.Activate(farm.Now, endpoint);
                    node.Touch();
                    break;
                case PlantedDefect.DroppedHeldPacket when endpoint.Phase is EndpointPhase.Frozen or EndpointPhase.Embryo:
                    endpoint.TakeHeld(static (_, _) => { });
                    break;
                case PlantedDefect.ShrunkRightEdge when endpoint is TcpEndpoint { Phase: EndpointPhase.Embryo, IsInstalled: true } tcp:
                    var receiver = tcp.Connection!.Receiver;
                    receiver.Window.Restore(receiver.Window.Capacity / 2, receiver.Window.Scale, receiver.Nxt);
                    break;
            }
        }

        if (defect == PlantedDefect.ReusedEpoch)
        {
            if (_entries.TryGetValue(flow.Flow, out var before) && before.Owner != entry.Owner)
            {
                home.Remove(flow.Flow);
                home.TryAdd(flow.Flow, entry.Owner, before.Epoch, entry.Reference);
                _entries[flow.Flow] = (entry.Owner, before.Epoch);
                return;
            }

            _entries[flow.Flow] = (entry.Owner, entry.Epoch);
        }
    }
}
