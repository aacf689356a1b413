using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace Baton.Simulation;

/// <summary><c>./build simulate</c>: many seeds, in turn, on two threads. Each farm is used by one.</summary>
internal static class SimulateCommand
{
    private const int DefaultSeeds = 10_000;

    private const int Threads = 2;
    private const int MaxFailuresShown = 100;

    private static readonly TimeSpan s_quick = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_progress = TimeSpan.FromSeconds(10);

    public static int Run(string[] args)
    {
        if (!TryParse(args, out var first, out int seeds, out bool quick, out bool trace, out bool crashes))
        {
            Console.Error.WriteLine("usage: simulate [--seeds N] [--seed S [--trace]] [--crashes] [--quick]");
            return 2;
        }

        var totals = new Totals();
        var failures = new ConcurrentBag<SimulationResult>();
        long next = -1;
        int done = 0;
        var watch = Stopwatch.StartNew();
        var reported = TimeSpan.Zero;
        var threads = Enumerable.Range(0, Math.Min(Threads, seeds)).Select(_ => new Thread(() =>
        {
            while (!(quick && watch.Elapsed > s_quick) && Interlocked.Increment(ref next) is var index && index < seeds)
            {
                var result = SimulationRun.Run(crashes ? Scenario.SeedWithStrikes(first, index) : first + (ulong)index, trace: trace && seeds == 1 ? Console.Out : null);
                lock (totals)
                {
                    totals.Add(result.Totals);
                    done++;
                    if (result.Failure is not null)
                    {
                        failures.Add(result);
                        if (failures.Count <= MaxFailuresShown)
                        {
                            Console.WriteLine($"seed {result.Seed} {result.Failure}\n  replay: ./build simulate --seed {result.Seed}");
                        }
                    }

                    if (watch.Elapsed - reported > s_progress)
                    {
                        reported = watch.Elapsed;
                        Console.WriteLine(string.Create(
                            CultureInfo.InvariantCulture, $"{done} of {seeds} seeds, {failures.Count} failed, {done / watch.Elapsed.TotalSeconds:0.0} a second"));
                    }
                }
            }
        })).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());

        int failed = failures.Count;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{done} seeds in {watch.Elapsed.TotalSeconds:0.0} s"));
        foreach (var line in totals.Lines)
        {
            Console.WriteLine("  " + line);
        }

        foreach (string missing in crashes ? [] : totals.Missing(done))
        {
            failed++;
            Console.WriteLine($"never met: {missing}");
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"figures: passed={done - failures.Count} failed={failed} open=0"));
        return failed == 0 ? 0 : 1;
    }

    private static bool TryParse(string[] args, out ulong first, out int seeds, out bool quick, out bool trace, out bool crashes)
    {
        first = 1;
        seeds = DefaultSeeds;
        quick = false;
        trace = false;
        crashes = false;
        bool counted = false;
        for (int i = 0; i < args.Length; i++)
        {
            string value = i + 1 < args.Length ? args[i + 1] : "";
            switch (args[i])
            {
                case "--trace":
                    trace = true;
                    break;
                case "--crashes":
                    crashes = true;
                    break;
                case "--quick":
                    quick = true;
                    break;
                case "--seed" when ulong.TryParse(value, CultureInfo.InvariantCulture, out first):
                    seeds = counted ? seeds : 1;
                    i++;
                    break;
                case "--seeds" when int.TryParse(value, CultureInfo.InvariantCulture, out seeds) && seeds > 0:
                    counted = true;
                    i++;
                    break;
                default:
                    return false;
            }
        }

        return true;
    }
}
