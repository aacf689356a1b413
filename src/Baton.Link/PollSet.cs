using System.Runtime.InteropServices;
using Baton.Wire;
using Microsoft.Win32.SafeHandles;

namespace Baton.Link;

/// <summary>
/// Sleeps until one of a few descriptors is readable, a moment comes, or another thread calls <see cref="Wake"/>. One
/// thread adds and waits; any thread wakes. Nothing is allocated by waiting or waking.
/// </summary>
public sealed unsafe class PollSet : IDisposable
{
    private const int NonBlockingCloseOnExec = Syscalls.O_NONBLOCK | Syscalls.O_CLOEXEC;

    // Entry 0 is the eventfd. Native memory: its address is fixed and the kernel may write to it.
    private readonly PollRequest* _requests;
    private readonly int _capacity;
    private readonly SafeFileHandle _event;
    private int _count = 1;
    private int _wakePending;
    private bool _disposed;

    /// <summary>An empty set.</summary>
    /// <param name="capacity">Most descriptors that will be added.</param>
    /// <exception cref="LinkException">The process has no descriptor left.</exception>
    public PollSet(int capacity = 8)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        int descriptor = Syscalls.EventDescriptor(0, NonBlockingCloseOnExec);
        if (descriptor < 0)
        {
            throw new LinkException($"eventfd failed: {Syscalls.Describe(Syscalls.LastError)}.", "ulimit -n 65536", Syscalls.LastError);
        }

        _event = new SafeFileHandle(descriptor, ownsHandle: true);
        _capacity = capacity + 1;
        _requests = (PollRequest*)NativeMemory.AllocZeroed((nuint)_capacity, (nuint)sizeof(PollRequest));
        _requests[0] = new PollRequest { Descriptor = descriptor, Wanted = Syscalls.POLLIN };
    }

    /// <summary>Lets this thread's timed waits end as exactly as the kernel can, instead of up to 50 µs late.</summary>
    public static void TightenTimers() => _ = Syscalls.ProcessControl(Syscalls.PR_SET_TIMERSLACK, 1, 0, 0, 0);

    /// <summary>Lets this thread run ahead of others, or behind them: -20 to 19, as nice(1) has it.</summary>
    /// <returns>False where the process may not (CAP_SYS_NICE, RLIMIT_NICE): the thread runs as before.</returns>
    public static bool TrySetNice(int nice) => Syscalls.SetPriority(Syscalls.PRIO_PROCESS, 0, nice) == 0;

    /// <summary>Adds a descriptor to wait for; -1 is allowed and never ready.</summary>
    /// <returns>Its number for <see cref="IsReady"/>.</returns>
    public int Add(int descriptor)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_count == _capacity)
        {
            throw new InvalidOperationException($"This set holds at most {_capacity - 1} descriptors.");
        }

        _requests[_count] = new PollRequest { Descriptor = descriptor, Wanted = Syscalls.POLLIN };
        return _count++ - 1;
    }

    /// <summary>Whether the last wait found the descriptor readable (or in error, which its read will tell).</summary>
    public bool IsReady(int number)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)number, (uint)(_count - 1));
        return _requests[number + 1].Returned != 0;
    }

    /// <summary>Waits until <paramref name="deadline"/> at the latest.</summary>
    /// <returns>As <see cref="Wait(long)"/>.</returns>
    public int Wait(Instant now, Instant deadline)
    {
        if (deadline == Instant.Never)
        {
            return Wait(-1);
        }

        long ticks = deadline.Ticks - now.Ticks;
        return Wait(ticks <= 0 ? 0 : ticks >= long.MaxValue / 100 ? -1 : ticks * 100);
    }

    /// <summary>Waits at most <paramref name="nanoseconds"/>; 0 only looks, a negative value waits without end.</summary>
    /// <returns>The number of ready descriptors; 0 after a wake-up, a signal or at the end of the time.</returns>
    public int Wait(long nanoseconds)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        TimeSpecification time;
        time.Seconds = nanoseconds / 1_000_000_000;
        time.Nanoseconds = nanoseconds % 1_000_000_000;
        int ready = Syscalls.Poll(_requests, (nuint)_count, nanoseconds < 0 ? null : &time, null);
        if (ready < 0)
        {
            return Interrupted();
        }

        if (_requests[0].Returned == 0)
        {
            return ready;
        }

        // The flag falls after the read: a Wake in between skips its write, but what it announces was stored before its
        // exchange and is seen by this thread, which looks at its queues once this method returns.
        ulong count;
        _ = Syscalls.Read(_requests[0].Descriptor, &count, sizeof(ulong));
        Interlocked.Exchange(ref _wakePending, 0);
        return ready - 1;
    }

    /// <summary>Ends the present or the next wait. Callable from any thread; cheap when a wake-up is already under way.</summary>
    public void Wake()
    {
        if (Interlocked.Exchange(ref _wakePending, 1) != 0)
        {
            return;
        }

        // The reference keeps the descriptor's number from being closed and used anew during the write.
        bool held = false;
        try
        {
            _event.DangerousAddRef(ref held);
            ulong one = 1;
            _ = Syscalls.Write((int)_event.DangerousGetHandle(), &one, sizeof(ulong));
        }
        catch (ObjectDisposedException)
        {
            // Nobody waits any more.
        }
        finally
        {
            if (held)
            {
                _event.DangerousRelease();
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            _event.Dispose();
            NativeMemory.Free(_requests);
        }
    }

    private int Interrupted()
    {
        int error = Syscalls.LastError;
        for (int i = 0; i < _count; i++)
        {
            _requests[i].Returned = 0;
        }

        return error is Syscalls.EINTR or Syscalls.EAGAIN
            ? 0
            : throw new LinkException($"poll failed: {Syscalls.Describe(error)}.", error: error);
    }
}
