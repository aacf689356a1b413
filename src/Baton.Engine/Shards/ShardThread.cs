using System.Runtime.ExceptionServices;
using Baton.Link;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>
/// The thread that drives a <see cref="Shard"/>: one run after another while there is something to do, then a short
/// spin, then sleep until a frame, a work or the next deadline. On one processor the application's thread that answers the
/// only client who speaks makes the next run in its place, behind what it does at present: the answer goes out without a
/// change of threads.
/// </summary>
internal sealed class ShardThread : IDisposable, IThreadPoolWorkItem
{
    private const int Free = 0, Taken = 1;

    // A shorter sleep costs more than it spares.
    private static readonly TimeSpan s_leastSleep = TimeSpan.FromMicroseconds(5);

    private static int s_threads;

    private readonly Shard _shard;
    private readonly PollSet _pollSet = new();
    private readonly TimeSpan _spinTime;
    private readonly int _nice;
    private readonly Thread _thread;
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _ending = new();
    private bool _isDisposed;
    private ExceptionDispatchInfo? _failure;
    private int _role;
    private int _runsInPlace;
    private int _inPlaceQueued;
    private volatile bool _sleeps;
    private volatile bool _stop;

    public ShardThread(Shard shard, string name, EngineOptions options)
    {
        _shard = shard;
        _nice = options.Nice;
        _spinTime = options.SpinTime;
        foreach (var link in shard.Links)
        {
            _pollSet.Add(link.WaitDescriptor);
        }

        shard.Waker = Wake;
        shard.Answered = options.AnswersInPlace ? OnAnswered : Wake;
        _thread = new Thread(Loop) { Name = $"baton {name}", IsBackground = true };
    }

    /// <summary>Ends when the thread has ended; with its failure, if one ended it.</summary>
    public Task Stopped => _stopped.Task;

    // Where every processor has a shard that looks for works, nobody can post one meanwhile.
    private static bool Yields => Volatile.Read(ref s_threads) >= Environment.ProcessorCount;

    public void Start()
    {
        Interlocked.Increment(ref s_threads);
        _thread.Start();
    }

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

    /// <summary>A run in the thread's place, by a thread of the pool.</summary>
    void IThreadPoolWorkItem.Execute()
    {
        Volatile.Write(ref _inPlaceQueued, 0);
        if (_stop || !_shard.HasWorks || !TryEnter())
        {
            return;
        }

        // Taking the role was a full fence: either this sees that the thread is about to sleep (then whoever posts wakes it),
        // or the thread sees this run, and looks at the deadlines again before it sleeps.
        if (!_sleeps)
        {
            try
            {
                _shard.Run(MonotonicClock.Now);
            }
#pragma warning disable CA1031 // The thread ends with it.
            catch (Exception e)
#pragma warning restore CA1031
            {
                _failure = ExceptionDispatchInfo.Capture(e);
            }

            _runsInPlace++;
        }

        Leave();
    }

    private void Wake()
    {
        // Posting a work was a full fence: either this sees the flag, or the shard sees the work before it sleeps.
        if (_sleeps)
        {
            _pollSet.Wake();
        }
    }

    /// <summary>The only application that is spoken to has answered.</summary>
    private void OnAnswered()
    {
        if (_sleeps)
        {
            _pollSet.Wake();
        }
        else if (Volatile.Read(ref _role) == Free && Interlocked.Exchange(ref _inPlaceQueued, 1) == 0)
        {
            // Behind the work item that answers, so that all it has to say goes at once.
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: true);
        }
    }

    private bool TryEnter() => Interlocked.CompareExchange(ref _role, Taken, Free) == Free;

    private void Leave() => Volatile.Write(ref _role, Free);

    private void Loop()
    {
        try
        {
            PollSet.TightenTimers();
            _ = PollSet.TrySetNice(_nice);
            var lastBusy = MonotonicClock.Now;
            int seen = 0;
            while (!_stop)
            {
                if (!TryEnter())
                {
                    Thread.Yield();
                    continue;
                }

                _failure?.Throw();
                var now = MonotonicClock.Now;
                var deadline = _shard.Run(now);
                bool busy = _shard.WasBusy || seen != _runsInPlace;
                seen = _runsInPlace;
                Leave();
                if (busy)
                {
                    lastBusy = now;
                    continue;
                }

                now = MonotonicClock.Now;
                if (now - lastBusy >= _spinTime && deadline > now + s_leastSleep)
                {
                    Sleep(now, deadline, seen);
                }
                else if (Yields)
                {
                    Thread.Yield();
                }
            }

            // Nobody runs the shard in this thread's place any more.
            while (!TryEnter())
            {
                Thread.Yield();
            }

            _failure?.Throw();
            _stopped.TrySetResult();
        }
#pragma warning disable CA1031 // The thread's last stand: whoever awaits Stopped gets it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _shard.End();
            _stopped.TrySetException(e);
        }
        finally
        {
            Interlocked.Decrement(ref s_threads);
        }
    }

    private void Sleep(Instant now, Instant deadline, int runsInPlace)
    {
        _sleeps = true;
        Interlocked.MemoryBarrier();
        if (!_shard.HasWorks && !_stop && Volatile.Read(ref _role) == Free && _runsInPlace == runsInPlace)
        {
            _pollSet.Wait(now, deadline);
        }

        _sleeps = false;
    }
}
