using Baton.Handoff;
using Baton.Handoff.Messages;
using Baton.Wire;

namespace Baton.Simulation;

/// <summary>At most one node answers for a service address, and one node decides about its flows.</summary>
internal sealed class HomeWatch(SimulationRun run, Farm farm)
{
    private readonly InetAddress[] _addresses = [.. farm.Nodes.SelectMany(node => new[] { Farm.ServiceAddress(node.Number), Farm.ServiceAddressV6(node.Number) })];

    /// <summary>After a step: only a node that ran answers for more than before.</summary>
    public void AfterStep()
    {
        bool anyRan = false;
        foreach (var node in farm.Nodes)
        {
            anyRan |= node.HasRun;
        }

        if (!anyRan)
        {
            return;
        }

        foreach (var address in _addresses)
        {
            FarmNode? home = null;
            foreach (var node in farm.Nodes)
            {
                if (node.IsUp && node.Shard.AnswersFor(address))
                {
                    if (home is not null)
                    {
                        run.Fail($"{address} has two homes: {home.Name} and {node.Name}.");
                    }

                    home = node;
                }
            }
        }
    }

    /// <summary>Notes what the role does at a node.</summary>
    public void OnStep(FarmNode node, HomeOutput output)
    {
        run.Trace?.WriteLine($"{run.Now} {node.Name} {Text(output)}");
        if (output is HomeOutput.Send send)
        {
            run.Totals.Meet(Met.HomeMessage, send.Message.Span[1]);
        }

        foreach (var (_, phase) in node.Shard.Homes.Addresses)
        {
            run.Totals.Meet(Met.HomePhase, (byte)phase);
        }
    }

    private static string Text(HomeOutput output) => output switch
    {
        HomeOutput.Send send => $"home message {(HomeMessageKind)send.Message.Span[1]} to {send.Peer}",
        HomeOutput.Announce announce => $"announce {announce.Announced.Flow} {announce.Announced.Phase} at {announce.Announced.Owner} in epoch {announce.Announced.Epoch}, recovering {announce.Recovering}",
        _ => output.ToString(),
    };
}
