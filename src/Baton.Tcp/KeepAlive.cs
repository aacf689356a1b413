using Baton.Wire;

namespace Baton.Tcp;

/// <summary>Probes a silent peer (RFC 9293 §3.8.4), when the settings ask for it.</summary>
internal struct KeepAlive
{
    [InSnapshot(nameof(TcpSnapshot.KeepAliveUnanswered))]
    private ushort _unanswered;

    [InSnapshot(nameof(TcpSnapshot.KeepAliveDue))]
    private bool _due;

    /// <summary>Probes since the peer was last heard.</summary>
    public readonly int Unanswered => _unanswered;

    /// <summary>Whether a probe is to be emitted.</summary>
    public readonly bool Due => _due;

    /// <summary>The peer was heard.</summary>
    public void OnHeard(Instant now, TcpSettings settings, ref TimerTable timers)
    {
        if (settings.KeepAliveTime > TimeSpan.Zero)
        {
            (_unanswered, _due) = (0, false);
            timers.Set(TimerKind.KeepAlive, now + settings.KeepAliveTime);
        }
    }

    /// <summary>Other times hold from now on.</summary>
    public void Reconfigure(TcpSettings settings, Instant now, ref TimerTable timers)
    {
        timers.Stop(TimerKind.KeepAlive);
        OnHeard(now, settings, ref timers);
    }

    /// <summary>The timer expired; false when the peer is to be given up. With data in flight their own timer decides.</summary>
    public bool OnExpired(Instant now, bool idle, TcpSettings settings, ref TimerTable timers)
    {
        if (!idle)
        {
            timers.Set(TimerKind.KeepAlive, now + settings.KeepAliveTime);
            return true;
        }

        if (_unanswered >= settings.KeepAliveProbes)
        {
            return false;
        }

        (_unanswered, _due) = ((ushort)(_unanswered + 1), true);
        timers.Set(TimerKind.KeepAlive, now + settings.KeepAliveInterval);
        return true;
    }

    /// <summary>The probe was emitted.</summary>
    public void OnProbed() => _due = false;

    /// <summary>Takes what a snapshot says; starts the timer where only this owner's settings ask for it.</summary>
    public void Restore(int unanswered, bool due, Instant now, TcpSettings settings, ref TimerTable timers)
    {
        (_unanswered, _due) = ((ushort)unanswered, due);
        if (settings.KeepAliveTime > TimeSpan.Zero && !timers.IsSet(TimerKind.KeepAlive))
        {
            timers.Set(TimerKind.KeepAlive, now + settings.KeepAliveTime);
        }
    }
}
