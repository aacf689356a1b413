namespace Baton.Tcp;

/// <summary>
/// Tail loss probe (RFC 8985 §7): when nothing was heard for two round trips, one segment goes so that its ACK tells
/// what was lost, before the retransmission timeout does it at a higher price.
/// </summary>
internal struct TailProbe
{
    /// <summary>Where round trips are microseconds, batches and timers are not: no probe earlier than this.</summary>
    private static readonly TimeSpan MinTimeout = TimeSpan.FromMilliseconds(10);

    [InSnapshot(nameof(TcpSnapshot.TailProbeEnd))]
    private long _end;

    [InSnapshot(nameof(TcpSnapshot.TailProbeRepeats))]
    private bool _repeats;

    [InSnapshot(nameof(TcpSnapshot.TailProbeDue))]
    private bool _due;

    /// <summary>TLP.end_seq: SND.NXT when the probe was sent, or 0 with none outstanding.</summary>
    public readonly long End => _end;

    /// <summary>TLP.is_retrans: whether the probe repeated what was sent.</summary>
    public readonly bool Repeats => _repeats;

    /// <summary>Whether a probe is to be emitted.</summary>
    public readonly bool Due => _due;

    /// <summary>Whether a probe is outstanding: there is never a second (§7.3).</summary>
    public readonly bool Outstanding => _end > 0;

    /// <summary>The time to the probe (§7.2): two round trips, and the peer's delay when only one segment can be acknowledged.</summary>
    public static TimeSpan Timeout(in RttEstimator rtt, bool single, TimeSpan ackDelay)
    {
        if (rtt.Smoothed == TimeSpan.Zero)
        {
            return TimeSpan.FromSeconds(1);
        }

        long timeout = (2 * rtt.Smoothed.Ticks) + (single ? ackDelay.Ticks : 0);
        return new(Math.Max(timeout, MinTimeout.Ticks));
    }

    /// <summary>The timer expired.</summary>
    public void OnExpired() => _due = true;

    /// <summary>The probe was emitted.</summary>
    public void OnSent(long nxt, bool repeats) => (_end, _repeats, _due) = (nxt, repeats, false);

    /// <summary>Nothing is to be probed any more.</summary>
    public void Cancel() => (_end, _due) = (0, false);

    /// <summary>No probe is to go now.</summary>
    public void Withdraw() => _due = false;

    /// <summary>
    /// An ACK (§7.4.2); true when it says that the probe has mended a loss, which nothing else tells the congestion
    /// control.
    /// </summary>
    public bool OnAck(long ack, bool duplicate, bool dsackOfProbe)
    {
        if (_end == 0 || ack < _end)
        {
            return false;
        }

        if (!_repeats || dsackOfProbe || (ack == _end && duplicate))
        {
            _end = 0;
            return false;
        }

        if (ack == _end)
        {
            // The ACK covers the original and the probe: one more may come that tells them apart.
            return false;
        }

        _end = 0;
        return true;
    }

    /// <summary>Takes what a snapshot says.</summary>
    public void Restore(long end, bool repeats, bool due) => (_end, _repeats, _due) = (end, repeats, due);
}
