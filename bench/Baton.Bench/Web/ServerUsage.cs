using System.Globalization;

namespace Baton.Bench.Web;

/// <summary>What the server's process has used.</summary>
/// <param name="Allocated">Bytes that it has allocated since its start.</param>
/// <param name="Heap">Bytes of its managed heap now.</param>
/// <param name="Processor">Ticks of processor time that it has used since its start.</param>
internal readonly record struct ServerUsage(long Allocated, long Heap, long Processor)
{
    /// <summary>Measures this process.</summary>
    public static ServerUsage Measure(bool collects)
    {
        if (collects)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            GC.Collect();
        }

        return new(GC.GetTotalAllocatedBytes(precise: true), GC.GetTotalMemory(forceFullCollection: false), Environment.CpuUsage.TotalTime.Ticks);
    }

    /// <summary>Reads what <see cref="ToString"/> wrote.</summary>
    public static ServerUsage Parse(string line)
    {
        long[] numbers = [.. line.Split(' ').Select(number => long.Parse(number, CultureInfo.InvariantCulture))];
        return new(numbers[0], numbers[1], numbers[2]);
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Allocated} {Heap} {Processor}");
}
