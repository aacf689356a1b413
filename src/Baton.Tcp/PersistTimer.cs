namespace Baton.Tcp;

/// <summary>
/// Probing a window that holds data back: the first probe after one retransmission timeout, then doubling (RFC 9293
/// §3.8.6.1). A window that is open, but too small to be worth a segment, is used after the override time
/// (§3.8.6.2.1).
/// </summary>
internal struct PersistTimer
{
    /// <summary>Far beyond the longest interval.</summary>
    private const int MaxBackoff = 64;

    [InSnapshot(nameof(TcpSnapshot.PersistBackoff))]
    private ushort _backoff;

    [InSnapshot(nameof(TcpSnapshot.PersistProbes))]
    private ushort _unanswered;

    [InSnapshot(nameof(TcpSnapshot.ProbeDue))]
    private bool _due;

    /// <summary>Doublings of the interval.</summary>
    public readonly int Backoff => _backoff;

    /// <summary>Probes since the peer was last heard.</summary>
    public readonly int Unanswered => _unanswered;

    /// <summary>Whether a probe is to be emitted.</summary>
    public readonly bool Due => _due;

    /// <summary>The time to the next probe.</summary>
    public readonly TimeSpan Interval(bool windowIsClosed, in RttEstimator rtt, TcpSettings settings) =>
        windowIsClosed ? rtt.BackedOff(_backoff, settings) : settings.SillyWindowOverride;

    /// <summary>The timer expired: one segment may go, whatever the window.</summary>
    public void OnExpired(bool windowIsClosed)
    {
        _due = true;
        if (windowIsClosed)
        {
            _backoff = (ushort)Math.Min(MaxBackoff, _backoff + 1);
            _unanswered++;
        }
    }

    /// <summary>The probe was emitted.</summary>
    public void OnProbed() => _due = false;

    /// <summary>An ACK came: the peer lives, although its window may stay closed for as long as it likes (RFC 1122 §4.2.2.17).</summary>
    public void OnAnswer() => _unanswered = 0;

    /// <summary>The window opened.</summary>
    public void Reset() => (_backoff, _unanswered, _due) = (0, 0, false);

    /// <summary>Takes what a snapshot says.</summary>
    public void Restore(int backoff, int unanswered, bool due) => (_backoff, _unanswered, _due) = ((ushort)backoff, (ushort)unanswered, due);
}
