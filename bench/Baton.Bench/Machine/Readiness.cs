using System.Diagnostics;

namespace Baton.Bench.Machine;

/// <summary>Tells which of many sockets have data (epoll). Used by one thread.</summary>
internal sealed unsafe class Readiness : IDisposable
{
    private const int Limit = 64;
    private const int TimeoutMilliseconds = 10_000;

    private readonly int _epoll = Libc.EpollCreate(Libc.EPOLL_CLOEXEC);
    private readonly EpollEvent[] _events = new EpollEvent[Limit];

    public void Add(KernelSocket socket, int number)
    {
        var wanted = new EpollEvent { Events = Libc.EPOLLIN, Data = (ulong)number };
        if (Libc.EpollControl(_epoll, Libc.EPOLL_CTL_ADD, socket.Descriptor, &wanted) != 0)
        {
            throw new BenchException($"epoll_ctl failed: {Libc.LastError}");
        }
    }

    /// <summary>Looks for <paramref name="spin"/>, then waits; the number of sockets that have data.</summary>
    public int Wait(TimeSpan spin)
    {
        long start = 0;
        int milliseconds = 0;
        fixed (EpollEvent* events = _events)
        {
            while (true)
            {
                int ready = Libc.EpollWait(_epoll, events, Limit, milliseconds);
                if (ready > 0)
                {
                    return ready;
                }

                if (milliseconds > 0 && !(ready < 0 && Libc.LastError == Libc.EINTR))
                {
                    throw new BenchException("no socket became readable");
                }

                long now = Stopwatch.GetTimestamp();
                start = start == 0 ? now : start;
                milliseconds = Stopwatch.GetElapsedTime(start, now) > spin ? TimeoutMilliseconds : 0;
            }
        }
    }

    /// <summary>The number of one of the sockets that <see cref="Wait"/> found.</summary>
    public int this[int index] => (int)_events[index].Data;

    public void Dispose() => _ = Libc.Close(_epoll);
}
