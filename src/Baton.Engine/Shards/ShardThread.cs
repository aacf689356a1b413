using Baton.Link;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>
/// The thread that drives a <see cref="Shard"/>: one run after another while there is something to do, then a short
/// spin, then sleep until a frame, a work or the next deadline.
/// </summary>
internal sealed class ShardThread : IDisposable
{
    // A shorter sleep costs more than it spares.
    private static readonly TimeSpan s_leastSleep = TimeSpan.FromMicroseconds(5);

    // On one processor nobody can post a work while this thread looks for one.
    private static readonly bool s_yields = Environment.ProcessorCount == 1;

    private readonly Shard _shard;
    private readonly PollSet _pollSet = new();
    private readonly TimeSpan _spinTime;
    private readonly Thread _thread;
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _ending = new();
    private bool _isDisposed;
    private volatile bool _sleeps;
    private volatile bool _stop;

    public ShardThread(Shard shard, string name, TimeSpan spinTime)
    {
        _shard = shard;
        _spinTime = spinTime;
        foreach (var link in shard.Links)
        {
            _pollSet.Add(link.WaitDescriptor);
        }

        shard.Waker = Wake;
        _thread = new Thread(Loop) { Name = $"baton {name}", IsBackground = true };
    }

    /// <summary>Ends when the thread has ended; with its failure, if one ended it.</summary>
    public Task Stopped => _stopped.Task;

    public void Start() => _thread.Start();

    /// <summary>Lets the thread end after its present run. From any thread.</summary>
    public void Stop()
    {
        _stop = true;
        lock (_ending)
        {
            if (!_isDisposed)
            {
                _pollSet.Wake();
            }
        }
    }

    public void Dispose()
    {
        Stop();
        _thread.Join();
        lock (_ending)
        {
            _isDisposed = true;
            _pollSet.Dispose();
        }
    }

    private void Wake()
    {
        // Posting a work was a full fence: either this sees the flag, or the shard sees the work before it sleeps.
        if (_sleeps)
        {
            _pollSet.Wake();
        }
    }

    private void Loop()
    {
        try
        {
            PollSet.TightenTimers();
            var now = MonotonicClock.Now;
            var lastBusy = now;
            while (!_stop)
            {
                var deadline = _shard.Run(now);
                if (_shard.WasBusy)
                {
                    lastBusy = now;
                }

                now = MonotonicClock.Now;
                if (_shard.WasBusy)
                {
                    continue;
                }

                if (now - lastBusy >= _spinTime && deadline > now + s_leastSleep)
                {
                    Sleep(now, deadline);
                    now = MonotonicClock.Now;
                }
                else if (s_yields)
                {
                    Thread.Yield();
                    now = MonotonicClock.Now;
                }
            }

            _stopped.TrySetResult();
        }
#pragma warning disable CA1031 // The thread's last stand: whoever awaits Stopped gets it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _shard.End();
            _stopped.TrySetException(e);
        }
    }

    private void Sleep(Instant now, Instant deadline)
    {
        _sleeps = true;
        Interlocked.MemoryBarrier();
        if (!_shard.HasWorks && !_stop)
        {
            _pollSet.Wait(now, deadline);
        }

        _sleeps = false;
    }
}
