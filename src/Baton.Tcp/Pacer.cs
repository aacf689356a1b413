using Baton.Wire;

namespace Baton.Tcp;

/// <summary>
/// Spreads what is sent over the round trip. It has no timer of its own: the connection's next deadline includes
/// <see cref="WakeAt"/>, at which the driver asks for segments again.
/// </summary>
internal sealed class Pacer
{
    /// <summary>What may go at once is what the rate yields in this time, so that super-segments and late wake-ups do no harm.</summary>
    private static readonly TimeSpan Quantum = TimeSpan.FromMilliseconds(1);

    private const double LeastRate = 1000;

    [NotInSnapshot("of a millisecond: the new owner begins anew")]
    private Instant _next;

    [NotInSnapshot("of a millisecond: the new owner begins anew")]
    private Instant _wakeAt = Instant.Never;

    /// <summary>When what is held back may go, or never.</summary>
    public Instant WakeAt => _wakeAt;

    /// <summary>Bytes that may go now, at least two segments or none.</summary>
    public int Allowance(Instant now, double rate, int mss)
    {
        if (_next > now)
        {
            _wakeAt = _next;
            return 0;
        }

        _wakeAt = Instant.Never;
        return (int)Math.Clamp(rate * Quantum.TotalSeconds, 2 * mss, SegmentDeparture.MaxPayload);
    }

    /// <summary>Bytes left.</summary>
    public void OnSent(Instant now, int bytes, double rate)
    {
        double seconds = bytes / Math.Max(rate, LeastRate);
        _next = Instant.Max(_next, now - Quantum) + new TimeSpan((long)(seconds * TimeSpan.TicksPerSecond));
    }
}
