using Baton.Wire;

namespace Baton.Tcp;

/// <summary>
/// When an acknowledgment is due: at once for every second segment, for what is out of order and for what
/// fills a gap (RFC 5681 §4.2), else when the delay has passed or a segment goes the other way.
/// </summary>
internal struct DelayedAck(int quick)
{
    /// <summary>Duplicate ACKs owed at once, at most; fast retransmit needs three.</summary>
    public const int MaxOwed = 8;

    [InSnapshot(nameof(TcpSnapshot.UnacknowledgedSegments))]
    private int _segments;

    [InSnapshot(nameof(TcpSnapshot.AcksOwed))]
    private byte _owed;

    [NotInSnapshot("the beginning of a connection: one that moves is past it")]
    private ushort _quick = (ushort)quick;

    /// <summary>Segments received since the last ACK was sent.</summary>
    public readonly int Segments => _segments;

    /// <summary>ACKs to be emitted now.</summary>
    public readonly int Owed => _owed;

    /// <summary>Bytes came in order, and there is no gap. A super-segment counts as what it was put together from.</summary>
    public void OnData(Instant now, int bytes, int mss, TcpSettings settings, ref TimerTable timers)
    {
        _segments += Math.Max(1, bytes / mss);
        if (_segments >= 2 || _quick > 0 || settings.AckDelay <= TimeSpan.Zero)
        {
            _quick = (ushort)Math.Max(0, _quick - 1);
            Now();
        }
        else if (!timers.IsSet(TimerKind.DelayedAck))
        {
            timers.Set(TimerKind.DelayedAck, now + settings.AckDelay);
        }
    }

    /// <summary>The peer has to hear at once.</summary>
    public void Now() => _owed = Math.Max(_owed, (byte)1);

    /// <summary>A segment came ahead of a gap: each is owed its duplicate ACK, the peer counts them.</summary>
    public void OnAhead() => _owed = (byte)Math.Min(MaxOwed, _owed + 1);

    /// <summary>A segment with an ACK left. One with text is no duplicate ACK: with a gap what is owed stays owed.</summary>
    public void OnSent(bool gap, bool text, TcpSettings settings, ref TimerTable timers)
    {
        _segments = 0;

        // An answer to what came: acknowledgments ride on what follows.
        _quick = text && _quick < settings.QuickAcks ? (ushort)0 : _quick;
        _owed = gap && text ? _owed : gap ? (byte)Math.Max(0, _owed - 1) : (byte)0;
        timers.Stop(TimerKind.DelayedAck);
    }

    /// <summary>Takes what a snapshot says.</summary>
    public void Restore(int segments, int owed) => (_segments, _owed, _quick) = (segments, (byte)owed, 0);
}
