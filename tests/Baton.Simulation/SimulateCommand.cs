using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace Baton.Simulation;

/// <summary><c>./build simulate</c>: many seeds, in turn, on two threads. Each farm is used by one.</summary>
internal static class SimulateCommand
{
    private const int Threads = 2;
    private const int MaxFailuresShown = 100;
    private const int SeedsPerReport = 10_000;

    private static readonly TimeSpan s_quick = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_progress = TimeSpan.FromSeconds(10);

    public static int Run(string[] args)
    {
        if (SimulateOptions.Parse(args) is not { } options)
        {
            Console.Error.WriteLine(SimulateOptions.Usage);
            return 2;
        }

        return options.SingleFaults ? RunSingleFaults(options) : options.Shrink ? Shrink(options) : Run(options);
    }

    private static int Run(SimulateOptions options)
    {
        var totals = new Totals();
        var failures = new ConcurrentBag<SimulationResult>();
        long next = -1;
        int done = 0;
        var watch = Stopwatch.StartNew();
        var reported = TimeSpan.Zero;
        var threads = Enumerable.Range(0, Math.Min(Threads, options.Seeds)).Select(_ => new Thread(() =>
        {
            while (!(options.Quick && watch.Elapsed > s_quick) && Interlocked.Increment(ref next) is var index && index < options.Seeds)
            {
                var result = SimulationRun.Run(
                    options.Crashes ? Scenario.SeedWithStrikes(options.First, index) : options.First + (ulong)index,
                    trace: options.Trace ? Console.Out : null,
                    limits: options.Limits,
                    form: options.Form);
                lock (totals)
                {
                    totals.Add(result.Totals);
                    done++;
                    if (result.Failure is not null)
                    {
                        failures.Add(result);
                        if (failures.Count <= MaxFailuresShown)
                        {
                            Console.WriteLine($"seed {result.Seed} {result.Failure}\n  replay: ./build simulate --seed {result.Seed}{options.FormFlag}{options.Limits} (--shrink makes it shorter)");
                        }
                    }

                    if (done % SeedsPerReport == 0 && done < options.Seeds)
                    {
                        Console.WriteLine(Report(done, failures.Count, watch.Elapsed, totals));
                    }

                    if (!options.IsLong && watch.Elapsed - reported > s_progress)
                    {
                        reported = watch.Elapsed;
                        Console.WriteLine(string.Create(
                            CultureInfo.InvariantCulture, $"{done} of {options.Seeds} seeds, {failures.Count} failed, {done / watch.Elapsed.TotalSeconds:0.0} a second"));
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

        foreach (string missing in options.Crashes ? [] : totals.Missing(done))
        {
            failed++;
            Console.WriteLine($"never met: {missing}");
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"figures: passed={done - failures.Count} failed={failed} open=0"));
        return failed == 0 ? 0 : 1;
    }

    /// <summary>A line of a long run: enough to see that it meets what it is for.</summary>
    private static string Report(int done, int failed, TimeSpan elapsed, Totals totals) => string.Create(
        CultureInfo.InvariantCulture,
        $"{done} seeds in {elapsed.TotalSeconds:0} s, {failed} failed, {done / elapsed.TotalSeconds:0.0} a second; {totals.Summary}, {GC.GetTotalMemory(false) >> 20} MiB");

    /// <summary>Runs every single fault, and prints the table of outcomes as the specification shows it.</summary>
    private static int RunSingleFaults(SimulateOptions options)
    {
        var watch = Stopwatch.StartNew();
        var table = FaultTable.Make(options.Quick ? FaultTable.QuickKinds : FaultTable.AllKinds, Threads);
        Console.WriteLine(table);
        table.Failures.ForEach(Console.WriteLine);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{table.Runs} runs in {watch.Elapsed.TotalSeconds:0.0} s"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"figures: passed={table.Runs - table.Failures.Count} failed={table.Failures.Count} open=0"));
        return table.Failures.Count == 0 ? 0 : 1;
    }

    /// <summary>Makes one seed shorter, and says how to replay what is left.</summary>
    private static int Shrink(SimulateOptions options)
    {
        ulong seed = options.First;
        int runs = 0;
        SimulationResult? shortest = null;
        bool Fails(RunLimits limits)
        {
            runs++;
            var result = SimulationRun.Run(seed, limits: limits, form: options.Form);
            shortest = result.Failure is null ? shortest : result;
            return result.Failure is not null;
        }

        if (Shrinker.Shrink(Fails) is not { } limits)
        {
            Console.WriteLine($"seed {seed} does not fail");
            Console.WriteLine("figures: passed=1 failed=0 open=0");
            return 0;
        }

        Console.WriteLine($"seed {seed}{limits} {shortest!.Failure}\n  after {runs} runs; replay: ./build simulate --seed {seed}{options.FormFlag}{limits}");
        Console.WriteLine("figures: passed=0 failed=1 open=0");
        return 1;
    }
}
