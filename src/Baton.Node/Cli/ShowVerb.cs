using System.CommandLine;
using System.Globalization;
using Baton.Hosting;
using Spectre.Console;

namespace Baton.Node.Cli;

/// <summary><c>baton show</c>: all there is to know about one connection.</summary>
internal static class ShowVerb
{
    public static Command Create()
    {
        var control = new ControlArguments();
        var connection = new Argument<string>("connection") { Description = "Its id (or the beginning of it), or the client's ADDRESS:PORT." };
        var command = control.On(new("show", "Show one connection."));
        command.Arguments.Add(connection);
        command.SetAction(async (parsed, cancellation) =>
        {
            using var client = control.Connect(parsed);
            string name = parsed.GetRequiredValue(connection);
            var view = await client.FindAsync(name, local: false, cancellation);
            if (parsed.GetValue(control.Json))
            {
                Output.Json(view, ControlJson.Default.ConnectionsView);
            }
            else
            {
                foreach (var found in view.Connections)
                {
                    Print(found);
                    Print(found.Placements ?? []);
                }

                ConnectionsVerb.PrintUnreachable(view);
            }

            if (view.Connections.Count == 0)
            {
                Console.Error.WriteLine($"baton: no connection is named by '{name}'. 'baton connections' lists them.");
            }

            return view.Connections.Count == 0 ? ExitCode.Failed : ExitCode.Success;
        });
        return command;
    }

    private static void Print(IReadOnlyList<PlacementView> placements)
    {
        foreach (var p in placements)
        {
            string what = p.Cause is { } cause
                ? $"{p.Node} was to move it to {p.Selected ?? $"another node by {p.Policy}"} ({cause})"
                : $"{p.Node} placed it at {p.Selected} by {p.Policy}";
            var loads = p.Candidates.Select(c => string.Create(CultureInfo.InvariantCulture, $"{c.Node} {c.Load}{(c.Draining ? " draining" : "")}"));
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {p.SecondsAgo:0.0} s ago {what}; loads then: {string.Join(", ", loads)}"));
        }
    }

    private static void Print(ConnectionView c)
    {
        var table = Output.Table("field", "value").HideHeaders();
        table.Row("id", c.Id);
        table.Row("node", c.Node);
        table.Row("client", $"{c.Protocol} {c.Client}");
        table.Row("server", c.Server);
        table.Row("service", c.Service);
        table.Row("state", $"{c.State}, {c.Activity}");
        table.Row("owner", c.Owner);
        table.Row("epoch", c.Epoch);
        table.Row("application", c.Application ?? "unattached");
        table.Row("socket", c.Socket);
        table.Row("ISS, SND.UNA, SND.NXT", $"{c.Iss}, {c.SndUna}, {c.SndNxt}");
        table.Row("IRS, RCV.NXT", $"{c.Irs}, {c.RcvNxt}");
        table.Row("queues", $"{Output.Bytes(c.ReceiveQueue)} to read, {Output.Bytes(c.SendQueue)} unacknowledged");
        table.Row("here since", Output.Seconds(c.AgeSeconds));
        table.Row("at this node", $"{Output.Bytes(c.BytesIn)} in, {Output.Bytes(c.BytesOut)} out, {c.Retransmitted} segments again");
        table.Row("held packets", c.HeldPackets);
        table.Row("home says", c.HomeVerdict);
        AnsiConsole.Write(table);
        foreach (var h in c.History)
        {
            Console.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"  handoff {h.Handoff}: {h.From} to {h.To}, epoch {h.Epoch}, {h.Outcome}, frozen {h.FrozenMicroseconds:0} µs, {h.HeldPackets} held {h.Reason}"));
        }
    }
}
