using Baton.Wire;

namespace Baton.Tcp;

/// <summary>
/// Recent acknowledgment (RFC 8985 §6): what was sent before something that has already arrived, and has not arrived
/// itself within a reordering window, is lost. The window grows while DSACKs say that it was too small.
/// </summary>
internal struct Rack
{
    /// <summary>Recoveries for which a grown reordering window lasts (RFC 8985 §6.2, step 4).</summary>
    private const int Persistence = 16;

    /// <summary>Bound on the growth: the window is at most SRTT anyway.</summary>
    private const int MaxMultiplier = 255;

    [InSnapshot(nameof(TcpSnapshot.RackSince))]
    private Instant _sentAt;

    [NotInSnapshot("after a move the time at which the part was sent")]
    private Instant _since;

    [InSnapshot(nameof(TcpSnapshot.RackEnd))]
    private long _end;

    [InSnapshot(nameof(TcpSnapshot.RackRtt))]
    private TimeSpan _rtt;

    [InSnapshot(nameof(TcpSnapshot.RackHighest))]
    private long _highest;

    [InSnapshot(nameof(TcpSnapshot.RackDsackRound))]
    private long _dsackRound;

    [InSnapshot(nameof(TcpSnapshot.RackMultiplier))]
    private byte _multiplier;

    [InSnapshot(nameof(TcpSnapshot.RackPersistence))]
    private byte _persistence;

    [InSnapshot(nameof(TcpSnapshot.RackReordering))]
    private bool _reordering;

    /// <summary>When the most recently sent of what has arrived was sent.</summary>
    public readonly Instant SentAt => _sentAt;

    /// <summary>Its end.</summary>
    public readonly long End => _end;

    /// <summary>Its round trip.</summary>
    public readonly TimeSpan Rtt => _rtt;

    /// <summary>The highest position that has arrived (RACK.fack).</summary>
    public readonly long Highest => _highest;

    /// <summary>SND.NXT when a DSACK last widened the window, or 0.</summary>
    public readonly long DsackRound => _dsackRound;

    /// <summary>Quarters of the round trip that the window has beyond the first.</summary>
    public readonly byte Multiplier => _multiplier;

    /// <summary>Recoveries left before the window is a quarter again.</summary>
    public readonly byte RecoveriesLeft => _persistence;

    /// <summary>Whether the path was seen to reorder.</summary>
    public readonly bool Reordering => _reordering;

    /// <summary>Whether the path has taught something that is not of one flight: reordering, or a window that was too small.</summary>
    public readonly bool Remembers => _reordering || _multiplier > 0;

    /// <summary>Nothing is in flight, and something will be: until it arrives its round trip is taken to be as ever.</summary>
    public void Begin(TimeSpan smoothed) => _rtt = smoothed;

    /// <summary>Step 2: a part in flight arrived.</summary>
    /// <param name="part">The transmission.</param>
    /// <param name="end">The end of what arrived of it.</param>
    /// <param name="now">The time.</param>
    /// <param name="minRtt">The path's shortest round trip, or zero.</param>
    /// <param name="echoed">When the timestamp that the ACK echoes was sent, to the millisecond; null without one.</param>
    public void OnDelivered(in SentPart part, long end, Instant now, TimeSpan minRtt, Instant? echoed)
    {
        var rtt = now - part.At;
        if ((part.Marks & SentMarks.Again) != 0)
        {
            // Which transmission arrived? Not the last, if the echo is older or the round trip impossibly short.
            bool older = echoed is { } at && at.Ticks / TimeSpan.TicksPerMillisecond < part.At.Ticks / TimeSpan.TicksPerMillisecond;
            if (older || rtt < minRtt)
            {
                return;
            }
        }

        // Of a part that took a while to send it may be the first that arrived.
        _rtt = new(Math.Max(1, (now - part.Since).Ticks));
        if (part.Since > _since || (part.Since == _since && end > _end))
        {
            (_since, _sentAt, _end) = (part.Since, part.At, end);
        }
    }

    /// <summary>Step 3: something that was sent once arrived after something later.</summary>
    public void OnOrder(long end, bool sentOnce, long highestBefore)
    {
        _reordering |= sentOnce && end < highestBefore;
        _highest = Math.Max(_highest, end);
    }

    /// <summary>Step 4: a DSACK says that what was sent again had arrived; the window widens once a round trip.</summary>
    public void OnDsack(long una, long nxt)
    {
        if (_dsackRound == 0 || una >= _dsackRound)
        {
            _dsackRound = nxt;
            _multiplier = (byte)Math.Min(MaxMultiplier, _multiplier + 1);
            _persistence = Persistence;
        }
    }

    /// <summary>Step 4: a recovery is over.</summary>
    public void OnRecovered()
    {
        if (_persistence > 0 && --_persistence == 0)
        {
            _multiplier = 0;
        }
    }

    /// <summary>RACK.reo_wnd: none while three segments have passed and no reordering was seen (step 4).</summary>
    public readonly TimeSpan Window(bool recovering, bool manyPassed, TimeSpan minRtt, TimeSpan smoothed)
    {
        if (!_reordering && (recovering || manyPassed))
        {
            return TimeSpan.Zero;
        }

        return new(Math.Min((_multiplier + 1) * minRtt.Ticks / 4, smoothed.Ticks));
    }

    /// <summary>
    /// Step 5: up to which position of a part everything that has not arrived was sent before something that has; the
    /// part's start or below when nothing was.
    /// </summary>
    public readonly long PassedIn(in SentPart part) =>
        part.At < _since ? part.End : part.At == _sentAt ? Math.Min(part.End, _end) : long.MinValue;

    /// <summary>Time went by that the connection did not see.</summary>
    public void Postpone(TimeSpan by) => (_sentAt, _since) = (_sentAt + by, _since + by);

    /// <summary>Takes what a snapshot says.</summary>
    public void Restore(TcpSnapshot s, Instant now)
    {
        (_sentAt, _end, _rtt, _highest) = (s.RackEnd > 0 ? now - s.RackSince : default, s.RackEnd, s.RackRtt, s.RackHighest);
        _since = _sentAt;
        (_dsackRound, _multiplier, _persistence, _reordering) = (s.RackDsackRound, s.RackMultiplier, s.RackPersistence, s.RackReordering);
    }
}
