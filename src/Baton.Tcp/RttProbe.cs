using Baton.Wire;

namespace Baton.Tcp;

/// <summary>
/// The one segment whose round trip is being timed. A retransmission ends the measurement (Karn, RFC 6298 §3).
/// </summary>
internal struct RttProbe
{
    [NotInSnapshot("a measurement across a move would measure the move")]
    private long _end;

    [NotInSnapshot("a measurement across a move would measure the move")]
    private Instant _sentAt;

    /// <summary>New sequence space was sent.</summary>
    public void OnSent(long end, Instant now)
    {
        if (_end == 0)
        {
            (_end, _sentAt) = (end, now);
        }
    }

    /// <summary>Sequence space was sent again.</summary>
    public void OnResent() => _end = 0;

    /// <summary>The measurement, when the timed segment is acknowledged.</summary>
    public bool TryMeasure(long una, Instant now, out TimeSpan rtt)
    {
        rtt = now - _sentAt;
        if (_end == 0 || una < _end)
        {
            return false;
        }

        _end = 0;
        return true;
    }
}
