using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Baton.Testing;

/// <summary>
/// What the experts of <c>tshark</c> say of a capture, held against the table of docs/demo.md: nothing malformed, no
/// error, and no warning but those which that table explains for such a capture.
/// </summary>
internal static partial class Tshark
{
    /// <summary>Why a test skips that needs the program.</summary>
    public const string Needed = "needs tshark (Debian: apt-get install tshark)";

    private const string Table = "| tshark says | in | why |";
    private const string Dissector = "tools/wireshark/baton-reference.lua";

    /// <summary>Whether the program is there.</summary>
    public static bool IsInstalled { get; } =
        $"{Environment.GetEnvironmentVariable("PATH")}:/usr/bin".Split(':').Any(folder => File.Exists(Path.Combine(folder, "tshark")));

    /// <summary>Fails when the program, without and with the project's dissector, finds what the table does not explain.</summary>
    /// <param name="capture">The file.</param>
    /// <param name="kind">What it is a capture of, as the table's second column says it.</param>
    /// <param name="plainPorts">TCP ports whose streams are no protocol: left to guess, the program takes random bytes for one and finds it malformed.</param>
    public static async Task AssertExplainedAsync(string capture, string kind, params ushort[] plainPorts)
    {
        var explained = ExplainedWarnings(kind);
        Assert.NotEmpty(explained);
        foreach (string[] options in (string[][])[[], ["-X", "lua_script:" + Path.Combine(Checkout(), Dissector)]])
        {
            string report = await RunAsync([.. options, .. plainPorts.SelectMany(port => new[] { "-d", $"tcp.port=={port},data" }), "-n", "-r", capture, "-q", "-z", "expert,warn"]);
            Assert.False(report.Contains("\nErrors", StringComparison.Ordinal) || report.Contains("Malformed", StringComparison.Ordinal), report);
            Assert.Empty(Findings(report).Except(explained));
        }
    }

    /// <summary>The findings of a report, each once.</summary>
    private static IEnumerable<string> Findings(string report) =>
        Finding().Matches(report).Select(row => row.Groups["summary"].Value.Trim()).Distinct();

    private static string[] ExplainedWarnings(string kind) =>
    [
        .. File.ReadLines(Path.Combine(Checkout(), "docs/demo.md"))
            .SkipWhile(line => line != Table).Skip(2).TakeWhile(line => line.StartsWith('|'))
            .Select(line => line.Split('|', StringSplitOptions.TrimEntries))
            .Where(cells => cells[2].Split(", ").Contains(kind))
            .Select(cells => cells[1]),
    ];

    private static async Task<string> RunAsync(IEnumerable<string> arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("tshark", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, await errors);
        return output;
    }

    private static string Checkout()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Baton.slnx")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException("The tests run from outside a checkout.");
    }

    /// <summary>A row of the report: how often, group, protocol, summary.</summary>
    [GeneratedRegex(@"^ +\d+ +\S+ +\S+  (?<summary>.+)$", RegexOptions.Multiline)]
    private static partial Regex Finding();
}
