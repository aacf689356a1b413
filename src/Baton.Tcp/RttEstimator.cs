using Baton.Wire;

namespace Baton.Tcp;

/// <summary>Smoothed round trip and retransmission timeout (RFC 6298), each of 429 seconds at most: they are kept as 32 bits of 100 ns.</summary>
internal struct RttEstimator(TimeSpan initial)
{
    /// <summary>After so long the path may be another, and the shortest round trip with it.</summary>
    private static readonly TimeSpan MinLife = TimeSpan.FromMinutes(5);

    [InSnapshot(nameof(TcpSnapshot.SmoothedRtt))]
    private uint _smoothed;

    [InSnapshot(nameof(TcpSnapshot.RttVariance))]
    private uint _variance;

    [InSnapshot(nameof(TcpSnapshot.Rto))]
    private uint _rto = Fit(initial);

    [InSnapshot(nameof(TcpSnapshot.MinRtt))]
    private uint _min;

    [InSnapshot(nameof(TcpSnapshot.SinceMinRtt))]
    private Instant _minAt;

    [InSnapshot(nameof(TcpSnapshot.RtoBackoff))]
    private ushort _backoff;

    [InSnapshot(nameof(TcpSnapshot.RtoExpirations))]
    private ushort _expirations;

    /// <summary>The path's shortest round trip of the last minutes, or zero before the first measurement (RFC 8985 §6.1).</summary>
    public readonly TimeSpan Min => new(_min);

    /// <summary>When it was measured.</summary>
    public readonly Instant MinAt => _minAt;

    /// <summary>SRTT, or zero before the first measurement.</summary>
    public readonly TimeSpan Smoothed => new(_smoothed);

    /// <summary>RTTVAR.</summary>
    public readonly TimeSpan Variance => new(_variance);

    /// <summary>The timeout without back-off.</summary>
    public readonly TimeSpan BaseRto => new(_rto);

    /// <summary>Doublings of the timeout: until the next measurement (RFC 6298 §5.7).</summary>
    public readonly int Backoff => _backoff;

    /// <summary>Times the timer has expired since something new was acknowledged.</summary>
    public readonly int Expirations => _expirations;

    /// <summary>The timeout with back-off.</summary>
    public readonly TimeSpan Rto(TcpSettings settings) => BackedOff(_backoff, settings);

    /// <summary>The timeout doubled <paramref name="times"/> times, within the bounds.</summary>
    public readonly TimeSpan BackedOff(int times, TcpSettings settings)
    {
        long ticks = _rto;
        for (int i = 0; i < times && ticks < settings.MaxRto.Ticks; i++)
        {
            ticks *= 2;
        }

        return new(Math.Min(ticks, settings.MaxRto.Ticks));
    }

    /// <summary>A measurement of a segment that was sent once, or that its timestamp tells apart (RFC 6298 §2.2, §2.3, §3).</summary>
    public void OnSample(TimeSpan rtt, TcpSettings settings)
    {
        long measured = Fit(rtt);
        if (_smoothed == 0)
        {
            _smoothed = (uint)Math.Max(1, measured);
            _variance = (uint)(measured / 2);
        }
        else
        {
            long error = Math.Abs(_smoothed - measured);
            _variance = (uint)(_variance + ((error - _variance) / 4));
            _smoothed = (uint)Math.Max(1, _smoothed + ((measured - _smoothed) / 8));
        }

        long rto = _smoothed + Math.Max(settings.RtoMargin.Ticks, 4L * _variance);
        _rto = Fit(new(Math.Clamp(rto, settings.MinRto.Ticks, settings.MaxRto.Ticks)));
        _backoff = 0;
    }

    /// <summary>The round trip of something sent once.</summary>
    public void OnRoundTrip(TimeSpan rtt, Instant now)
    {
        if (rtt.Ticks <= _min || _min == 0 || now - _minAt > MinLife)
        {
            (_min, _minAt) = (Math.Max(1, Fit(rtt)), now);
        }
    }

    /// <summary>The timer expired: back off (RFC 6298 §5.5).</summary>
    public void OnTimeout()
    {
        _backoff++;
        _expirations++;
    }

    /// <summary>Something new was acknowledged: counting expirations starts again.</summary>
    public void OnProgress() => _expirations = 0;

    /// <summary>
    /// The SYN had to be repeated and nothing was measured: three times the timeout that it began with, 3 s of 1 s, from the first
    /// data on (RFC 6298 §5.7).
    /// </summary>
    public void OnSynRetransmitted(TcpSettings settings)
    {
        if (_smoothed == 0)
        {
            var fallback = 3 * settings.InitialRto;
            _rto = Fit(fallback < settings.MaxRto ? fallback : settings.MaxRto);
            _backoff = 0;
        }
    }

    /// <summary>Takes what a snapshot says.</summary>
    public void Restore(TcpSnapshot s, Instant now)
    {
        (_smoothed, _variance, _rto) = (Fit(s.SmoothedRtt), Fit(s.RttVariance), Fit(s.Rto));
        (_backoff, _expirations) = ((ushort)s.RtoBackoff, (ushort)s.RtoExpirations);
        (_min, _minAt) = (Fit(s.MinRtt), now - s.SinceMinRtt);
    }

    private static uint Fit(TimeSpan time) => (uint)Math.Clamp(time.Ticks, 0, uint.MaxValue);
}
