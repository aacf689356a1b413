using System.ComponentModel;
using System.Diagnostics;

namespace Baton.Bench.Machine;

/// <summary>The two cores that every benchmark uses: one for the server under test, one for the client.</summary>
internal static unsafe class Cores
{
    public const int Server = 0;
    public const int Client = 1;

    /// <summary>A cache line's round trip beyond which the machine is in its slow phase, in nanoseconds.</summary>
    public const double RoundTripLimit = 200;

    private const int Batches = 21;
    private const int TripsPerBatch = 1000;

    /// <summary>
    /// Keeps the calling thread on one core, ahead of the machine's other threads where that is allowed (it is to root):
    /// what is measured is not how busy they are.
    /// </summary>
    /// <param name="core">Which.</param>
    /// <param name="priority">Above those of a lower one on the same core.</param>
    public static void Pin(int core, int priority = 1)
    {
        Keep(core);
        Hurry(priority);
    }

    /// <summary>Keeps the calling thread on one core.</summary>
    public static void Keep(int core)
    {
        ulong mask = 1UL << core;
        if (Libc.SetAffinity(0, sizeof(ulong), &mask) != 0)
        {
            throw new Win32Exception(Libc.LastError, $"core {core} cannot be used");
        }
    }

    /// <summary>Runs <paramref name="action"/> on a thread of its own, kept on one core.</summary>
    public static Task<T> RunOn<T>(int core, string name, Func<T> action) => RunOn(name, action, () => Pin(core));

    /// <summary>Runs <paramref name="action"/> on a thread of its own, on any core, ahead of the machine's other threads, those of <see cref="RunOn{T}(int, string, Func{T})"/> too.</summary>
    public static Task<T> RunAhead<T>(string name, Func<T> action) => RunOn(name, action, () => Hurry(2));

    private static Task<T> RunOn<T>(string name, Func<T> action, Action prepare)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(() =>
        {
            try
            {
                prepare();
                done.SetResult(action());
            }
#pragma warning disable CA1031 // Whoever awaits the task gets it.
            catch (Exception e)
#pragma warning restore CA1031
            {
                done.SetException(e);
            }
        })
        {
            Name = name,
            IsBackground = true,
        };
        thread.Start();
        return done.Task;
    }

    /// <summary>The round trip of a cache line between the two cores in nanoseconds: the median of short batches.</summary>
    public static double MeasureRoundTrip()
    {
        var line = new Line();
        var other = RunOn(Client, "round trip", () =>
        {
            for (int trip = 1; trip <= Batches * TripsPerBatch; trip++)
            {
                while (Volatile.Read(ref line.There) != trip)
                {
                }

                Volatile.Write(ref line.Back, trip);
            }

            return true;
        });
        var batches = RunOn(Server, "round trip", () =>
        {
            double[] nanoseconds = new double[Batches];
            int trip = 0;
            for (int batch = 0; batch < Batches; batch++)
            {
                long start = Stopwatch.GetTimestamp();
                for (int i = 0; i < TripsPerBatch; i++)
                {
                    Volatile.Write(ref line.There, ++trip);
                    while (Volatile.Read(ref line.Back) != trip)
                    {
                    }
                }

                nanoseconds[batch] = Stopwatch.GetElapsedTime(start).TotalNanoseconds / TripsPerBatch;
            }

            return nanoseconds;
        }).GetAwaiter().GetResult();
        other.GetAwaiter().GetResult();
        return Statistics.Median(batches);
    }

    /// <summary>
    /// Runs the calling thread ahead of the machine's other threads, where that is allowed. The kernel stops one that does not
    /// sleep for 5 % of each second (sched_rt_runtime_us) for 50 ms.
    /// </summary>
    /// <param name="priority">Above those of a lower one on the same core; 0 takes turns with all others.</param>
    public static void Hurry(int priority) => _ = Libc.SetScheduler(0, priority == 0 ? Libc.SCHED_OTHER : Libc.SCHED_FIFO, &priority);

    // The two counters share one cache line, so that a round trip is two transfers of it.
    private sealed class Line
    {
        public int There;
        public int Back;
    }
}
