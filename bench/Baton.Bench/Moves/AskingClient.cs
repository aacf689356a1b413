using System.Diagnostics;
using Baton.Bench.Machine;
using Baton.Link;

namespace Baton.Bench.Moves;

/// <summary>An active client: it takes all that is there, sends a few bytes, waits for something new, and sends again a little later.</summary>
internal sealed class AskingClient
{
    private const int Length = 64;
    private static readonly TimeSpan s_pause = TimeSpan.FromMicroseconds(200);

    private readonly List<long> _answered = new(1 << 16);
    private readonly KernelSocket _socket;
    private readonly Task<bool> _asking;
    private volatile bool _stop;

    public AskingClient(KernelSocket socket)
    {
        _socket = socket;
        _asking = Cores.RunAhead("client", Ask);
    }

    /// <summary>Ends it; the moments at which answers came.</summary>
    public IReadOnlyList<long> Stop()
    {
        _stop = true;
        _asking.GetAwaiter().GetResult();
        return _answered;
    }

    /// <summary>The longest time between two answers that is at least in part between two moments, in nanoseconds.</summary>
    public static long Longest(IReadOnlyList<long> answered, long from, long to)
    {
        // Answers are in order: the first one after the time's begin ends a gap that reaches into it.
        int low = 1, high = answered.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            (low, high) = answered[middle] > from ? (low, middle) : (middle + 1, high);
        }

        long longest = 0;
        for (int i = low; i < answered.Count && answered[i - 1] < to; i++)
        {
            longest = Math.Max(longest, answered[i] - answered[i - 1]);
        }

        return longest;
    }

    private bool Ask()
    {
        PollSet.TightenTimers();
        using var sleep = new PollSet();
        byte[] question = new byte[Length], answer = new byte[Pattern.MaxChunk];
        while (!_stop)
        {
            _ = _socket.Receive(answer, Libc.MSG_DONTWAIT);
            _socket.SendAll(question);
            if (_socket.Receive(answer) <= 0)
            {
                throw new BenchException("an active client's connection has ended");
            }

            _answered.Add(Stopwatch.GetTimestamp());
            sleep.Wait((long)s_pause.TotalNanoseconds);
        }

        return true;
    }
}
