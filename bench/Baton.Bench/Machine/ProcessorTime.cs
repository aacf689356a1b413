using System.Globalization;

namespace Baton.Bench.Machine;

/// <summary>What processes and their eBPF programs have used of the processors.</summary>
internal static class ProcessorTime
{
    /// <summary>All threads of a process that run: the first number of schedstat, in nanoseconds.</summary>
    public static TimeSpan OfProcess(int process) => Nanoseconds(Directory.GetDirectories($"/proc/{process}/task")
        .Sum(thread => double.Parse(File.ReadAllText($"{thread}/schedstat").Split(' ')[0], CultureInfo.InvariantCulture)));

    /// <summary>A process and those that it has started.</summary>
    public static TimeSpan OfFamily(int process)
    {
        var children = File.ReadAllText($"/proc/{process}/task/{process}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return children.Select(child => int.Parse(child, CultureInfo.InvariantCulture)).Aggregate(OfProcess(process), (sum, child) => sum + OfFamily(child));
    }

    /// <summary>The eBPF programs that a process has open, for as long as the kernel has measured them.</summary>
    public static TimeSpan OfPrograms(int process) => Nanoseconds(Directory.GetFiles($"/proc/{process}/fdinfo")
        .SelectMany(File.ReadLines)
        .Where(line => line.StartsWith("run_time_ns:", StringComparison.Ordinal))
        .Sum(line => double.Parse(line.Split('\t')[1], CultureInfo.InvariantCulture)));

    private static TimeSpan Nanoseconds(double nanoseconds) => TimeSpan.FromMicroseconds(nanoseconds / 1000);
}
