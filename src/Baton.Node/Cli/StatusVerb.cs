using System.CommandLine;
using System.Globalization;
using HomePhase = Baton.Handoff.HomePhase;
using Baton.Hosting;
using Spectre.Console;

namespace Baton.Node.Cli;

/// <summary><c>baton status</c>: every member of the farm, those that cannot be reached among them.</summary>
internal static class StatusVerb
{
    public static Command Create()
    {
        var control = new ControlArguments();
        var local = new Option<bool>("--local") { Description = "Only the node that is asked." };
        var command = control.On(new("status", "Show the nodes of the farm."));
        command.Options.Add(local);
        command.SetAction(async (parsed, cancellation) =>
        {
            using var client = control.Connect(parsed);
            var farm = await client.StatusAsync(parsed.GetValue(local), cancellation);
            if (parsed.GetValue(control.Json))
            {
                Output.Json(farm, ControlJson.Default.FarmView);
            }
            else
            {
                Print(farm);
            }

            return farm.Nodes.Any(n => n.State == "unreachable") ? ExitCode.Failed : ExitCode.Success;
        });
        return command;
    }

    private static IEnumerable<string> Homes(NodeView node) => node.Homes is null
        ? []
        : node.Homes.Where(h => h.Phase is not (HomePhase.Elsewhere or HomePhase.Former))
            .Select(h => h.Phase == HomePhase.Serving ? h.Address : $"{h.Address} ({h.Phase.ToString().ToLowerInvariant()})");

    private static void Print(FarmView farm)
    {
        var table = Output.Table("node", "state", "connections", "queued", "cpu", "forwarded", "handed off", "taken", "drops", "up", "home of");
        foreach (var node in farm.Nodes)
        {
            table.Row(
                node.Name,
                node.State,
                node.LiveConnections,
                Output.Bytes(node.QueuedBytes),
                string.Create(CultureInfo.InvariantCulture, $"{node.CpuPermille / 10.0:0.0} %"),
                node.Counters?.Forwarded,
                node.Counters?.HandoffsOut,
                node.Counters?.HandoffsIn,
                node.Counters?.Drops.Values.Sum(),
                node.UptimeSeconds is { } up ? Output.Seconds(up) : "",
                string.Join(' ', Homes(node)));
        }

        AnsiConsole.Write(table);
        foreach (var node in farm.Nodes.Where(n => n.Error is not null))
        {
            Console.Error.WriteLine($"baton: {node.Name} could not be asked: {node.Error}");
        }
    }
}
