using System.Diagnostics;
using Baton.Wire;

namespace Baton.Link;

/// <summary>The machine's monotonic clock (CLOCK_MONOTONIC) as <see cref="Instant"/>: the same origin in all processes.</summary>
public static class MonotonicClock
{
    private static readonly double s_ticksPerCount = (double)TimeSpan.TicksPerSecond / Stopwatch.Frequency;

    /// <summary>The time now.</summary>
    public static Instant Now
    {
        get
        {
            long count = Stopwatch.GetTimestamp();

            // Linux counts nanoseconds; other frequencies lose nothing that matters at 100 ns.
            return new(Stopwatch.Frequency == 1_000_000_000 ? count / 100 : (long)(count * s_ticksPerCount));
        }
    }
}
