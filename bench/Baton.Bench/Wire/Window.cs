using System.Diagnostics;

namespace Baton.Bench.Wire;

/// <summary>The times of one measurement.</summary>
internal static class Window
{
    private static readonly TimeSpan s_ramp = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_time = TimeSpan.FromMilliseconds(150);

    /// <summary>How fast a counter rises that somebody else moves on.</summary>
    public static double RateOf(Func<long> count)
    {
        Thread.Sleep(s_ramp);
        long before = count(), start = Stopwatch.GetTimestamp();
        Thread.Sleep(s_time);
        return (count() - before) / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>Frames a second that were sent while a receiver ran, and that it has dealt with.</summary>
    public static (double Sent, double Done) RatesOf(LiveFrames frames, IWireReceiver receiver)
    {
        Run(receiver, s_ramp);
        long sent = frames.Sent, done = receiver.Done, start = Stopwatch.GetTimestamp();
        Run(receiver, s_time);
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        return ((frames.Sent - sent) / seconds, (receiver.Done - done) / seconds);
    }

    private static void Run(IWireReceiver receiver, TimeSpan time)
    {
        const int bursts = 64;
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < time)
        {
            for (int i = 0; i < bursts; i++)
            {
                receiver.Run();
            }
        }
    }
}
