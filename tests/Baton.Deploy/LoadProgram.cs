using System.Globalization;
using System.Text.RegularExpressions;
using Baton.Node.Demo;

namespace Baton.Deploy;

/// <summary>What a load generator counted.</summary>
/// <param name="Name">The program and what it asked.</param>
/// <param name="Requests">Requests that it finished or gave up.</param>
/// <param name="Failed">Those that failed in any way that it knows: socket errors, time-outs, another status than 2xx.</param>
internal sealed record LoadOutcome(string Name, long Requests, long Failed);

/// <summary>
/// A load generator as people use it, in the client's namespace: requests, a moment's pause, over connections that it
/// keeps, so that moves meet requests that run as well as idle connections.
/// </summary>
internal static partial class LoadProgram
{
    /// <summary>Requests a second of each program, however many connections it has.</summary>
    private const int Rate = 100;

    private const int Patience = 30;

    // h2load is told how many requests to make and not when to stop: one run over a deploy, short ones for what is left of it.
    private static readonly TimeSpan s_run = TimeSpan.FromSeconds(22), s_rest = TimeSpan.FromSeconds(4);

    /// <summary>Runs wrk until <paramref name="stop"/>.</summary>
    /// <param name="network">Whose client it is.</param>
    /// <param name="directory">Where its script is left.</param>
    /// <param name="address">What it asks for.</param>
    /// <param name="connections">How many connections it keeps.</param>
    /// <param name="stop">Completes when it is to end.</param>
    /// <param name="cancellation">Kills it.</param>
    /// <exception cref="DemoException">It is missing, or ended by itself.</exception>
    public static async Task<LoadOutcome> WrkAsync(DemoNetwork network, string directory, string address, int connections, Task stop, CancellationToken cancellation)
    {
        string script = Path.Combine(directory, "pause.lua");
        await File.WriteAllTextAsync(
            script, string.Create(CultureInfo.InvariantCulture, $"function delay() return math.random(0, {2000 * connections / Rate}) end\n"), cancellation);
        string[] arguments =
        [
            "netns", "exec", network.Client, Find("wrk", "wrk"), "-t1", Invariant($"-c{connections}"), "-d1h", Invariant($"--timeout={Patience}s"), "-s", script, address,
        ];
        using var process = Tool.Start("ip", arguments);
        var said = process.StandardOutput.ReadToEndAsync(cancellation);
        var complaints = process.StandardError.ReadToEndAsync(cancellation);
        try
        {
            if (await Task.WhenAny(process.WaitForExitAsync(cancellation), stop) == stop)
            {
                // It ends in order and says what it counted, as at the terminal.
                await Tool.RequireAsync("kill", ["-INT", process.Id.ToString(CultureInfo.InvariantCulture)], cancellation: cancellation);
                await process.WaitForExitAsync(new CancellationTokenSource(TimeSpan.FromSeconds(2 * Patience)).Token);
            }
        }
        finally
        {
            process.Kill(entireProcessTree: true);
        }

        string output = await said;
        return WrkRequests().Match(output) is { Success: true } requests
            ? new($"wrk {address}", Number(requests), WrkErrors().Matches(output).Sum(Number))
            : throw new DemoException($"wrk {address}: {output}{await complaints}");
    }

    /// <summary>Runs h2load over HTTP/1.1 until <paramref name="stop"/>, and to the end of what it has begun then.</summary>
    /// <param name="network">Whose client it is.</param>
    /// <param name="address">What it asks for.</param>
    /// <param name="connections">How many connections it keeps.</param>
    /// <param name="onStart">Called before each run but the first, which opens connections of its own.</param>
    /// <param name="stop">Completes when no further run is to begin.</param>
    /// <param name="cancellation">Kills it.</param>
    /// <exception cref="DemoException">It is missing, or its output is not understood.</exception>
    public static async Task<LoadOutcome> H2LoadAsync(DemoNetwork network, string address, int connections, Action onStart, Task stop, CancellationToken cancellation)
    {
        var outcome = new LoadOutcome($"h2load --h1 {address}", 0, 0);
        for (var time = s_run; ; time = s_rest)
        {
            int each = Math.Max(1, Rate / connections);
            var run = await Tool.RunAsync("ip",
            [
                "netns", "exec", network.Client, Find("h2load", "nghttp2-client"), "--h1", "-t1", Invariant($"-c{connections}"),
                Invariant($"--rps={each}"), Invariant($"-n{connections * each * (int)time.TotalSeconds}"), Invariant($"-N{Patience}s"), address,
            ], cancellation: cancellation);
            if (H2LoadRequests().Match(run.Output) is not { Success: true } requests || H2LoadStatus().Match(run.Output) is not { Success: true } status)
            {
                throw new DemoException($"h2load {address}: {run.Output}{run.Error}");
            }

            // What has another status than 2xx has succeeded as far as h2load is concerned.
            long total = Number(requests);
            outcome = outcome with { Requests = outcome.Requests + total, Failed = outcome.Failed + total - Number(status) };
            if (stop.IsCompleted)
            {
                return outcome;
            }

            onStart();
        }
    }

    private static string Find(string program, string package) => Tool.Find(program)
        ?? throw new DemoException($"{program} is missing. On Debian this installs it:\n  sudo apt-get install -y --no-install-recommends {package}");

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);

    private static long Number(Match match) => long.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"(\d+) requests in ")]
    private static partial Regex WrkRequests();

    [GeneratedRegex(@"(?:connect|read|write|timeout|Non-2xx or 3xx responses:) (\d+)")]
    private static partial Regex WrkErrors();

    [GeneratedRegex(@"requests: (\d+) total")]
    private static partial Regex H2LoadRequests();

    [GeneratedRegex(@"status codes: (\d+) 2xx")]
    private static partial Regex H2LoadStatus();
}
