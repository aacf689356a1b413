using System.Diagnostics;
using Baton.Bench.Machine;

namespace Baton.Bench;

/// <summary>One benchmark: a measurement of the kernel and one of the own stack.</summary>
/// <param name="Name">What is measured, for people.</param>
/// <param name="Unit">The unit of <paramref name="Scale"/>'s result.</param>
/// <param name="Scale">What one unit is, in what measurements count.</param>
/// <param name="Kernel">Measures the kernel for a time.</param>
/// <param name="Own">Measures the own stack for a time.</param>
/// <param name="KernelFloor">What the kernel must reach for a round to count, in what measurements count; 0 for anything.</param>
internal sealed record Benchmark(
    string Name, string Unit, double Scale, Func<TimeSpan, Measurement> Kernel, Func<TimeSpan, Measurement> Own, double KernelFloor = 0);

/// <summary>The kernel and the own stack, one right after the other.</summary>
/// <param name="Kernel">The kernel's measurement.</param>
/// <param name="Own">The own stack's.</param>
/// <param name="Others">Percent of a core that other processes used meanwhile.</param>
internal readonly record struct Round(Measurement Kernel, Measurement Own, double Others);

/// <summary>
/// Repeats a benchmark until enough rounds count: those before, amid and after which the machine is as it should be (see
/// <see cref="MachineState"/>), and in which the kernel reaches its floor. Others are printed and left out.
/// </summary>
internal sealed class Rounds(int wanted, TimeSpan time, TimeSpan budget)
{
    /// <summary>The rounds that count; none when the machine was never quiet.</summary>
    public IReadOnlyList<Round> Run(Benchmark benchmark)
    {
        var counted = new List<Round>();
        long start = Stopwatch.GetTimestamp();
        var before = MachineState.Measure();
        var meter = new OthersMeter();
        while (counted.Count < wanted && Stopwatch.GetElapsedTime(start) < budget)
        {
            var kernel = benchmark.Kernel(time);
            var amid = MachineState.Measure();
            var own = benchmark.Own(time);
            var after = MachineState.Measure();
            string? trouble = before.Trouble ?? amid.Trouble ?? after.Trouble
                ?? (kernel.Rate < benchmark.KernelFloor ? "the kernel is below its floor" : null);
            before = after;
            double others = meter.Measure();
            if (trouble is null)
            {
                counted.Add(new(kernel, own, others));
            }
            else
            {
                Console.WriteLine($"left out: {benchmark.Name}: kernel {kernel.Rate / benchmark.Scale:F1}, own {own.Rate / benchmark.Scale:F1} {benchmark.Unit}: {trouble}; others {others:F0} %");
            }
        }

        return counted;
    }
}
