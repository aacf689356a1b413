using Baton.Wire;

namespace Baton.Tcp;

/// <summary>
/// HyStart++ (RFC 9406): a round trip that grows during the first slow start says that a queue builds up. Growth then is
/// slower for some rounds (conservative slow start), and slow start ends unless the round trip falls again.
/// </summary>
internal struct HyStart
{
    // RFC 9406 §4.3.
    private const int SamplesNeeded = 8;
    private const int GrowthDivisor = 4;
    private const int Rounds = 5;
    private const int RttDivisor = 8;
    private static readonly TimeSpan MinThreshold = TimeSpan.FromMilliseconds(4);
    private static readonly TimeSpan MaxThreshold = TimeSpan.FromMilliseconds(16);

    [InSnapshot(nameof(TcpSnapshot.CongestionDetails))]
    private long _windowEnd;

    [InSnapshot(nameof(TcpSnapshot.CongestionDetails))]
    private TimeSpan _current;

    [InSnapshot(nameof(TcpSnapshot.CongestionDetails))]
    private TimeSpan _last;

    [InSnapshot(nameof(TcpSnapshot.CongestionDetails))]
    private TimeSpan _baseline;

    [InSnapshot(nameof(TcpSnapshot.CongestionDetails))]
    private byte _samples;

    [InSnapshot(nameof(TcpSnapshot.CongestionDetails))]
    private byte _rounds;

    /// <summary>Whether growth is conservative.</summary>
    public readonly bool Conservative => _rounds > 0;

    /// <summary>An ACK in slow start: the bytes by which the window may grow; <paramref name="over"/>: slow start ends.</summary>
    public int OnAck(in AckSample sample, int bytes, out bool over)
    {
        over = false;
        if (sample.Una >= _windowEnd)
        {
            // A new round (§4.2).
            over = _rounds > 0 && ++_rounds > Rounds;
            (_last, _current, _samples, _windowEnd) = (_current, TimeSpan.MaxValue, 0, sample.Nxt);
        }

        if (sample.Rtt is { } rtt)
        {
            _current = rtt < _current ? rtt : _current;
            _samples = (byte)Math.Min(byte.MaxValue, _samples + 1);
        }

        if (_samples >= SamplesNeeded && _current < TimeSpan.MaxValue)
        {
            Judge();
        }

        return Conservative ? Math.Max(1, bytes / GrowthDivisor) : bytes;
    }

    /// <summary>The first slow start is over, or begins anew after an idle time.</summary>
    public void Reset() => this = default;

    /// <summary>The numbers for a snapshot.</summary>
    public readonly long[] Details() => [_windowEnd, _current.Ticks, _last.Ticks, _baseline.Ticks, _samples, _rounds];

    /// <summary>Takes the numbers of a snapshot.</summary>
    public void Restore(ref DetailReader details)
    {
        _windowEnd = details.Next(0, long.MaxValue);
        _current = new(details.Next(0, long.MaxValue));
        _last = new(details.Next(0, long.MaxValue));
        _baseline = new(details.Next(0, long.MaxValue));
        _samples = (byte)details.Next(0, byte.MaxValue);
        _rounds = (byte)details.Next(0, Rounds);
    }

    private void Judge()
    {
        if (_rounds > 0)
        {
            // §4.2: the round trip fell again, the growth had been spurious.
            _rounds = _current < _baseline ? (byte)0 : _rounds;
            return;
        }

        if (_last <= TimeSpan.Zero || _last == TimeSpan.MaxValue)
        {
            return;
        }

        var threshold = new TimeSpan(Math.Clamp(_last.Ticks / RttDivisor, MinThreshold.Ticks, MaxThreshold.Ticks));
        if (_current >= _last + threshold)
        {
            (_baseline, _rounds) = (_current, 1);
        }
    }
}
