using Baton.Wire;

namespace Baton.Tcp;

/// <summary>
/// Timestamps (RFC 7323 §3 to §5): our clock of milliseconds with an offset of its own per connection, the peer's latest
/// value to echo, and protection against wrapped sequence numbers.
/// </summary>
internal struct Timestamps(uint offset)
{
    /// <summary>After so long without a segment the peer's clock may have wrapped: its last value says nothing (RFC 7323 §5.5).</summary>
    private static readonly TimeSpan Outdated = TimeSpan.FromDays(24);

    [InSnapshot(nameof(TcpSnapshot.TsValue))]
    private uint _offset = offset;

    [InSnapshot(nameof(TcpSnapshot.TimestampsOn))]
    private bool _on;

    [InSnapshot(nameof(TcpSnapshot.TsRecent))]
    private uint _recent;

    [InSnapshot(nameof(TcpSnapshot.TsRecentAge))]
    private Instant _recentAt;

    /// <summary>Whether both SYNs carried the option.</summary>
    public readonly bool On => _on;

    /// <summary>TS.Recent.</summary>
    public readonly uint Recent => _recent;

    /// <summary>When TS.Recent was set.</summary>
    public readonly Instant RecentAt => _recentAt;

    /// <summary>TSval now.</summary>
    public readonly uint Value(Instant now) => (uint)(now.Ticks / TimeSpan.TicksPerMillisecond) + _offset;

    /// <summary>Both SYNs carried the option.</summary>
    public void Agree(uint peerValue, Instant now) => (_on, _recent, _recentAt) = (true, peerValue, now);

    /// <summary>R1 of RFC 7323 §5.3: an older value is a segment from before a wrap. A segment without the option is dropped too (§3.2).</summary>
    public readonly bool Rejects(in TcpOptions options, Instant now)
    {
        if (!_on)
        {
            return false;
        }

        return !options.HasTimestamps
            || ((int)(options.TimestampValue - _recent) < 0 && now - _recentAt < Outdated);
    }

    /// <summary>R3 of RFC 7323 §5.3: the value of a segment that spans the last ACK sent is the one to echo.</summary>
    public void OnSegment(in TcpOptions options, long position, long lastAckSent, Instant now)
    {
        if (_on && options.HasTimestamps && position <= lastAckSent)
        {
            (_recent, _recentAt) = (options.TimestampValue, now);
        }
    }

    /// <summary>The round trip an echo tells, in milliseconds (RFC 7323 §4.1).</summary>
    public readonly TimeSpan? RoundTrip(in TcpOptions options, Instant now)
    {
        if (!_on || !options.HasTimestamps || options.TimestampEcho == 0)
        {
            return null;
        }

        int elapsed = (int)(Value(now) - options.TimestampEcho);
        return elapsed < 0 ? null : TimeSpan.FromMilliseconds(elapsed);
    }

    /// <summary>Adds the option to a header.</summary>
    public readonly void Write(ref TcpOptions options, Instant now)
    {
        options.HasTimestamps = true;
        options.TimestampValue = Value(now);
        options.TimestampEcho = _recent;
    }

    /// <summary>Takes what a snapshot says; our clock goes on from the value it had.</summary>
    public void Restore(TcpSnapshot s, Instant now)
    {
        _offset = 0;
        _offset = s.TsValue - Value(now);
        (_on, _recent, _recentAt) = (s.TimestampsOn, s.TsRecent, now - s.TsRecentAge);
    }
}
