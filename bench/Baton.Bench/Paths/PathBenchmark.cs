using System.Globalization;
using Baton.Bench.Machine;
using Baton.Link;
using Baton.Tcp;

namespace Baton.Bench.Paths;

/// <summary>The own stack as a sender over long and bad paths, beside the kernel as a sender over the same ones.</summary>
internal static class PathBenchmark
{
    private const double Megabit = 1e6;
    private const ulong FirstSeed = 1;

    // So many connections at once make the mean of what chance does to one of them; together they need an eighth of the path.
    private const int LossyFlows = 24;
    private const int CarriedFlows = 8;

    /// <summary>1 Gbit/s, 100 ms, a queue of as much as the path holds.</summary>
    private static readonly FaultProfile s_wide = new() { Bandwidth = 1_000_000_000, Delay = TimeSpan.FromMilliseconds(50), QueueBytes = 12_500_000 };

    private static readonly FaultProfile s_lossy = s_wide with { Loss = 0.001 };

    /// <summary>10 Mbit/s, 40 ms, a queue of a second.</summary>
    private static readonly FaultProfile s_bloated = new() { Bandwidth = 10_000_000, Delay = TimeSpan.FromMilliseconds(20), QueueBytes = 1_250_000 };

    // Without limits of its own, BBR takes all of a path and much of the machine: it goes alone.
    private static readonly Case[] s_cases =
    [
        new("path_cubic", s_lossy, CongestionAlgorithm.Cubic, LossyFlows, WarmUp: 15, Alone: false),
        new("path_reno", s_lossy, CongestionAlgorithm.NewReno, LossyFlows, WarmUp: 15, Alone: false),
        new("bloat_cubic", s_bloated, CongestionAlgorithm.Cubic, 1, WarmUp: 0, Alone: false),
        new("bloat_reno", s_bloated, CongestionAlgorithm.NewReno, 1, WarmUp: 0, Alone: false),
        new("bloat_bbr", s_bloated, CongestionAlgorithm.Bbr, 1, WarmUp: 0, Alone: false),
        new("path_bbr", s_lossy, CongestionAlgorithm.Bbr, 1, WarmUp: 4, Alone: true),
    ];

    /// <summary>Runs all of it, or some, and prints table and figures.</summary>
    public static async Task<int> RunAsync(bool quick, string? only)
    {
        int seconds = quick ? 20 : 40;
        int rounds = quick ? 1 : 5;
        Console.WriteLine("Kernel and own stack send to the same client of the kernel's, each through a relay of its own with the same profile and seed:");
        Console.WriteLine("at the same time, but BBR over the wide path one after the other. Mbit/s of payload, every byte compared.");
        double carried = await CarriedAsync();
        Print($"Without loss the relay carries {carried:F0} Mbit/s of payload from the kernel (1 Gbit/s of frames are 957).");
        Print($"{"",-14}{"connections",12}{"kernel",10}{"own",10}{"ratio",8}{"rounds",8}");
        var cases = s_cases.Where(one => only is null || only.Split(',').Contains(one.Figure)).ToList();
        List<Result> results = [.. await Task.WhenAll(cases.Where(one => !one.Alone).Select(one => MeasureAsync(one, rounds, seconds)))];
        foreach (var one in cases.Where(one => one.Alone))
        {
            results.Add(await MeasureAsync(one, rounds, seconds / 2));
        }

        foreach (var result in results)
        {
            Print($"{result.Case.Figure,-14}{result.Case.Flows,12}{result.Kernel / Megabit,10:F2}{result.Own / Megabit,10:F2}{result.Ratio,8:F2}{rounds,8}");
        }

        Print($"figures: {string.Join(' ', results.Select(result => string.Create(CultureInfo.InvariantCulture, $"{result.Case.Figure}={result.Ratio:F2}")))} relay_mbit={carried:F0}");
        return 0;
    }

    /// <summary>What the relay lets through where nothing is lost at random, in Mbit/s.</summary>
    private static async Task<double> CarriedAsync()
    {
        await using var path = new LongPath(s_wide, FirstSeed, CongestionAlgorithm.Cubic);
        return (await path.FromKernelAsync(CarriedFlows, TimeSpan.FromSeconds(6), TimeSpan.FromSeconds(3))) / Megabit;
    }

    /// <summary>The medians of several rounds, each with a seed of its own.</summary>
    private static async Task<Result> MeasureAsync(Case one, int rounds, int seconds)
    {
        var warmUp = TimeSpan.FromSeconds(one.WarmUp);
        var time = TimeSpan.FromSeconds(seconds);
        var kernel = new List<double>();
        var own = new List<double>();
        for (int round = 0; round < rounds; round++)
        {
            ulong seed = FirstSeed + (ulong)round;
            await using var first = new LongPath(one.Profile, seed, one.Congestion);
            await using var second = new LongPath(one.Profile, seed, one.Congestion);
            var measuring = first.FromKernelAsync(one.Flows, warmUp, time);
            if (one.Alone)
            {
                await measuring;
            }

            own.Add(await second.FromOwnAsync(one.Flows, warmUp, time));
            kernel.Add(await measuring);
        }

        return new(one, Statistics.Median(kernel), Statistics.Median(own), Statistics.Median(own.Zip(kernel, static (ours, theirs) => ours / theirs)));
    }

    private static void Print(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));

    /// <summary>One comparison.</summary>
    /// <param name="Figure">Its name.</param>
    /// <param name="Profile">The path.</param>
    /// <param name="Congestion">The senders' control.</param>
    /// <param name="Flows">Connections at once.</param>
    /// <param name="WarmUp">Seconds that do not count, in which the first slow start and what it lost pass.</param>
    /// <param name="Alone">Whether nothing else is measured meanwhile.</param>
    private sealed record Case(string Figure, FaultProfile Profile, CongestionAlgorithm Congestion, int Flows, int WarmUp, bool Alone);

    /// <summary>Medians in bits a second.</summary>
    private sealed record Result(Case Case, double Kernel, double Own, double Ratio);
}
