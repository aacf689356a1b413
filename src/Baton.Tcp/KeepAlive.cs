using Baton.Wire;

namespace Baton.Tcp;

/// <summary>Probes a silent peer (RFC 9293 §3.8.4), when the settings ask for it.</summary>
internal struct KeepAlive(TcpSettings settings, TimerTable timers)
{
    [NotInSnapshot("the owner's settings")]
    private TcpSettings _settings = settings;

    [NotInSnapshot("its parts are listed at TimerTable")]
    private readonly TimerTable _timers = timers;

    [InSnapshot(nameof(TcpSnapshot.KeepAliveUnanswered))]
    private int _unanswered;

    [InSnapshot(nameof(TcpSnapshot.KeepAliveDue))]
    private bool _due;

    /// <summary>Probes since the peer was last heard.</summary>
    public readonly int Unanswered => _unanswered;

    /// <summary>Whether a probe is to be emitted.</summary>
    public readonly bool Due => _due;

    /// <summary>The peer was heard.</summary>
    public void OnHeard(Instant now)
    {
        if (_settings.KeepAliveTime > TimeSpan.Zero)
        {
            (_unanswered, _due) = (0, false);
            _timers.Set(TimerKind.KeepAlive, now + _settings.KeepAliveTime);
        }
    }

    /// <summary>Other times hold from now on.</summary>
    public void Reconfigure(TcpSettings settings, Instant now)
    {
        _settings = settings;
        _timers.Stop(TimerKind.KeepAlive);
        OnHeard(now);
    }

    /// <summary>The timer expired; false when the peer is to be given up. With data in flight their own timer decides.</summary>
    public bool OnExpired(Instant now, bool idle)
    {
        if (!idle)
        {
            _timers.Set(TimerKind.KeepAlive, now + _settings.KeepAliveTime);
            return true;
        }

        if (_unanswered >= _settings.KeepAliveProbes)
        {
            return false;
        }

        (_unanswered, _due) = (_unanswered + 1, true);
        _timers.Set(TimerKind.KeepAlive, now + _settings.KeepAliveInterval);
        return true;
    }

    /// <summary>The probe was emitted.</summary>
    public void OnProbed() => _due = false;

    /// <summary>Takes what a snapshot says; starts the timer where only this owner's settings ask for it.</summary>
    public void Restore(int unanswered, bool due, Instant now)
    {
        (_unanswered, _due) = (unanswered, due);
        if (_settings.KeepAliveTime > TimeSpan.Zero && !_timers.IsSet(TimerKind.KeepAlive))
        {
            _timers.Set(TimerKind.KeepAlive, now + _settings.KeepAliveTime);
        }
    }
}
