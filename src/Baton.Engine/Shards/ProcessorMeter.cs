using System.Diagnostics;

namespace Baton.Engine;

/// <summary>Measures the process's processor time between two calls.</summary>
internal sealed class ProcessorMeter
{
    private TimeSpan _used = Environment.CpuUsage.TotalTime;
    private long _at = Stopwatch.GetTimestamp();

    /// <summary>Thousandths of one core used since the last call.</summary>
    public uint Measure()
    {
        var used = Environment.CpuUsage.TotalTime;
        long at = Stopwatch.GetTimestamp();
        double elapsed = Stopwatch.GetElapsedTime(_at, at).TotalSeconds;
        double busy = (used - _used).TotalSeconds;
        _used = used;
        _at = at;
        return elapsed <= 0 ? 0 : (uint)Math.Clamp(1000 * busy / elapsed, 0, 1000 * Environment.ProcessorCount);
    }
}
