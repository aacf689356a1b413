using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using Baton.Bench.Machine;

namespace Baton.Bench.Web;

/// <summary>The client: wrk, one thread on the client's core.</summary>
internal static partial class Wrk
{
    /// <summary>Asks for a path for a time.</summary>
    /// <param name="networkNamespace">Where it runs.</param>
    /// <param name="server">Whom it asks.</param>
    /// <param name="path">What it asks for.</param>
    /// <param name="connections">How many connections ask, each one request after the other.</param>
    /// <param name="time">How long.</param>
    /// <param name="close">Whether each request has a connection of its own.</param>
    public static WrkResult Run(string networkNamespace, IPEndPoint server, string path, int connections, TimeSpan time, bool close = false)
    {
        string seconds = Math.Max(1, Math.Round(time.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        string[] arguments =
        [
            .. AheadOfOthers.Before[1..], "ip", "netns", "exec", networkNamespace, "taskset", "-c", $"{Cores.Client}",
            "wrk", "-t1", $"-c{connections}", $"-d{seconds}s", "--latency",
            .. close ? ["-H", "Connection: close"] : Array.Empty<string>(),
            $"http://{server}{path}",
        ];
        using var process = Process.Start(new ProcessStartInfo(AheadOfOthers.Before[0], arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0 || Rate().Match(output) is not { Success: true } rate)
        {
            throw new BenchException($"wrk: {output} {process.StandardError.ReadToEnd()}");
        }

        // A connection that the server has closed as it was asked to is no error; anything else is.
        if (output.Contains("Non-2xx", StringComparison.Ordinal) || (!close && output.Contains("Socket errors", StringComparison.Ordinal)))
        {
            throw new BenchException($"wrk: {output}");
        }

        return new WrkResult(
            double.Parse(rate.Groups[1].Value, CultureInfo.InvariantCulture),
            Microseconds(Tail().Match(output)),
            long.Parse(Requests().Match(output).Groups[1].Value, CultureInfo.InvariantCulture));
    }

    private static double Microseconds(Match match) => !match.Success ? double.NaN
        : double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) * match.Groups[2].Value switch { "us" => 1, "ms" => 1e3, _ => 1e6 };

    [GeneratedRegex(@"Requests/sec:\s+([\d.]+)")]
    private static partial Regex Rate();

    [GeneratedRegex(@"(\d+) requests in")]
    private static partial Regex Requests();

    [GeneratedRegex(@"99%\s+([\d.]+)(us|ms|s)")]
    private static partial Regex Tail();
}

/// <summary>What wrk measured.</summary>
/// <param name="Rate">Requests a second.</param>
/// <param name="P99">The 99th percentile of a request's time in microseconds.</param>
/// <param name="Requests">How many were answered.</param>
internal readonly record struct WrkResult(double Rate, double P99, long Requests);
