using Baton.Wire;

namespace Baton.Tcp;

/// <summary>
/// The sending half (RFC 9293 §3.3.1, SND variables). Positions are 64-bit and unwrapped: 0 is the SYN, 1 the first byte,
/// and the FIN stands after the last.
/// </summary>
internal sealed class Sender(TcpSettings settings, SeqNum iss)
{
    [NotInSnapshot("the owner's settings")]
    private TcpSettings _settings = settings;

    [NotInSnapshot("its parts are listed at TimerTable")]
    private TimerTable _timers = new();

    [NotInSnapshot("its parts are listed at PersistTimer")]
    private PersistTimer _persist;

    [InSnapshot(nameof(TcpSnapshot.Iss))]
    private readonly SeqNum _iss = iss;

    [InSnapshot(nameof(TcpSnapshot.SndUna))]
    private long _una;

    [InSnapshot(nameof(TcpSnapshot.SndNxt))]
    private long _nxt;

    [InSnapshot(nameof(TcpSnapshot.FinPosition))]
    private long _finPosition = -1;

    [InSnapshot(nameof(TcpSnapshot.SndWindow))]
    private int _window;

    [InSnapshot(nameof(TcpSnapshot.SndMaxWindow))]
    private int _maxWindow;

    [InSnapshot(nameof(TcpSnapshot.SndWl1))]
    private long _wl1;

    [InSnapshot(nameof(TcpSnapshot.SndWl2))]
    private long _wl2;

    [InSnapshot(nameof(TcpSnapshot.SndWindowScale))]
    private byte _scale;

    [InSnapshot(nameof(TcpSnapshot.SndMss))]
    private ushort _mss = settings.DefaultPeerMss;

    [InSnapshot(nameof(TcpSnapshot.SinceLastSent))]
    private Instant _lastSent;

    [InSnapshot(nameof(TcpSnapshot.SackOn))]
    private bool _usesSack;

    [NotInSnapshot("its parts are listed at SendQueue")]
    private SendQueue _queue = new();

    [NotInSnapshot("its parts are listed at RttEstimator")]
    private RttEstimator _rtt = new(settings.InitialRto);

    [NotInSnapshot("its parts are listed at LossRecovery")]
    private LossRecovery? _recovery;

    [NotInSnapshot("its parts are listed at Pacer")]
    private Pacer? _pacer = PacerOf(settings, settings.Congestion);

    [NotInSnapshot("its parts are listed at Incidents")]
    private Incidents? _incidents;

    [InSnapshot(nameof(TcpSnapshot.CongestionAlgorithm))]
    private CongestionAlgorithm _algorithm = settings.Congestion;

    [NotInSnapshot("its parts are listed at CongestionControl")]
    private CongestionControl? _congestion;

    [NotInSnapshot("the beginning of a connection: a snapshot has the window that follows from it")]
    private bool _synRepeated;

    [NotInSnapshot("its parts are listed at SocketOptions")]
    private SocketOptions? _options = SocketOptions.Of(settings);

    /// <summary>The bytes.</summary>
    public ref SendQueue Queue => ref _queue;

    /// <summary>Round trip and timeout.</summary>
    public ref RttEstimator Rtt => ref _rtt;

    /// <summary>The retransmission timeout with back-off.</summary>
    public TimeSpan Rto => _rtt.Rto(_settings);

    /// <summary>The congestion window; there from the first text on.</summary>
    public CongestionControl Congestion => _congestion ??= Begin();

    /// <summary>The algorithm that sets it.</summary>
    public CongestionAlgorithm Algorithm => _algorithm;

    /// <summary>What is known of what is in flight; with nothing in flight only for reading.</summary>
    public LossRecovery Recovery => _recovery ?? LossRecovery.Calm;

    /// <summary>Probing a window that holds data back.</summary>
    public ref PersistTimer Persist => ref _persist;

    /// <summary>What the application asked for; null: nothing.</summary>
    public SocketOptions? Options => _options;

    /// <summary>The search for the path's MTU after a black hole; null: none was found.</summary>
    public PathSearch? Search => _incidents?.Search;

    /// <summary>When what pacing holds back may go, or never.</summary>
    public Instant WakeAt => _pacer is null ? Instant.Never : _pacer.WakeAt;

    /// <summary>Whether small segments wait for no ACK.</summary>
    [field: InSnapshot(nameof(TcpSnapshot.NoDelay))]
    public bool NoDelay { get; set; } = settings.NoDelay;

    /// <summary>Whether what the congestion window knows grows old.</summary>
    public bool SlowsAfterIdle => _settings.SlowStartAfterIdle;

    /// <summary>Counts and limits of what is out of the ordinary: there from the first such thing on.</summary>
    public Incidents Incidents => _incidents ??= new();

    /// <summary>Those that there are.</summary>
    public Incidents? KnownIncidents => _incidents;

    /// <summary>The counts of what is out of the ordinary.</summary>
    public TcpCounters IncidentCounts => _incidents?.Counts ?? default;

    public TcpSettings Settings { get => _settings; set => _settings = value; }
    public SeqNum Iss => _iss;
    public long Una => _una;
    public long Nxt => _nxt;
    public long FinPosition => _finPosition;
    public int Window => _window;
    public int MaxWindow => _maxWindow;
    public long Wl1 => _wl1;
    public long Wl2 => _wl2;
    public int Scale => _scale;
    public int Mss => _mss;
    public Instant LastSent => _lastSent;
    public ref TimerTable Timers => ref _timers;

    /// <summary>Whether something is sent and not acknowledged.</summary>
    public bool InFlight => _nxt > _una;

    /// <summary>Whether something was never sent.</summary>
    public bool HasUnsent => _nxt >= 1 && _nxt < EndOfStream;

    /// <summary>Bytes that were written and never sent.</summary>
    public int UnsentBytes => (int)(Queue.End - Math.Min(Queue.End, Math.Max(1, _nxt)));

    /// <summary>Whether our FIN is acknowledged.</summary>
    public bool FinAcknowledged => _finPosition >= 0 && _una > _finPosition;

    /// <summary>The position after the last that is to be sent.</summary>
    private long EndOfStream => _finPosition >= 0 ? _finPosition + 1 : Queue.End;

    /// <summary>The application asks for something.</summary>
    public SocketOptions NeedOptions() => _options ??= new();

    /// <summary>The sequence number of a position.</summary>
    public SeqNum SequenceAt(long position) => _iss + (uint)position;

    /// <summary>The position of a sequence number, within 2^31 of SND.UNA.</summary>
    public long PositionOf(SeqNum number) => _una + (number - SequenceAt(_una));

    /// <summary>What the handshake agreed on.</summary>
    public void Agree(int mss, int scale, bool sack) => (_mss, _scale, _usesSack, NeedRecovery().UsesSack) = ((ushort)mss, (byte)scale, sack, sack);

    /// <summary>Fast recovery began.</summary>
    public void CountFastRetransmit() => Incidents.Counts.FastRetransmits++;

    /// <summary>A loss was none.</summary>
    public void CountSpurious() => Incidents.Counts.SpuriousLosses++;

    /// <summary>The application writes no more: a FIN follows.</summary>
    public void Close() => _finPosition = _finPosition < 0 ? Queue.End : _finPosition;

    /// <summary>Text may go before our SYN is acknowledged, as far as the window of the peer's SYN reaches.</summary>
    public void OpenFast(int window)
    {
        (_window, _maxWindow) = (window, window);
    }

    /// <summary>What was sent before the handshake was complete has not arrived: no sign of congestion.</summary>
    public void OnEarlyTextLost()
    {
        ForgetTimed();
        _recovery?.MarkLost(_una, _nxt);
    }

    /// <summary>The SYN is sent: position 0, and perhaps some text behind it.</summary>
    public void OnSynSent(Instant now, bool again, int text = 0)
    {
        var recovery = NeedRecovery();
        if (text > 0)
        {
            recovery.OnSent(1, 1 + text, now, TimeSpan.Zero);
            _nxt = 1 + text;
        }

        _nxt = Math.Max(_nxt, 1);
        _lastSent = now;
        if (again)
        {
            recovery.Timed.OnResent();
        }
        else
        {
            recovery.Timed.OnSent(1, now);
        }

        Arm(now, restart: false);
    }

    /// <summary>An acceptable ACK at or beyond SND.UNA (RFC 9293 §3.10.7.4, fifth check). True when it acknowledged something new.</summary>
    /// <param name="now">The time.</param>
    /// <param name="header">The segment's header.</param>
    /// <param name="ack">Its acknowledgment.</param>
    /// <param name="segmentPosition">Its sequence number, as a position of the peer's stream.</param>
    /// <param name="empty">Whether it has neither text nor FIN.</param>
    /// <param name="timestampRtt">The age of the timestamp that it echoes, in whole milliseconds.</param>
    public bool OnAck(Instant now, in TcpHeader header, long ack, long segmentPosition, bool empty, TimeSpan? timestampRtt)
    {
        int window = header.Window << (header.Has(TcpFlags.Syn) ? 0 : _scale);
        if (_recovery is null && header.Options.SackCount == 0)
        {
            // Nothing is in flight: the ACK tells of the window alone.
            Persist.OnAnswer();
            UpdateWindow(window, segmentPosition, ack);
            Arm(now, restart: false);
            return false;
        }

        var recovery = NeedRecovery();
        int flight = recovery.Pipe(_una, _nxt);
        recovery.OnFlight(flight, _una, _nxt);
        Instant? echoed = timestampRtt is { } age ? new Instant(now.Ticks - (now.Ticks % TimeSpan.TicksPerMillisecond)) - age : null;
        var delivery = recovery.OnAck(now, this, header.Options, ack, echoed);
        bool advanced = ack > _una;

        // RFC 5681 §2.
        bool duplicate = !advanced && InFlight && empty && window > 0 && window == _window;
        int bytes = (int)(ack - _una);
        bool handshake = _una == 0;
        Persist.OnAnswer();
        if (advanced)
        {
            OnAdvance(now, ack, timestampRtt);
        }

        if (!handshake && (advanced || InFlight || delivery.Duplicate.Length > 0))
        {
            Respond(now, in delivery, bytes, flight, advanced, duplicate, echoed);
        }

        UpdateWindow(window, segmentPosition, ack);
        Arm(now, restart: advanced);
        ForgetFlight();
        return advanced;
    }

    /// <summary>An ACK below SND.UNA, which a later one has overtaken: what its SACK blocks tell counts (RFC 6675 §4).</summary>
    public void OnOvertakenAck(Instant now, in TcpOptions options, long ack)
    {
        if (options.SackCount == 0 || !_usesSack || !InFlight)
        {
            return;
        }

        int flight = Recovery.Pipe(_una, _nxt);
        var delivery = Recovery.OnOvertakenAck(now, this, options, ack);
        Respond(now, in delivery, bytes: 0, flight, advanced: false, duplicate: false, echoed: null);
        Arm(now, restart: false);
    }

    /// <summary>The retransmission timer expired (RFC 6298 §5.4 to §5.7).</summary>
    public void OnRetransmitTimeout(Instant now)
    {
        bool first = Rtt.Expirations == 0;
        Rtt.OnTimeout();
        var recovery = NeedRecovery();
        recovery.Timed.OnResent();
        if (_una >= 1)
        {
            bool again = recovery.Phase != RecoveryPhase.Open;
            Congestion.OnTimeout(recovery.Pipe(_una, _nxt), _mss, first, again);
            if (first)
            {
                recovery.Spurious.Begin(_una, again);
            }

            // RFC 5682 §2.1, step 1: not within the recovery from an earlier timeout.
            if (first && recovery.Phase != RecoveryPhase.Timeout)
            {
                recovery.Spurious.BeginFRto();
            }
            else
            {
                recovery.Spurious.Proceed(FRtoStep.None);
            }

            recovery.OnTimeout(now, _una, _nxt, in Rtt, _mss);
        }

        _timers.Stop(TimerKind.Reordering);
        Arm(now, restart: true);
    }

    /// <summary>The peer echoes a mark: as for a loss, unless one is recovered from (RFC 3168 §6.1.2).</summary>
    public bool TryReduceForEcn()
    {
        if (Recovery.Phase != RecoveryPhase.Open || !InFlight || _una < 1)
        {
            return false;
        }

        Recovery.Spurious.Forget();
        Congestion.OnLoss((int)(_nxt - _una), _mss, again: false);
        return true;
    }

    /// <summary>The reordering timer expired (RFC 8985 §6.2, step 5).</summary>
    public void OnReorderingTimeout(Instant now)
    {
        _ = NeedRecovery();
        bool lost = AckResponse.DetectLoss(this, now, ended: false);
        if (lost && Recovery.Phase == RecoveryPhase.Fast)
        {
            int pipe = Recovery.Pipe(_una, _nxt);
            Congestion.Set(Recovery.Rate.OnAck(0, pipe, Congestion.Threshold, _mss, progress: false));
        }

        Arm(now, restart: false);
    }

    /// <summary>The tail loss probe's timer expired (RFC 8985 §7.3): the timeout counts from the probe.</summary>
    public void OnTailProbeTimeout(Instant now)
    {
        NeedRecovery().Probe.OnExpired();
        _timers.Set(TimerKind.Retransmit, now + Rto);
    }

    /// <summary>The persist timer expired.</summary>
    public void OnPersistTimeout(Instant now)
    {
        Persist.OnExpired(_window == 0);
        Arm(now, restart: false);
    }

    /// <summary>The path carries less than was thought: what is in flight goes again in smaller segments (RFC 1191 §6.4).</summary>
    public void OnSmallerPath(int mss)
    {
        _mss = (ushort)mss;
        if (InFlight && _una >= 1)
        {
            ForgetTimed();
            _recovery?.MarkLost(_una, _nxt);
        }
    }

    /// <summary>The path was seen to carry more than is used.</summary>
    public void OnLargerPath(int mss) => _mss = (ushort)mss;

    /// <summary>
    /// The next part of the stream to send, if the windows and the avoidance of silly windows let it: lost parts first,
    /// then a probe, then new data, with the FIN on the last.
    /// </summary>
    public bool TryNext(Instant now, int maxBytes, out OutgoingPart part)
    {
        double rate = 0;
        bool may = true;
        if (_pacer is not null)
        {
            rate = Congestion.PacingRate(Rtt.Smoothed);
            int allowance = _pacer.Allowance(now, rate, _mss);
            (may, maxBytes) = (allowance > 0, Math.Min(maxBytes, allowance));
        }

        maxBytes = Math.Max(_mss, maxBytes - (maxBytes % _mss));
        part = default;
        bool some = (may && NextPart.TryLost(this, maxBytes, out part)) || NextPart.TryTailProbe(this, out part)
            || (may && (NextPart.TryPathProbe(this, now, out part) || NextPart.TryNew(this, now, maxBytes, out part))) || NextPart.TryProbe(this, out part);
        if (some)
        {
            OnSent(now, in part);
            _pacer?.OnSent(now, part.Length, rate);
        }
        else if (may && _congestion is { ModelsPath: true } && !HasUnsent && !Recovery.Sent.HasLost && Recovery.Pipe(_una, _nxt) < Congestion.Window)
        {
            Congestion.OnQuiet(Recovery.Pipe(_una, _nxt));
        }

        return some;
    }

    /// <summary>Goes on with another congestion control, from the window that there is.</summary>
    public void ChangeCongestion(CongestionAlgorithm algorithm)
    {
        if (algorithm != _algorithm)
        {
            var before = _congestion;
            _congestion = before is null ? null : CongestionControl.Create(algorithm);
            _congestion?.Continue(before!);
            _algorithm = algorithm;
            _pacer = PacerOf(_settings, algorithm);
        }
    }

    /// <summary>
    /// Keeps exactly one of the two timers running while anything is unacknowledged, or held back by the peer's window.
    /// </summary>
    public void Arm(Instant now, bool restart)
    {
        ArmTimers(now, restart);
        if (_options is { } options)
        {
            options.OnWaiting(InFlight || HasUnsent, now);
            _timers.Advance(TimerKind.Retransmit, options.GiveUpAt);
            _timers.Advance(TimerKind.Persist, options.GiveUpAt);
        }
    }

    /// <summary>Time went by that the connection did not see.</summary>
    public void Postpone(TimeSpan by)
    {
        _recovery?.Postpone(by);
        _options?.Postpone(by);
    }

    /// <summary>Takes what a snapshot says.</summary>
    public void Restore(TcpSnapshot s, in QueuedBytes copiedAhead, Instant now)
    {
        (_una, _nxt, _finPosition) = (s.SndUna, s.SndNxt, s.FinPosition);
        (_window, _maxWindow, _wl1, _wl2, _scale) = (s.SndWindow, s.SndMaxWindow, s.SndWl1, s.SndWl2, (byte)s.SndWindowScale);
        (_mss, _usesSack, _lastSent, NoDelay) = ((ushort)s.SndMss, s.SackOn, now - s.SinceLastSent, s.NoDelay);
        Queue.Restore(Math.Max(1, Math.Min(_una, s.SendQueue.End)), copiedAhead, s.SendQueue);
        Rtt.Restore(s, now);
        _algorithm = s.CongestionAlgorithm;
        _congestion = CongestionControl.Create(_algorithm);
        _congestion.Restore(s, now);
        _pacer = PacerOf(_settings, s.CongestionAlgorithm);
        NeedRecovery().Restore(s, now);
        Persist.Restore(s.PersistBackoff, s.PersistProbes, s.ProbeDue);
        _options = SocketOptions.Restore(s, now);
        if (s.PathSearchLimit > 0)
        {
            Incidents.Search = new(s.PathSearchLimit);
        }

        ForgetFlight();
    }

    /// <summary>The connection is closed: memory goes back.</summary>
    public void Release()
    {
        Queue.Release();
        _recovery?.GiveBack(_settings.InFlight);
        _recovery = null;
    }

    private static Pacer? PacerOf(TcpSettings settings, CongestionAlgorithm algorithm) =>
        settings.Pacing || algorithm == CongestionAlgorithm.Bbr ? new() : null;

    private void ArmTimers(Instant now, bool restart)
    {
        bool closed = _window == 0 && _una >= 1;
        bool paced = WakeAt != Instant.Never;
        if (closed ? InFlight || HasUnsent : !InFlight && HasUnsent && !paced)
        {
            StopRetransmission();
            if (!_timers.IsSet(TimerKind.Persist))
            {
                _timers.Set(TimerKind.Persist, now + Persist.Interval(closed, in Rtt, _settings));
            }

            return;
        }

        _timers.Stop(TimerKind.Persist);
        Persist.Reset();
        if (!InFlight)
        {
            StopRetransmission();
            return;
        }

        if (restart || !_timers.IsSet(TimerKind.Retransmit))
        {
            _timers.Set(TimerKind.Retransmit, now + Rto);
        }

        ArmTailProbe(now, restart);
    }

    private void Respond(Instant now, in Delivery delivery, int bytes, int flight, bool advanced, bool duplicate, Instant? echoed)
    {
        if (delivery.Rtt is { } rtt)
        {
            Rtt.OnRoundTrip(rtt, now);
        }

        var sample = new AckSample
        {
            Now = now,
            Bytes = bytes,
            Flight = flight,
            Peak = Recovery.Peak,
            Mss = _mss,
            Una = _una,
            Nxt = _nxt,
            Rtt = delivery.Rtt,
            Smoothed = Rtt.Smoothed,
            AfterTimeout = Recovery.Phase == RecoveryPhase.Timeout,
        };
        if (_usesSack)
        {
            AckResponse.WithSack(this, in delivery, in sample, advanced, echoed);
        }
        else
        {
            AckResponse.WithoutSack(this, in delivery, in sample, advanced, duplicate, echoed);
        }

        if (Congestion.ModelsPath)
        {
            Model(in delivery, in sample);
        }
    }

    private void Model(in Delivery delivery, in AckSample sample) => Congestion.OnDelivered(new()
    {
        Now = sample.Now,
        Delivered = _usesSack ? delivery.Bytes : sample.Bytes,
        Newest = delivery.Newest,
        Una = _una,
        Flight = sample.Flight,
        Pipe = Recovery.Pipe(_una, _nxt),
        Lost = Math.Max(0, _nxt - _una - Recovery.Sacked.Total - Recovery.Pipe(_una, _nxt)),
        Mss = _mss,
        Rtt = delivery.Rtt,
        MinRtt = Rtt.Min,
        Phase = Recovery.Phase,
    });

    /// <summary>SND.UNA advances.</summary>
    private void OnAdvance(Instant now, long ack, TimeSpan? timestampRtt)
    {
        bool handshake = _una == 0;
        bool repeated = Rtt.Expirations > 0;
        _una = ack;
        _options?.OnWaiting(waits: false, now);
        Queue.RemoveBelow(ack);
        Rtt.OnProgress();
        if (Recovery.Timed.TryMeasure(ack, now, out var rtt))
        {
            Rtt.OnSample(rtt, _settings);
            Rtt.OnRoundTrip(rtt, now);
        }
        else if (repeated && timestampRtt is { } echoed)
        {
            // Karn's ambiguity does not exist with timestamps (RFC 7323 §4).
            Rtt.OnSample(echoed, _settings);
        }

        if (handshake)
        {
            _synRepeated = repeated;
            _congestion?.Start(_mss, repeated);
            if (repeated)
            {
                Rtt.OnSynRetransmitted(_settings);
                if (InFlight)
                {
                    // What followed the SYN-ACK that was lost is taken as lost with it.
                    OnEarlyTextLost();
                }
            }
        }
    }

    private CongestionControl Begin()
    {
        var control = CongestionControl.Create(_algorithm);
        control.Start(_mss, _synRepeated);
        return control;
    }

    private LossRecovery NeedRecovery() => _recovery ??= LossRecovery.Take(_settings.InFlight, _usesSack, _rtt.Smoothed);

    private void ForgetTimed() => _recovery?.Timed.OnResent();

    /// <summary>With nothing in flight there is nothing to know of it.</summary>
    private void ForgetFlight()
    {
        if (!InFlight && _nxt >= 1 && _recovery is { } recovery && recovery.TryGiveBack(_settings.InFlight))
        {
            _recovery = null;
        }
    }

    private void StopRetransmission()
    {
        _timers.Stop(TimerKind.Retransmit);
        _timers.Stop(TimerKind.Reordering);
        _timers.Stop(TimerKind.TailProbe);
    }

    /// <summary>RFC 8985 §7.2: with SACK, in order, nothing lost, no probe outstanding; no later than the timeout.</summary>
    private void ArmTailProbe(Instant now, bool restart)
    {
        bool may = _usesSack && _una >= 1 && Recovery.Phase == RecoveryPhase.Open && Recovery.Sacked.Count == 0
            && !Recovery.Probe.Outstanding && !Recovery.Probe.Due && !Recovery.Sent.HasLost;
        if (!may)
        {
            _timers.Stop(TimerKind.TailProbe);
        }
        else if (restart || !_timers.IsSet(TimerKind.TailProbe))
        {
            var at = now + TailProbe.Timeout(in Rtt, _nxt - _una <= _mss, _settings.MinRto);
            _timers.Set(TimerKind.TailProbe, Instant.Min(at, _timers[TimerKind.Retransmit]));
        }
    }

    private void UpdateWindow(int window, long segmentPosition, long ack)
    {
        // RFC 9293 §3.10.7.4: a segment older than the last that set the window does not set it.
        if (_wl1 > segmentPosition || (_wl1 == segmentPosition && _wl2 > ack))
        {
            return;
        }

        bool opened = _window == 0 && window > 0;
        (_window, _wl1, _wl2) = (window, segmentPosition, ack);
        _maxWindow = Math.Max(_maxWindow, window);
        if (opened && InFlight && _una >= 1)
        {
            // What was sent into the closed window was a probe, and the peer has not taken it.
            _recovery?.MarkLost(_una, _nxt);
        }
    }

    private void OnSent(Instant now, in OutgoingPart part)
    {
        bool news = part.End > _nxt;
        var recovery = NeedRecovery();
        if (news && part.Position == _nxt)
        {
            recovery.Timed.OnSent(part.End, now);
        }
        else
        {
            recovery.Timed.OnResent();
            recovery.OnResent(part.Position, Math.Min(part.End, _nxt), now);
            Search?.OnResent(part.Position, part.End);
        }

        if (news)
        {
            TimeSpan grain = new(Rtt.Smoothed.Ticks >> 6);
            if (Congestion.ModelsPath)
            {
                Congestion.OnSent(now, part.End, Recovery.Pipe(_una, _nxt), grain);
            }

            recovery.OnSent(_nxt, part.End, now, grain);
            _nxt = part.End;
        }

        if (recovery.Phase == RecoveryPhase.Fast)
        {
            recovery.Rate.OnSent(part.Length);
        }

        _lastSent = now;
        if (part.IsPathProbe)
        {
            Search!.OnProbe(new(part.Position, part.End), part.Length);
        }
        else if (part.Length % _mss != 0)
        {
            recovery.SmallEnd = Math.Max(recovery.SmallEnd, part.End);
        }
        else if (part.Position < recovery.SmallEnd && recovery.SmallEnd <= part.End)
        {
            // What was small is part of full-size segments now.
            recovery.SmallEnd = part.Position;
        }

        if (part.IsTailProbe)
        {
            recovery.Probe.OnSent(_nxt, repeats: !news);
            Incidents.Counts.TailProbes++;
        }

        Arm(now, restart: false);
        if (news)
        {
            ArmTailProbe(now, restart: true);
        }
    }
}
