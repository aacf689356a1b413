using System.Diagnostics;
using Baton.Bench.Machine;
using Baton.Link;

namespace Baton.Bench.Moves;

/// <summary>
/// A download at a pace of the client's: it takes so many bits a second and compares them. What a pause cost it can make up
/// for only as far as <see cref="s_credit"/> goes.
/// </summary>
internal sealed class PacedReader
{
    /// <summary>Bytes a second: 5 Gbit.</summary>
    public const double Pace = 5e9 / 8;

    private static readonly TimeSpan s_credit = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan s_look = TimeSpan.FromMicroseconds(100);

    private readonly KernelSocket _socket;
    private readonly Task<bool> _reading;
    private volatile bool _stop;
    private long _received;

    public PacedReader(KernelSocket socket)
    {
        _socket = socket;
        _reading = Cores.RunAhead("client", Read);
    }

    /// <summary>Bits per second that it takes in a time.</summary>
    public double Measure(TimeSpan time)
    {
        long before = Volatile.Read(ref _received);
        long start = Stopwatch.GetTimestamp();
        Thread.Sleep(time);
        ThrowIfOver();
        return (Volatile.Read(ref _received) - before) * 8 / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>Ends it.</summary>
    public void Stop()
    {
        _stop = true;
        _reading.GetAwaiter().GetResult();
    }

    private void ThrowIfOver()
    {
        if (_reading.IsCompleted)
        {
            _reading.GetAwaiter().GetResult();
        }
    }

    private bool Read()
    {
        PollSet.TightenTimers();
        using var sleep = new PollSet();
        byte[] buffer = new byte[Pattern.MaxChunk];
        double credit = 0;
        long last = Stopwatch.GetTimestamp();
        while (!_stop)
        {
            long now = Stopwatch.GetTimestamp();
            credit = Math.Min(credit + Stopwatch.GetElapsedTime(last, now).TotalSeconds * Pace, s_credit.TotalSeconds * Pace);
            last = now;
            int wanted = (int)Math.Min(credit, buffer.Length);
            int received = _socket.Receive(buffer.AsSpan(0, wanted), Libc.MSG_DONTWAIT);
            if (received == 0 && wanted > 0)
            {
                throw new BenchException("the download ended");
            }

            if (received <= 0)
            {
                sleep.Wait((long)s_look.TotalNanoseconds);
                continue;
            }

            if (!Pattern.Matches(_received, buffer.AsSpan(0, received)))
            {
                throw new BenchException($"the download differs after {_received} bytes");
            }

            credit -= received;
            Volatile.Write(ref _received, _received + received);
            if (credit < Pattern.MaxChunk / 8)
            {
                sleep.Wait((long)s_look.TotalNanoseconds);
            }
        }

        return true;
    }
}
