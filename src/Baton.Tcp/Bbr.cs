using Baton.Wire;

namespace Baton.Tcp;

/// <summary>Where BBR stands (§4.3.1).</summary>
internal enum BbrMode : byte
{
    /// <summary>Doubling until the path delivers no more.</summary>
    Startup,

    /// <summary>Draining the queue that this made.</summary>
    Drain,

    /// <summary>Cruising at the path's rate, now and then a little faster, then slower.</summary>
    ProbeBandwidth,

    /// <summary>Nearly nothing in flight for a moment, to see the round trip without a queue.</summary>
    ProbeRoundTrip,
}

/// <summary>
/// BBR version 1 (draft-cardwell-iccrg-bbr-congestion-control-00, whose sections are cited): sends at the rate that the path
/// was seen to deliver, with twice what it holds in flight at most, instead of filling its queue until something is
/// lost. Paced. A loss changes nothing in the model; it limits what is in flight for a round trip.
/// </summary>
internal sealed class Bbr : CongestionControl
{
    // §4.2.1, §4.3.4.
    private const double HighGain = 2.885;
    private const double WindowGain = 2;
    private const int BandwidthRounds = 10;
    private const int LeastSegments = 4;
    private const double FullGrowth = 1.25;
    private const int FullRounds = 3;
    private static readonly TimeSpan MinRttLife = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ProbeLength = TimeSpan.FromMilliseconds(200);
    private static readonly double[] s_cycle = [1.25, 0.75, 1, 1, 1, 1, 1, 1];

    [NotInSnapshot("measures what this owner sends")]
    private readonly DeliveryRate _rate = new();

    [InSnapshot(nameof(TcpSnapshot.CongestionDetails))]
    private WindowedMax _bandwidth;

    [InSnapshot(nameof(TcpSnapshot.CongestionDetails))]
    private BbrMode _mode;

    [InSnapshot(nameof(TcpSnapshot.CongestionDetails))]
    private bool _filled;

    [InSnapshot(nameof(TcpSnapshot.CongestionDetails))]
    private double _full;

    [InSnapshot(nameof(TcpSnapshot.CongestionDetails))]
    private int _fullRounds;

    [InSnapshot(nameof(TcpSnapshot.CongestionDetails))]
    private TimeSpan _minRtt;

    [InSnapshot(nameof(TcpSnapshot.CongestionDetails))]
    private Instant _minRttAt;

    [InSnapshot(nameof(TcpSnapshot.CongestionDetails))]
    private int _cycle;

    [InSnapshot(nameof(TcpSnapshot.CongestionDetails))]
    private Instant _cycleAt;

    [InSnapshot(nameof(TcpSnapshot.CongestionDetails))]
    private double _pacing;

    [NotInSnapshot("rounds are counted by what this owner sees delivered")]
    private long _round;

    [NotInSnapshot("rounds are counted by what this owner sees delivered")]
    private long _roundEnd;

    [NotInSnapshot("the window's share of a recovery ends with a move")]
    private RecoveryPhase _phase;

    [NotInSnapshot("the window's share of a recovery ends with a move")]
    private long _conservedUntil;

    [NotInSnapshot("a probe of the round trip under way begins again")]
    private Instant _probeEnd = Instant.Never;

    [NotInSnapshot("a probe of the round trip under way begins again")]
    private long _probeRound;

    [NotInSnapshot("said again when nothing is in flight")]
    private bool _restarted;

    /// <inheritdoc/>
    public override CongestionAlgorithm Algorithm => CongestionAlgorithm.Bbr;

    /// <summary>None: there is no slow start below a threshold.</summary>
    public override int Threshold => MaxWindow;

    /// <inheritdoc/>
    public override int PriorThreshold => MaxWindow;

    /// <summary>Marks are no losses, and version 1 has no other answer to them; so routers are not asked to mark.</summary>
    public override bool AnswersMarks => false;

    /// <inheritdoc/>
    public override bool ModelsPath => true;

    /// <summary>Where it stands.</summary>
    internal BbrMode Mode => _mode;

    private double PacingGain => _mode switch
    {
        BbrMode.Startup => HighGain,
        BbrMode.Drain => 1 / HighGain,
        BbrMode.ProbeBandwidth => s_cycle[_cycle],
        _ => 1,
    };

    /// <summary>Before there is a measurement (§4.2.1): the initial window in a round trip, or in a millisecond.</summary>
    public override double PacingRate(TimeSpan smoothed) =>
        _pacing > 0 ? _pacing : HighGain * Window / (smoothed > TimeSpan.Zero ? smoothed.TotalSeconds : 0.001);

    /// <inheritdoc/>
    public override void OnSent(Instant now, long end, int pipe, TimeSpan grain)
    {
        _restarted |= pipe == 0 && _rate.IsAppLimited;
        _rate.OnSent(now, end, pipe, grain);
    }

    /// <inheritdoc/>
    public override void OnQuiet(int pipe) => _rate.OnQuiet(pipe);

    /// <summary>§4.1: the model, then what it makes of rate and window.</summary>
    public override void OnDelivered(in DeliverySample sample)
    {
        var rate = _rate.OnDelivered(in sample);
        bool begins = UpdateBandwidth(in rate);
        if (rate.BytesPerSecond > 0 && rate.PriorDelivered >= _conservedUntil)
        {
            _conservedUntil = 0;
        }

        UpdateCycle(in sample);
        UpdateFull(in sample, in rate, begins);
        UpdateDrain(in sample);
        UpdateRoundTrip(in sample);
        SetPacing();
        SetWindow(in sample);
    }

    /// <inheritdoc/>
    public override void OnAcknowledged(in AckSample sample)
    {
    }

    /// <summary>A loss says nothing about the path's rate; what the window was comes back after recovery (§4.2.3.4).</summary>
    public override void OnLoss(int flight, int mss, bool again) => Remember();

    /// <inheritdoc/>
    public override void OnTimeout(int flight, int mss, bool first, bool again)
    {
        if (first)
        {
            Remember();
        }

        Window = mss;
    }

    /// <inheritdoc/>
    public override void Undo()
    {
        Window = Math.Max(Window, PriorWindow);
        (_full, _fullRounds) = (0, 0);
    }

    /// <inheritdoc/>
    public override void Inflate(int bytes)
    {
    }

    /// <inheritdoc/>
    public override void OnPartialAck(int bytes, int mss)
    {
    }

    /// <inheritdoc/>
    public override void OnRecovered(int flight, int mss)
    {
    }

    /// <summary>What is known of the path does not grow old in a timeout; pacing keeps what follows from being a burst.</summary>
    public override void OnIdle(int mss)
    {
    }

    /// <summary>Its window in recovery is its own.</summary>
    public override void Set(int window)
    {
    }

    /// <inheritdoc/>
    public override long[] Details(Instant now) =>
    [
        (long)(_mode == BbrMode.ProbeRoundTrip ? ModeAfterProbe() : _mode), _filled ? 1 : 0, (long)_full, _fullRounds,
        _minRtt.Ticks, Math.Max(0, (now - _minRttAt).Ticks), _cycle, Math.Max(0, (now - _cycleAt).Ticks), (long)_pacing,
        .. _bandwidth.Details(_round),
    ];

    /// <inheritdoc/>
    protected override void RestoreDetails(DetailReader details, Instant now)
    {
        _mode = (BbrMode)details.Next(0, (long)BbrMode.ProbeBandwidth);
        _filled = details.Next(0, 1) == 1;
        _full = details.Next(0, 1L << 50);
        _fullRounds = (int)details.Next(0, FullRounds);
        _minRtt = new(details.Next(0, TimeSpan.TicksPerHour));
        _minRttAt = now - new TimeSpan(details.Next(0, TimeSpan.TicksPerDay));
        _cycle = (int)details.Next(0, s_cycle.Length - 1);
        _cycleAt = now - new TimeSpan(details.Next(0, TimeSpan.TicksPerDay));
        _pacing = details.Next(0, 1L << 50);
        _bandwidth.Restore(ref details);
    }

    /// <summary>§4.1.1.3, §4.1.2.1; true when a round begins.</summary>
    private bool UpdateBandwidth(in RateSample rate)
    {
        bool begins = rate.BytesPerSecond > 0 && rate.PriorDelivered >= _roundEnd;
        if (begins)
        {
            _roundEnd = _rate.Delivered;
            _round++;
        }

        // What an application did not fill tells a lower bound only.
        if (rate.BytesPerSecond > 0 && (!rate.AppLimited || rate.BytesPerSecond >= _bandwidth.Best))
        {
            _bandwidth.Add(rate.BytesPerSecond, _round, BandwidthRounds);
        }

        return begins;
    }

    /// <summary>§4.3.4.3.</summary>
    private void UpdateCycle(in DeliverySample s)
    {
        if (_mode != BbrMode.ProbeBandwidth)
        {
            return;
        }

        bool full = s.Now - _cycleAt > _minRtt;
        double gain = s_cycle[_cycle];
        bool over = gain > 1 ? full && (s.Phase != RecoveryPhase.Open || s.Flight >= Inflight(gain, s.Mss))
            : gain < 1 ? full || s.Flight <= Inflight(1, s.Mss)
            : full;
        if (over)
        {
            (_cycle, _cycleAt) = ((_cycle + 1) % s_cycle.Length, s.Now);
        }
    }

    /// <summary>
    /// §4.3.2.2: three rounds without a quarter more say that the pipe is full. So does a fiftieth of it lost at once, which
    /// is version 3's (draft-ietf-ccwg-bbr §5.3.1.3): three more rounds into a queue that overflows would lose most.
    /// </summary>
    private void UpdateFull(in DeliverySample sample, in RateSample rate, bool begins)
    {
        if (!_filled && sample.Phase == RecoveryPhase.Fast && sample.Lost * 50 > Inflight(1, sample.Mss) && sample.Lost > 8 * sample.Mss)
        {
            _filled = true;
            return;
        }

        if (_filled || !begins || rate.AppLimited)
        {
            return;
        }

        if (_bandwidth.Best >= _full * FullGrowth)
        {
            (_full, _fullRounds) = (_bandwidth.Best, 0);
        }
        else
        {
            _filled = ++_fullRounds >= FullRounds;
        }
    }

    /// <summary>§4.3.3.</summary>
    private void UpdateDrain(in DeliverySample s)
    {
        if (_mode == BbrMode.Startup && _filled)
        {
            _mode = BbrMode.Drain;
        }

        if (_mode == BbrMode.Drain && s.Pipe <= Inflight(1, s.Mss))
        {
            EnterProbeBandwidth(s.Now);
        }
    }

    private void EnterProbeBandwidth(Instant now)
    {
        // §4.3.4.3 picks a phase other than the slow one at random; the clock is as good, and differs between flows.
        int phase = (int)(now.Ticks / 10 % (s_cycle.Length - 1));
        (_mode, _cycle, _cycleAt) = (BbrMode.ProbeBandwidth, phase == 0 ? 0 : phase + 1, now);
    }

    /// <summary>§4.1.2.3, §4.3.5.</summary>
    private void UpdateRoundTrip(in DeliverySample s)
    {
        bool expired = s.Now - _minRttAt > MinRttLife && _minRtt > TimeSpan.Zero;
        if (s.Rtt is { } rtt && (rtt <= _minRtt || expired || _minRtt == TimeSpan.Zero))
        {
            (_minRtt, _minRttAt) = (new(Math.Max(1, rtt.Ticks)), s.Now);
        }

        if (expired && _mode != BbrMode.ProbeRoundTrip && !_restarted)
        {
            Remember();
            (_mode, _probeEnd) = (BbrMode.ProbeRoundTrip, Instant.Never);
        }

        _restarted &= s.Delivered == 0;
        if (_mode != BbrMode.ProbeRoundTrip)
        {
            return;
        }

        // What is not sent now says nothing about the path.
        _rate.OnQuiet(s.Pipe);
        if (_probeEnd == Instant.Never)
        {
            if (s.Pipe <= LeastSegments * s.Mss)
            {
                (_probeEnd, _probeRound, _roundEnd) = (s.Now + ProbeLength, _round, _rate.Delivered);
            }
        }
        else if (_round > _probeRound && s.Now > _probeEnd)
        {
            _minRttAt = s.Now;
            Window = Math.Max(Window, PriorWindow);
            _mode = ModeAfterProbe();
            if (_mode == BbrMode.ProbeBandwidth)
            {
                EnterProbeBandwidth(s.Now);
            }
        }
    }

    private BbrMode ModeAfterProbe() => _filled ? BbrMode.ProbeBandwidth : BbrMode.Startup;

    /// <summary>§4.2.1: one percent less than was measured, so that no queue stays (as Linux does).</summary>
    private void SetPacing()
    {
        double rate = PacingGain * _bandwidth.Best * 0.99;
        if (rate > 0 && (_filled || rate > _pacing))
        {
            _pacing = rate;
        }
    }

    /// <summary>§4.2.3.</summary>
    private void SetWindow(in DeliverySample s)
    {
        int target = Inflight(_mode is BbrMode.Startup or BbrMode.Drain ? HighGain : WindowGain, s.Mss);
        var before = _phase;
        _phase = s.Phase;
        if (_phase == RecoveryPhase.Fast && before != RecoveryPhase.Fast)
        {
            // §4.2.3.4: as much as arrives, for a round trip.
            Window = s.Pipe + Math.Max(s.Delivered, s.Mss);
            _conservedUntil = Math.Max(1, _rate.Delivered);
        }
        else if (_phase == RecoveryPhase.Open && before != RecoveryPhase.Open)
        {
            Window = Math.Max(Window, PriorWindow);
            _conservedUntil = 0;
        }

        if (_phase == RecoveryPhase.Fast && _conservedUntil > 0)
        {
            Window = Math.Max(Window, s.Pipe + s.Delivered);
        }
        else if (_filled)
        {
            Window = Math.Min(Window + s.Delivered, target);
        }
        else if (Window < target || _rate.Delivered < InitialWindow(s.Mss))
        {
            Window += s.Delivered;
        }

        Window = Math.Max(Window, LeastSegments * s.Mss);
        if (_mode == BbrMode.ProbeRoundTrip)
        {
            Window = Math.Min(Window, LeastSegments * s.Mss);
        }
    }

    /// <summary>§4.2.3.2: what the path holds, by a gain, and three quanta for what waits in hosts.</summary>
    private int Inflight(double gain, int mss)
    {
        if (_minRtt == TimeSpan.Zero || _bandwidth.Best == 0)
        {
            return InitialWindow(mss);
        }

        double product = _bandwidth.Best * _minRtt.TotalSeconds;
        double quantum = Math.Clamp(_pacing * 0.001, 2 * mss, SegmentDeparture.MaxPayload);
        return (int)Math.Min(MaxWindow, (gain * product) + (3 * quantum));
    }

    private void Remember() =>
        PriorWindow = _phase == RecoveryPhase.Open && _mode != BbrMode.ProbeRoundTrip ? Window : Math.Max(PriorWindow, Window);
}
