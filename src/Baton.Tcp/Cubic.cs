using Baton.Wire;

namespace Baton.Tcp;

/// <summary>
/// CUBIC (RFC 9438): after a loss the window returns to where it was along a cubic function of the time since, fast at
/// first, slow near the old maximum, then faster again; never slower than Reno would. Slow start is HyStart++'s.
/// </summary>
internal sealed class Cubic : LossBasedControl
{
    // RFC 9438 §4.1, §5.1.
    private const double C = 0.4;
    private const double Beta = 0.7;
    private const double RenoAlpha = 3 * (1 - Beta) / (1 + Beta);

    [InSnapshot(nameof(TcpSnapshot.CongestionDetails))]
    private HyStart _hyStart;

    [InSnapshot(nameof(TcpSnapshot.CongestionDetails))]
    private Instant _epoch = Instant.Never;

    [InSnapshot(nameof(TcpSnapshot.CongestionDetails))]
    private Instant _lastAck;

    [InSnapshot(nameof(TcpSnapshot.CongestionDetails))]
    private int _max;

    [InSnapshot(nameof(TcpSnapshot.CongestionDetails))]
    private int _atEpoch;

    [NotInSnapshot("derived: K, from the two before")]
    private double _k;

    [InSnapshot(nameof(TcpSnapshot.CongestionDetails))]
    private int _reno;

    [InSnapshot(nameof(TcpSnapshot.CongestionDetails))]
    private int _renoCredit;

    [InSnapshot(nameof(TcpSnapshot.CongestionDetails))]
    private int _credit;

    [InSnapshot(nameof(TcpSnapshot.CongestionDetails))]
    private int _priorMax;

    [InSnapshot(nameof(TcpSnapshot.CongestionDetails))]
    private bool _lossSeen;

    /// <inheritdoc/>
    public override CongestionAlgorithm Algorithm => CongestionAlgorithm.Cubic;

    /// <inheritdoc/>
    public override long[] Details(Instant now) =>
    [
        _epoch == Instant.Never ? -1 : Math.Max(0, (now - _epoch).Ticks), Math.Max(0, (now - _lastAck).Ticks),
        _max, _atEpoch, _reno, _renoCredit, _credit, _priorMax, _lossSeen ? 1 : 0, .. _hyStart.Details(),
    ];

    /// <inheritdoc/>
    protected override void RestoreDetails(DetailReader details, Instant now)
    {
        long age = details.Next(-1, TimeSpan.TicksPerDay);
        _epoch = age < 0 ? Instant.Never : now - new TimeSpan(age);
        _lastAck = now - new TimeSpan(details.Next(0, TimeSpan.TicksPerDay));
        _max = (int)details.Next(0, MaxWindow);
        _atEpoch = (int)details.Next(0, MaxWindow);
        _reno = (int)details.Next(0, MaxWindow);
        _renoCredit = (int)details.Next(0, MaxWindow);
        _credit = (int)details.Next(0, MaxWindow);
        _priorMax = (int)details.Next(0, MaxWindow);
        _lossSeen = details.Next(0, 1) == 1;
        _hyStart.Restore(ref details);
        _k = -1;
    }

    /// <inheritdoc/>
    protected override int OnSlowStart(in AckSample sample, int bytes)
    {
        _lastAck = sample.Now;
        if (_lossSeen)
        {
            // RFC 9406 §4.3: for the first slow start only.
            return bytes;
        }

        int growth = _hyStart.OnAck(in sample, bytes, out bool over);
        if (over)
        {
            LeaveSlowStart();
            _lossSeen = true;
        }

        return growth;
    }

    /// <inheritdoc/>
    protected override void OnAvoidance(in AckSample sample, bool limited)
    {
        if (_epoch == Instant.Never)
        {
            BeginEpoch(sample.Now);
        }
        else if (!limited)
        {
            // §5.8: time in which the window was not used is no time on the curve.
            _epoch += sample.Now - _lastAck;
        }

        _lastAck = sample.Now;
        if (!limited)
        {
            return;
        }

        // §4.3: what Reno would have by now.
        double alpha = _reno >= _max ? 1 : RenoAlpha;
        _renoCredit = Add(_renoCredit, (int)(sample.Bytes * alpha));
        if (_renoCredit >= Window)
        {
            _renoCredit -= Window;
            _reno = Add(_reno, sample.Mss);
        }

        _k = _k >= 0 ? _k : Math.Cbrt((_max - _atEpoch) / (C * sample.Mss));
        double since = (sample.Now - _epoch).TotalSeconds;
        if (Curve(since, sample.Mss) < _reno)
        {
            Grow(Math.Max(0, _reno - Window));
            return;
        }

        // §4.4, §4.5: towards the value one round trip ahead, at most half as much again per window.
        double target = Math.Min(Curve(since + sample.Smoothed.TotalSeconds, sample.Mss), 1.5 * Window);
        double growth = Math.Max(0, target - Window) * sample.Bytes / Window;
        _credit += (int)(growth * 64);
        Grow(_credit / 64);
        _credit %= 64;
    }

    /// <summary>§4.6 and §4.7: to 0.7 of what is in flight, and with less than before, room for a newcomer (fast convergence).</summary>
    protected override int Reduce(int flight, int mss)
    {
        _priorMax = _max;
        _max = Window < _max ? (int)(Window * (1 + Beta) / 2) : Window;
        _epoch = Instant.Never;
        _lossSeen = true;
        _hyStart.Reset();
        return (int)(flight * Beta);
    }

    /// <summary>§4.9.</summary>
    protected override void TakeBack() => (_max, _epoch) = (Math.Max(_max, _priorMax), Instant.Never);

    /// <inheritdoc/>
    protected override void OnPause() => _epoch = Instant.Never;

    private static int Add(int a, int b) => (int)Math.Min(MaxWindow, (long)a + b);

    /// <summary>A stage of congestion avoidance begins (§4.2); where no loss ended the one before, the curve begins at its origin (§4.8).</summary>
    private void BeginEpoch(Instant now)
    {
        _epoch = now;
        _max = Math.Max(_max, Window);
        (_atEpoch, _reno, _renoCredit, _credit, _k) = (Window, Window, 0, 0, -1);
    }

    /// <summary>W_cubic in bytes (§4.2, equations 1 and 2).</summary>
    private double Curve(double seconds, int mss)
    {
        double t = seconds - _k;
        return (C * t * t * t * mss) + _max;
    }
}
