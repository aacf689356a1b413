using System.Diagnostics;

namespace Baton.Engine;

/// <summary>Measures the process's processor time, smoothed: what a moment needs is no reason to send connections elsewhere.</summary>
internal sealed class ProcessorMeter
{
    private static readonly TimeSpan s_memory = TimeSpan.FromSeconds(2);

    private double _average;
    private TimeSpan _used = Environment.CpuUsage.TotalTime;
    private long _at = Stopwatch.GetTimestamp();

    /// <summary>Thousandths of one core used of late: a moving average in which what is two seconds old weighs 1/e.</summary>
    public uint Measure()
    {
        var used = Environment.CpuUsage.TotalTime;
        long at = Stopwatch.GetTimestamp();
        double elapsed = Stopwatch.GetElapsedTime(_at, at).TotalSeconds;
        if (elapsed > 0)
        {
            double busy = (used - _used).TotalSeconds / elapsed;
            _average += (Math.Clamp(busy, 0, Environment.ProcessorCount) - _average) * (1 - Math.Exp(-elapsed / s_memory.TotalSeconds));
            _used = used;
            _at = at;
        }

        return (uint)(1000 * _average);
    }
}
