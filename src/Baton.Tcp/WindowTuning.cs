using Baton.Wire;

namespace Baton.Tcp;

/// <summary>
/// How much an application takes in a round trip, by which the receive window grows (dynamic right-sizing; Fisk, Feng:
/// Dynamic Right-Sizing in TCP, 2001). Four times as much is aimed at: twice for the next round trip of a peer in slow
/// start, and twice for a round trip that has become longer than was measured.
/// </summary>
internal sealed class WindowTuning
{
    private const int Factor = 4;

    [NotInSnapshot("measured anew by the new owner")]
    private Instant _since = Instant.Never;

    [NotInSnapshot("measured anew by the new owner")]
    private long _readAt;

    /// <summary>Whether so little was read that nothing can ask for more than <paramref name="capacity"/> yet.</summary>
    public static bool IsTooEarly(long read, int capacity) => (read - 1) * Factor < capacity;

    /// <summary>Something arrived; the capacity that suits what was read in the last round trip, or 0 before one has passed.</summary>
    public long OnArrival(Instant now, long read, TimeSpan roundTrip)
    {
        if (_since == Instant.Never)
        {
            (_since, _readAt) = (now, read);
            return 0;
        }

        var elapsed = now - _since;
        if (elapsed < roundTrip)
        {
            return 0;
        }

        double share = elapsed > 2 * roundTrip ? roundTrip / elapsed : 1;
        long taken = (long)((read - _readAt) * share);
        (_since, _readAt) = (now, read);
        return Factor * taken;
    }
}
