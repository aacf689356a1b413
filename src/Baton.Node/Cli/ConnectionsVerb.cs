using System.CommandLine;
using Baton.Hosting;
using Spectre.Console;

namespace Baton.Node.Cli;

/// <summary><c>baton connections</c>: every endpoint of the farm.</summary>
internal static class ConnectionsVerb
{
    public static Command Create()
    {
        var control = new ControlArguments();
        var local = new Option<bool>("--local") { Description = "Only the node that is asked." };
        var command = control.On(new("connections", "List the connections of the farm and who owns them."));
        command.Options.Add(local);
        command.SetAction(async (parsed, cancellation) =>
        {
            using var client = control.Connect(parsed);
            var view = await client.ConnectionsAsync(parsed.GetValue(local), cancellation);
            if (parsed.GetValue(control.Json))
            {
                Output.Json(view, ControlJson.Default.ConnectionsView);
            }
            else
            {
                Print(view);
            }

            return view.Unreachable.Count > 0 ? ExitCode.Failed : ExitCode.Success;
        });
        return command;
    }

    /// <summary>Names the members whose part is missing.</summary>
    public static void PrintUnreachable(ConnectionsView view)
    {
        foreach (var (node, reason) in view.Unreachable)
        {
            Console.Error.WriteLine($"baton: {node} could not be asked: {reason}");
        }
    }

    private static void Print(ConnectionsView view)
    {
        var table = Output.Table("id", "node", "client", "server", "service", "state", "application", "epoch", "acked", "received", "age");
        foreach (var c in view.Connections)
        {
            table.Row(
                c.Id,
                c.Node,
                $"{c.Protocol} {c.Client}",
                c.Server,
                c.Service,
                c.Activity == Engine.EndpointActivity.Active ? c.State : c.Activity,
                c.Application ?? "unattached",
                c.Epoch,
                c.AcknowledgedBytes is { } acked ? Output.Bytes(acked) : "",
                c.ReceivedBytes is { } received ? Output.Bytes(received) : Output.Bytes(c.BytesIn),
                Output.Seconds(c.AgeSeconds));
        }

        AnsiConsole.Write(table);
        PrintUnreachable(view);
    }
}
