using System.Globalization;

namespace Baton.Bench.Machine;

/// <summary>Measures how busy the machine's other processes keep it.</summary>
internal sealed class OthersMeter
{
    private const double TicksPerSecond = 100;

    private double _others = Others();
    private long _at = Environment.TickCount64;

    /// <summary>Percent of a core that other processes have used since the last call.</summary>
    public double Measure()
    {
        double others = Others();
        long at = Environment.TickCount64;
        double percent = 100 * 1000 * (others - _others) / Math.Max(1, at - _at);
        (_others, _at) = (others, at);
        return Math.Max(0, percent);
    }

    /// <summary>Seconds that processes other than this one have run: user, nice and system time in /proc/stat.</summary>
    private static double Others()
    {
        string[] all = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        double ticks = all[1..4].Sum(field => double.Parse(field, CultureInfo.InvariantCulture));
        return ticks / TicksPerSecond - Environment.CpuUsage.TotalTime.TotalSeconds;
    }
}
