using System.Diagnostics;
using System.Globalization;
using System.Net;
using Baton.Bench.Own;

namespace Baton.Bench;

/// <summary>
/// How long garbage collections stop a node that is under load without a pause: uploads, downloads, requests on one and on
/// 64 connections, and new connections, in turn. The client's collections are in it, since it is the same process.
/// </summary>
internal static class PauseRun
{
    private const int Parallel = 64;
    private static readonly TimeSpan s_turn = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_most = TimeSpan.FromMilliseconds(1);

    /// <summary>Runs it and returns the figures.</summary>
    public static string Measure(Client client, ShardServer own, IPAddress server, TimeSpan time)
    {
        Func<Measurement>[] loads =
        [
            () => client.Upload(server, s_turn),
            () => client.Download(server, s_turn),
            () => client.RequestResponse(server, s_turn),
            () => client.ParallelRequests(server, Parallel, s_turn),
            () => client.Connections(server, s_turn),
        ];
        foreach (var load in loads)
        {
            // What fills the pools and compiles the code is no steady load.
            load();
        }

        var before = own.Usage();
        using var stop = new CancellationTokenSource();
        long start = Stopwatch.GetTimestamp();
        var watching = Task.Factory.StartNew(() => Watch(start, stop.Token), stop.Token, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        for (int turn = 0; Stopwatch.GetElapsedTime(start) < time; turn++)
        {
            loads[turn % loads.Length]();
        }

        stop.Cancel();
        var pauses = watching.GetAwaiter().GetResult();
        var after = own.Usage();
        double longest = pauses.Count == 0 ? 0 : pauses.Max(pause => pause.Length).TotalMilliseconds;
        var above = pauses.Where(pause => pause.Length > s_most).ToList();
        double minutes = Stopwatch.GetElapsedTime(start).TotalMinutes;
        Print($"{pauses.Count} collections in {minutes:F1} minutes under load, the longest pause {longest:F2} ms,");
        Print($"{above.Count} above 1 ms (at {string.Join(", ", above.Select(pause => FormattableString.Invariant($"{pause.At.TotalSeconds:F0}")))} s); the shard's thread allocated {after.Allocated - before.Allocated} bytes for {after.Frames - before.Frames} frames.");
        return FormattableString.Invariant($"gc_pause_max_ms={longest:F2} gc_collections={pauses.Count} gc_minutes={minutes:F1}");
    }

    /// <summary>The pause of each collection: looked for each millisecond, without allocating.</summary>
    private static List<(TimeSpan At, TimeSpan Length)> Watch(long start, CancellationToken stop)
    {
        var pauses = new List<(TimeSpan At, TimeSpan Length)>(1 << 16);
        int collections = GC.CollectionCount(0);
        var total = GC.GetTotalPauseDuration();
        while (!stop.IsCancellationRequested)
        {
            Thread.Sleep(1);
            if (GC.CollectionCount(0) is var now && now != collections)
            {
                var sum = GC.GetTotalPauseDuration();
                pauses.Add((Stopwatch.GetElapsedTime(start), sum - total));
                (collections, total) = (now, sum);
            }
        }

        return pauses;
    }

    private static void Print(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));
}
