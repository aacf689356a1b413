using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Baton.RealPackets.Tests.Peers;

/// <summary>What <c>tcptrace</c> makes of a capture: its connections, as it lists them with <c>-l</c>.</summary>
internal static partial class TcpTrace
{
    /// <summary>Why a test skips that needs the program.</summary>
    public const string Needed = "needs tcptrace (Debian: apt-get install tcptrace)";

    /// <summary>Whether the program is there.</summary>
    public static bool IsInstalled { get; } =
        $"{Environment.GetEnvironmentVariable("PATH")}:/usr/bin".Split(':').Any(folder => File.Exists(Path.Combine(folder, "tcptrace")));

    /// <summary>The connections in a capture file.</summary>
    public static async Task<IReadOnlyList<TracedConnection>> ReadAsync(string capture)
    {
        using var process = Process.Start(new ProcessStartInfo("tcptrace", ["-l", "-n", capture]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        string report = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, await errors);
        return [.. Heading().Split(report).Skip(1).Select(Read)];
    }

    private static TracedConnection Read(string text)
    {
        Dictionary<string, long>[] sides = [[], []];
        foreach (Match row in Row().Matches(text))
        {
            sides[0][row.Groups["name"].Value] = long.Parse(row.Groups["there"].Value, CultureInfo.InvariantCulture);
            sides[1][row.Groups["name"].Value] = long.Parse(row.Groups["back"].Value, CultureInfo.InvariantCulture);
        }

        return new(text, text.Contains("complete conn: yes", StringComparison.Ordinal), sides);
    }

    [GeneratedRegex(@"^TCP connection \d+:$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    /// <summary>A line with a whole number for each direction.</summary>
    [GeneratedRegex(@"^ +(?<name>[a-z ]+): +(?<there>\d+)( bytes| pkts)? +\k<name>: +(?<back>\d+)( bytes| pkts)? *$", RegexOptions.Multiline)]
    private static partial Regex Row();
}

/// <summary>A connection as tcptrace sees it.</summary>
/// <param name="Text">What it says of it.</param>
/// <param name="IsComplete">Whether SYN and FIN of both sides were seen and acknowledged.</param>
/// <param name="Sides">The numbers of each direction by their names.</param>
internal sealed record TracedConnection(string Text, bool IsComplete, IReadOnlyList<IReadOnlyDictionary<string, long>> Sides);
