using System.Diagnostics;
using System.Globalization;
using Baton.Bench.Machine;
using Baton.Bench.Moves;
using Baton.Engine;
using Baton.Link;
using Baton.Wire;

namespace Baton.Bench.Farm;

/// <summary>
/// A client's download moves around a farm of three nodes while it runs: how long does the client see nothing new? Told
/// from a capture on the client's side of the relay.
/// </summary>
internal static class HandoffBenchmark
{
    private const int WarmUpMoves = 20;

    private static readonly TimeSpan s_delay = TimeSpan.FromMilliseconds(2.5);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(40);
    private static readonly TimeSpan s_still = TimeSpan.FromSeconds(2);

    private const string Pictures = "--pictures=";

    /// <summary>Runs it, then <see cref="MoveBenchmark"/>, and prints the figures of both.</summary>
    public static async Task<int> RunAsync(bool quick, string[] options)
    {
        if (!options.Contains("--only=moves"))
        {
            Console.WriteLine("download: " + await MeasureDownloadAsync(quick));
        }

        string? pictures = options.FirstOrDefault(option => option.StartsWith(Pictures, StringComparison.Ordinal))?[Pictures.Length..];
        Console.WriteLine(MoveBenchmark.Run(quick, options.Contains(OwnMover.Sealed), pictures));
        return 0;
    }

    private static async Task<string> MeasureDownloadAsync(bool quick)
    {
        using var network = new FarmNetwork();
        var nodes = new List<StreamNode>();
        try
        {
            foreach (string name in FarmNetwork.Nodes)
            {
                nodes.Add(await StreamNode.StartAsync(network.Switch, name));
            }

            await MeetAsync(nodes);
            string capture = Path.GetTempFileName();
            try
            {
                var run = await DownloadAsync(network, nodes, capture, quick ? 100 : 1000);
                return Report(run, NewDataGaps.Read(capture));
            }
            finally
            {
                File.Delete(capture);
            }
        }
        finally
        {
            foreach (var node in nodes)
            {
                await node.DisposeAsync();
            }
        }
    }

    /// <summary>Waits until all nodes know each other.</summary>
    private static async Task MeetAsync(List<StreamNode> nodes)
    {
        for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(10); await Task.Delay(50))
        {
            if (nodes.TrueForAll(node => node.Engine.Members.All(member => member.Reachable)))
            {
                return;
            }
        }

        throw new BenchException("the nodes do not find each other");
    }

    private static async Task<DownloadRun> DownloadAsync(FarmNetwork network, List<StreamNode> nodes, string capture, int count)
    {
        using var ended = new CancellationTokenSource();
        using var outside = new CaptureLink(
            TapLink.Open(new() { Name = FarmNetwork.Wan, Namespace = network.Client }),
            new CaptureOptions { Path = capture, SnapLength = 96, Clock = static () => MonotonicClock.Now });
        using var inside = TapLink.Open(new() { Name = FarmNetwork.Wan, Namespace = network.Switch });
        var relay = new Relay(outside, inside, new() { Forward = new() { Delay = s_delay }, Backward = new() { Delay = s_delay } });
        var relaying = new Thread(() => relay.Run(ended.Token)) { Name = "relay", IsBackground = true };
        relaying.Start();
        try
        {
            var start = MonotonicClock.Now;
            var client = new PacedClient(network.Client);
            var owner = await FindOwnerAsync(nodes);
            var moves = new List<Move>();
            for (int i = 0; i < WarmUpMoves + count; i++)
            {
                var target = nodes[(nodes.IndexOf(owner) + 1) % nodes.Count];
                moves.Add(await MoveAsync(owner, target));
                owner = moves[^1].Result.Moved ? target : owner;
                await Task.Delay(s_pause);
            }

            var stillFrom = MonotonicClock.Now;
            await Task.Delay(s_still);
            client.Stop();
            return new(moves, stillFrom, MonotonicClock.Now - start, client.Received);
        }
        finally
        {
            await ended.CancelAsync();
            relaying.Join();
            outside.Stop();
        }
    }

    private static async Task<StreamNode> FindOwnerAsync(List<StreamNode> nodes)
    {
        for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(10); await Task.Delay(20))
        {
            foreach (var node in nodes)
            {
                if (await OwnedAsync(node) is { Application: not null })
                {
                    return node;
                }
            }
        }

        throw new BenchException("the client's connection is at no node");
    }

    private static async Task<EndpointDescription?> OwnedAsync(StreamNode node) =>
        (await node.Engine.EndpointsAsync()).FirstOrDefault(endpoint => endpoint.Activity == EndpointActivity.Active);

    private static async Task<Move> MoveAsync(StreamNode from, StreamNode to)
    {
        // The target's application may not have the connection yet that it was handed a moment ago.
        EndpointDescription? endpoint = null;
        for (int i = 0; i < 100 && endpoint is null; i++)
        {
            endpoint = await OwnedAsync(from);
        }

        if (endpoint is null)
        {
            throw new BenchException($"the connection is not at node {from.Name}");
        }

        var start = MonotonicClock.Now;
        var result = await from.Engine.MoveAsync(endpoint.Id, to.Name);
        return new(start, MonotonicClock.Now, result);
    }

    private static string Report(DownloadRun run, List<Gap> gaps)
    {
        var moves = run.Moves.Skip(WarmUpMoves).ToList();
        var failed = moves.Where(move => !move.Result.Moved).ToList();
        var rtt = 2 * s_delay;
        var from = moves[0].From;
        double warmUp = Longest(gaps, gap => gap.To <= from);
        double moving = Longest(gaps, gap => gap.To > from && gap.From < run.StillFrom);
        double still = Longest(gaps, gap => gap.From >= run.StillFrom);
        var perMove = moves.Select(move => Longest(gaps, gap => gap.Overlaps(move.From, move.To + rtt))).ToList();
        double moveTime = Statistics.Median(moves.Select(move => (move.To - move.From).TotalMicroseconds));
        double freeze = Statistics.Median(moves.Select(move => move.Result.Event?.FrozenMicroseconds ?? double.NaN).Where(value => !double.IsNaN(value)));
        Print($"A download of {run.Bytes / 1e6:F0} MB at {run.Bytes * 8 / 1e6 / run.Time.TotalSeconds:F0} Mbit/s, every byte compared, moved {moves.Count} times around nodes a, b, c; path RTT {rtt.TotalMilliseconds} ms.");
        Print($"Compared: times between segments with new data, captured at the client. Without moves at most {still:F2} ms;");
        Print($"around a move: median {Statistics.Median(perMove):F2} ms, at most {perMove.Max():F2} ms; in the first {WarmUpMoves} moves (left out) {warmUp:F2} ms.");
        foreach (var move in failed.GroupBy(move => $"{move.Result.Outcome}: {move.Result.Reason}"))
        {
            Print($"not moved: {move.Count()} ({move.Key})");
        }

        return string.Create(
            CultureInfo.InvariantCulture,
            $"gap_max_ms={moving:F2} path_rtt_ms={rtt.TotalMilliseconds:F2} download_move_p50_us={moveTime:F0} freeze_p50_us={freeze:F0} moves={moves.Count - failed.Count}");
    }

    private static double Longest(List<Gap> gaps, Func<Gap, bool> filter) =>
        gaps.Where(filter).Select(gap => gap.Milliseconds).DefaultIfEmpty(double.NaN).Max();

    private static void Print(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));

    private sealed record Move(Instant From, Instant To, MoveResult Result);

    private sealed record DownloadRun(List<Move> Moves, Instant StillFrom, TimeSpan Time, long Bytes);
}
