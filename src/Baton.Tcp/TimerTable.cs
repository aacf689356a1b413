using System.Runtime.CompilerServices;
using Baton.Wire;

namespace Baton.Tcp;

/// <summary>A connection's timers.</summary>
internal enum TimerKind : byte
{
    /// <summary>Something is in flight (RFC 6298 §5.1). Never together with <see cref="Persist"/>.</summary>
    Retransmit,

    /// <summary>The peer's window holds back what is to be sent (RFC 9293 §3.8.6.1, §3.8.6.2.1).</summary>
    Persist,

    /// <summary>An acknowledgment waits for company (RFC 9293 §3.8.6.3).</summary>
    DelayedAck,

    /// <summary>The next keep-alive probe (RFC 9293 §3.8.4).</summary>
    KeepAlive,

    /// <summary>The end of TIME-WAIT, of FIN-WAIT-2 without a reader, or of a close that gets nowhere.</summary>
    Linger,

    /// <summary>What was passed by later segments may only be late (RFC 8985 §6.2, step 5).</summary>
    Reordering,

    /// <summary>Nothing was heard for two round trips (RFC 8985 §7.2).</summary>
    TailProbe,
}

/// <summary>When each timer expires. Frozen, the table keeps what remains of each.</summary>
internal struct TimerTable
{
    /// <summary>Number of <see cref="TimerKind"/>s.</summary>
    public const int Count = 7;

    [InSnapshot(nameof(TcpSnapshot.Timers))]
    private Instants _at;

    public TimerTable()
    {
        for (int i = 0; i < Count; i++)
        {
            _at[i] = Instant.Never;
        }
    }

    /// <summary>The earliest expiry.</summary>
    public readonly Instant Next
    {
        get
        {
            var next = _at[0];
            for (int i = 1; i < Count; i++)
            {
                next = Instant.Min(next, _at[i]);
            }

            return next;
        }
    }

    /// <summary>When a timer expires.</summary>
    public readonly Instant this[TimerKind kind] => _at[(int)kind];

    /// <summary>Whether a timer runs.</summary>
    public readonly bool IsSet(TimerKind kind) => _at[(int)kind] != Instant.Never;

    /// <summary>Starts a timer, or sets it anew.</summary>
    public void Set(TimerKind kind, Instant at) => _at[(int)kind] = at;

    /// <summary>A running timer expires no later than this.</summary>
    public void Advance(TimerKind kind, Instant latest)
    {
        if (IsSet(kind) && this[kind] > latest)
        {
            Set(kind, latest);
        }
    }

    /// <summary>Stops a timer.</summary>
    public void Stop(TimerKind kind) => _at[(int)kind] = Instant.Never;

    /// <summary>Stops all.</summary>
    public void StopAll()
    {
        for (int i = 0; i < Count; i++)
        {
            _at[i] = Instant.Never;
        }
    }

    /// <summary>Whether a timer has expired; then it is stopped.</summary>
    public bool TryExpire(TimerKind kind, Instant now)
    {
        if (_at[(int)kind] > now)
        {
            return false;
        }

        Stop(kind);
        return true;
    }

    /// <summary>Time went by that the timers did not see: all expire that much later.</summary>
    public void Postpone(TimeSpan by)
    {
        for (int i = 0; i < Count; i++)
        {
            _at[i] += by;
        }
    }

    [InlineArray(Count)]
    private struct Instants
    {
        private Instant _first;
    }
}
