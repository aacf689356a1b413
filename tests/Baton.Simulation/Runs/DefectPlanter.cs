using Baton.Stack;
using Baton.Wire;

namespace Baton.Simulation;

/// <summary>Plants a defect: changes the state of one node between two steps, as faulty code in it would have.</summary>
internal sealed class DefectPlanter(PlantedDefect defect, SimulationRun run, Farm farm)
{
    private readonly Dictionary<Flow, (NodeId Owner, Epoch Epoch)> _entries = [];

    public void AfterStep()
    {
        if (defect == PlantedDefect.None)
        {
            return;
        }

        foreach (var flow in run.Flows)
        {
            if (flow is StreamFlow || defect == PlantedDefect.DroppedHeldPacket)
            {
                Plant(flow);
            }
        }
    }

    private void Plant(SimulatedFlow flow)
    {
        var home = flow.Home.ShardOf(flow.Flow).Flows;
        if (!home.TryFind(flow.Flow, out var entry))
        {
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
