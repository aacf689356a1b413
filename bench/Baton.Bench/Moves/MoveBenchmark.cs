using System.Globalization;
using Baton.Bench.Machine;

namespace Baton.Bench.Moves;

/// <summary>
/// What moving a connection costs, side by side: the own side's handoff, and one that is made of what the kernel has
/// (TCP_REPAIR, an image over TCP, steering by nftables). Both have two nodes in processes of their own, a thread and a
/// core each, and a client.
/// </summary>
internal static class MoveBenchmark
{
    private const int Early = 800;
    private static readonly int[] s_queued = [0, 16 << 10, 64 << 10, 128 << 10];
    private static readonly TimeSpan s_period = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan s_askedPeriod = TimeSpan.FromMilliseconds(4);

    /// <summary>Runs it and gives its figures.</summary>
    /// <param name="quick">Fewer moves.</param>
    /// <param name="isSealed">The own side's channel is sealed.</param>
    /// <param name="pictures">Where to put the histograms; null for nowhere.</param>
    public static string Run(bool quick, bool isSealed, string? pictures)
    {
        int moves = quick ? 600 : 4000, warmUp = quick ? 200 : 500;
        List<Moved> own = [], kernel = [];
        List<(Moved Moved, double[] AtRest)> asked = [], kernelAsked = [];
        double ownDrain, kernelDrain, kept;
        using (var side = new OwnSide(isSealed))
        {
            using (new AwakeCores())
            {
                MoveAll(side, warmUp, moves, own);
                foreach (int queued in s_queued)
                {
                    asked.Add(side.MoveAsked(queued, queued == 0 ? warmUp : warmUp / 4, queued == 0 ? moves : moves / 2, s_askedPeriod, TimeSpan.FromSeconds(quick ? 0.5 : 5)));
                }
            }

            ownDrain = side.Drain(quick ? 2000 : 5000);
            kept = Download(side, quick ? 1 : 5);
        }

        using (var side = new KernelSide())
        {
            using (new AwakeCores())
            {
                MoveAll(side, warmUp, moves, kernel);
            }

            foreach (int queued in s_queued)
            {
                kernelAsked.Add(side.MoveAsked(queued, 2, quick ? queued == 0 ? 8 : 4 : 100, TimeSpan.FromMilliseconds(250), TimeSpan.FromSeconds(quick ? 0.5 : 1)));
            }

            kernelDrain = side.Drain(2000);
        }

        for (int i = 0; i < s_queued.Length; i++)
        {
            Print($"{s_queued[i] >> 10} KiB queued each way, {own[i].Whole.Length} moves from the home, {own[i].Failed} tries failed {own[i].Why} (kernel {kernel[i].Whole.Length}), µs p50/p99:");
            Print($"  freeze to active  {Two(own[i].Freeze)}, kernel {Two(kernel[i].Freeze)}: {Median(own[i].Freeze) / Median(kernel[i].Freeze):F2}");
            Print($"    of it: until the target has the state {Two(own[i].Steps[0])}, has made a connection of it {Two(own[i].Steps[1])}, the home has decided {Two(own[i].Steps[2])}, the target serves {Two(own[i].Steps[3])}");
            Print($"  whole move        {Two(own[i].Whole)} ({own[i].Collected}), kernel {Two(kernel[i].Whole)}: {Median(own[i].Whole) / Median(kernel[i].Whole):F2}");
            Print($"  export and import {Two(own[i].Cpu)}, kernel {Two(kernel[i].Cpu)}; the kernel's steering {Two(kernel[i].Steering)}, twice");
        }

        for (int i = 0; i < s_queued.Length; i++)
        {
            Print($"Gaps of a client that asks all the time, {s_queued[i] >> 10} KiB queued each way, µs p50/p99/most: {Three(asked[i].Moved.Gap)}, without moves {Three(asked[i].AtRest)}; {asked[i].Moved.Failed} failed, {asked[i].Moved.Collected}");
            Print($"  kernel {Three(kernelAsked[i].Moved.Gap)}, without moves {Three(kernelAsked[i].AtRest)}");
        }

        Print($"Drained per second: {ownDrain:F0}, kernel {kernelDrain:F0}");
        if (pictures is not null)
        {
            Histogram.Write(Path.Combine(pictures, "handoff-freeze.svg"), "freeze to active, µs", [("0 KiB", own[0].Freeze), ("128 KiB", own[3].Freeze), ("kernel, 0 KiB", kernel[0].Freeze), ("kernel, 128 KiB", kernel[3].Freeze)]);
            Histogram.Write(Path.Combine(pictures, "handoff-move.svg"), "whole move, µs", [("0 KiB", own[0].Whole), ("128 KiB", own[3].Whole), ("kernel, 0 KiB", kernel[0].Whole), ("kernel, 128 KiB", kernel[3].Whole)]);
            Histogram.Write(Path.Combine(pictures, "handoff-gap.svg"), "an active client's longest gap around a move, µs", [("0 KiB", asked[0].Moved.Gap), ("128 KiB", asked[3].Moved.Gap), ("without moves", asked[0].AtRest), ("kernel", kernelAsked[0].Moved.Gap)]);
        }

        return string.Create(
            CultureInfo.InvariantCulture,
            $"figures: move_p50_us={Median(own[0].Whole):F1} kernel_move_p50_us={Median(kernel[0].Whole):F1} freeze_0k_us={Median(own[0].Freeze):F1} freeze_128k_us={Median(own[3].Freeze):F1} gap_p99_us={Percentile(asked[0].Moved.Gap, 0.99):F0} drained_per_s={ownDrain:F0} kept_at_1000={kept:F3}");
    }

    /// <summary>Moves with each of the lengths queued.</summary>
    private static void MoveAll(Side side, int warmUp, int moves, List<Moved> results)
    {
        // What is done seldom is compiled in some hundreds of moves, and the processor knows none of it at first.
        side.MoveFilled(0, warmUp, Early, s_period);
        foreach (int queued in s_queued)
        {
            results.Add(side.MoveFilled(queued, warmUp, moves, s_period));
        }
    }

    /// <summary>A download at rest at both nodes and while it moves a thousand times a second: the share that is kept.</summary>
    private static double Download(Side side, int seconds)
    {
        var time = TimeSpan.FromSeconds(seconds);
        side.SetMode(MoverMode.Source);
        var socket = side.Connect();
        var reader = new PacedReader(socket);
        Thread.Sleep(200);
        double first = reader.Measure(time);
        side.Move(1, s_period);
        double second = reader.Measure(time);
        int count = 1000 * 2 * seconds;
        var moving = Task.Run(() => side.Move(count + 1, s_period));
        double rate = reader.Measure(2 * time);
        var moved = moving.GetAwaiter().GetResult();
        reader.Stop();
        socket.Reset();
        side.Forget();
        double kept = rate / ((first + second) / 2);
        Print($"A download of at most 5 Gbit/s: {first / 1e9:F2} at rest at its home, {second / 1e9:F2} at the other node, {rate / 1e9:F2} while it moves {moved.PerSecond:F0} times a second ({moved.Failed} tries failed{(moved.Failed > 0 ? ": " + moved.Why : "")})");
        return kept;
    }

    private static double Median(double[] values) => Statistics.Median(values);

    private static double Percentile(double[] values, double share)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length == 0 ? double.NaN : sorted[Math.Min(sorted.Length - 1, (int)(sorted.Length * share))];
    }

    private static string Two(double[] values) => string.Create(CultureInfo.InvariantCulture, $"{Median(values):F1}/{Percentile(values, 0.99):F1}");

    private static string Three(double[] values) =>
        string.Create(CultureInfo.InvariantCulture, $"{Median(values):F0}/{Percentile(values, 0.99):F0}/{values.DefaultIfEmpty(double.NaN).Max():F0}");

    private static void Print(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));
}
