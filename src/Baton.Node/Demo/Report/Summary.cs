using System.Globalization;
using Baton.Hosting;
using Baton.Node.Cli;
using Spectre.Console;

namespace Baton.Node.Demo;

/// <summary>Prints the report for people.</summary>
internal static class Summary
{
    public static void Print(DemoReport report)
    {
        PrintTransfers(report);
        PrintHandoffs(report.Handoffs);
        PrintNodes(report.Nodes);
        var captures = Output.Table("network", "packets", "dropped by the capture", "file");
        foreach (var c in report.Captures)
        {
            captures.Row(c.Network, c.Packets, c.Dropped, c.File.Length > 0 ? c.File : "removed; --keep-captures DIR keeps it");
        }

        AnsiConsole.Write(captures);
        var checks = Output.Table("", "check", "");
        checks.Columns[1].NoWrap = checks.Columns[2].NoWrap = false;
        foreach (var check in report.Checks)
        {
            checks.AddRow(check.Held ? "[green]ok[/]" : "[red]NO[/]", Markup.Escape(check.Name), Markup.Escape(check.Detail));
        }

        AnsiConsole.Write(checks);
        int failed = report.Checks.Count(c => !c.Held);
        Console.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{report.Checks.Count - failed} of {report.Checks.Count} checks held, in {report.Seconds:0.0} s"));
    }

    private static void PrintTransfers(DemoReport report)
    {
        var table = Output.Table("transfer", "client", "bytes", "time", "rate", "sent by a", "by b", "by c", "back through a");
        foreach (var t in report.Transfers)
        {
            table.Row(
                t.Name,
                t.Client,
                Output.Bytes(t.Bytes),
                Output.Seconds(t.Seconds),
                Output.Bytes(t.Bytes / t.Seconds) + "/s",
                Output.Bytes(t.SentByNode.GetValueOrDefault("a")),
                Output.Bytes(t.SentByNode.GetValueOrDefault("b")),
                Output.Bytes(t.SentByNode.GetValueOrDefault("c")),
                Output.Bytes(t.BytesBackThroughA));
        }

        AnsiConsole.Write(table);
    }

    private static void PrintHandoffs(IReadOnlyList<HandoffView> handoffs)
    {
        var table = Output.Table("connection", "owner", "epoch", "frozen µs", "held", "image");
        foreach (var h in handoffs)
        {
            table.Row(h.Client, $"{h.From} to {h.To}", h.Epoch, h.FrozenMicroseconds.ToString("0", CultureInfo.InvariantCulture), h.HeldPackets, Output.Bytes(h.ImageBytes));
        }

        AnsiConsole.Write(table);
    }

    private static void PrintNodes(IReadOnlyList<NodeReport> nodes)
    {
        var table = Output.Table("node", "handed off", "taken", "held", "forwarded", "by the NIC", "late", "RST", "drops");
        foreach (var n in nodes)
        {
            table.Row(n.Name, n.HandedOff, n.Taken, n.Held, n.Forwarded, n.ForwardedByNic, n.ForwardedLate, n.Resets, string.Join(", ", n.Drops.Select(d => $"{d.Key} {d.Value}")));
        }

        AnsiConsole.Write(table);
    }
}
