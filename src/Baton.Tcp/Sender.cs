using Baton.Wire;

namespace Baton.Tcp;

/// <summary>
/// The sending half (RFC 9293 §3.3.1, SND variables). Positions are 64-bit and unwrapped: 0 is the SYN, 1 the first byte,
/// and the FIN stands after the last.
/// </summary>
internal sealed class Sender(TcpSettings settings, TimerTable timers, SeqNum iss)
{
    [NotInSnapshot("the owner's settings")]
    private readonly TcpSettings _settings = settings;

    [NotInSnapshot("its parts are listed at TimerTable")]
    private readonly TimerTable _timers = timers;

    [NotInSnapshot("its parts are listed at RttProbe")]
    private readonly RttProbe _probe = new();

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
    private int _scale;

    [InSnapshot(nameof(TcpSnapshot.SndMss))]
    private int _mss = settings.DefaultPeerMss;

    [InSnapshot(nameof(TcpSnapshot.SmallSegmentEnd))]
    private long _smallEnd;

    [InSnapshot(nameof(TcpSnapshot.SinceLastSent))]
    private Instant _lastSent;

    /// <summary>The bytes.</summary>
    [field: NotInSnapshot("its parts are listed at SendQueue")]
    public SendQueue Queue { get; } = new(settings.SendBufferLimit);

    /// <summary>Round trip and timeout.</summary>
    [field: NotInSnapshot("its parts are listed at RttEstimator")]
    public RttEstimator Rtt { get; } = new(settings);

    /// <summary>The congestion window.</summary>
    [field: NotInSnapshot("its parts are listed at NewReno")]
    public NewReno Congestion { get; } = new();

    /// <summary>What is to be sent again.</summary>
    [field: NotInSnapshot("its parts are listed at LossRecovery")]
    public LossRecovery Recovery { get; } = new();

    /// <summary>Probing a window that holds data back.</summary>
    [field: NotInSnapshot("its parts are listed at PersistTimer")]
    public PersistTimer Persist { get; } = new();

    /// <summary>Whether small segments wait for no ACK.</summary>
    [field: InSnapshot(nameof(TcpSnapshot.NoDelay))]
    public bool NoDelay { get; set; } = settings.NoDelay;

    /// <summary>Entries into fast recovery.</summary>
    [field: NotInSnapshot("a counter of this owner")]
    public long FastRetransmits { get; private set; }

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
    public long SmallEnd => _smallEnd;
    public Instant LastSent => _lastSent;

    /// <summary>Whether something is sent and not acknowledged.</summary>
    public bool InFlight => _nxt > _una;

    /// <summary>Whether something was never sent.</summary>
    public bool HasUnsent => _nxt >= 1 && _nxt < EndOfStream;

    /// <summary>Whether our FIN is acknowledged.</summary>
    public bool FinAcknowledged => _finPosition >= 0 && _una > _finPosition;

    /// <summary>The position after the last that is to be sent.</summary>
    private long EndOfStream => _finPosition >= 0 ? _finPosition + 1 : Queue.End;

    /// <summary>The sequence number of a position.</summary>
    public SeqNum SequenceAt(long position) => _iss + (uint)position;

    /// <summary>The position of a sequence number, within 2^31 of SND.UNA.</summary>
    public long PositionOf(SeqNum number) => _una + (number - SequenceAt(_una));

    /// <summary>What the handshake agreed on.</summary>
    public void Agree(int mss, int scale) => (_mss, _scale) = (mss, scale);

    /// <summary>The application writes no more: a FIN follows.</summary>
    public void Close() => _finPosition = _finPosition < 0 ? Queue.End : _finPosition;

    /// <summary>The SYN is sent: position 0.</summary>
    public void OnSynSent(Instant now, bool again)
    {
        _nxt = Math.Max(_nxt, 1);
        _lastSent = now;
        if (again)
        {
            _probe.OnResent();
        }
        else
        {
            _probe.OnSent(1, now);
        }

        Arm(now, restart: false);
    }

    /// <summary>An acceptable ACK at or beyond SND.UNA (RFC 9293 §3.10.7.4, fifth check). True when it acknowledged something new.</summary>
    public bool OnAck(Instant now, in TcpHeader header, long ack, long segmentPosition, bool empty, TimeSpan? timestampRtt)
    {
        int flight = Recovery.Pipe(_una, _nxt);
        bool news = header.Options.SackCount > 0 && Recovery.OnSack(header.Options, this);
        int window = header.Window << (header.Has(TcpFlags.Syn) ? 0 : _scale);
        bool sameWindow = window == _window;
        bool advanced = ack > _una;
        Persist.OnAnswer();
        if (advanced)
        {
            OnAdvance(now, ack, flight, timestampRtt);
        }
        else if (InFlight && empty && window > 0 && (sameWindow || news) && ack == _una)
        {
            // RFC 5681 §2; with SACK an ACK that reports new bytes is a duplicate whatever its window (RFC 6675 §2).
            OnDuplicate();
        }

        UpdateWindow(window, segmentPosition, ack);
        Arm(now, restart: advanced);
        return advanced;
    }

    /// <summary>The retransmission timer expired (RFC 6298 §5.4 to §5.7).</summary>
    public void OnRetransmitTimeout(Instant now)
    {
        bool first = Rtt.Expirations == 0;
        Rtt.OnTimeout();
        _probe.OnResent();
        if (_una >= 1)
        {
            Congestion.OnTimeout(Recovery.Pipe(_una, _nxt), _mss, first);
            Recovery.OnTimeout(_una, _nxt);
        }

        Arm(now, restart: true);
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
        _mss = mss;
        if (InFlight && _una >= 1)
        {
            _probe.OnResent();
            Recovery.MarkLost(_una, _nxt);
        }
    }

    /// <summary>
    /// The next part of the stream to send, if the windows and the avoidance of silly windows let it: lost parts first,
    /// then a probe, then new data, with the FIN on the last.
    /// </summary>
    public bool TryNext(Instant now, int maxBytes, out OutgoingPart part)
    {
        maxBytes = Math.Max(_mss, maxBytes - (maxBytes % _mss));
        bool some = NextPart.TryLost(this, maxBytes, out part) || NextPart.TryNew(this, now, maxBytes, out part) || NextPart.TryProbe(this, out part);
        if (some)
        {
            OnSent(now, in part);
        }

        return some;
    }

    /// <summary>
    /// Keeps exactly one of the two timers running while anything is unacknowledged, or held back by the peer's window.
    /// </summary>
    public void Arm(Instant now, bool restart)
    {
        bool closed = _window == 0 && _una >= 1;
        if (closed ? InFlight || HasUnsent : !InFlight && HasUnsent)
        {
            _timers.Stop(TimerKind.Retransmit);
            if (!_timers.IsSet(TimerKind.Persist))
            {
                _timers.Set(TimerKind.Persist, now + Persist.Interval(closed, Rtt, _settings));
            }

            return;
        }

        _timers.Stop(TimerKind.Persist);
        Persist.Reset();
        if (!InFlight)
        {
            _timers.Stop(TimerKind.Retransmit);
        }
        else if (restart || !_timers.IsSet(TimerKind.Retransmit))
        {
            _timers.Set(TimerKind.Retransmit, now + Rtt.Rto);
        }
    }

    /// <summary>Takes what a snapshot says.</summary>
    public void Restore(TcpSnapshot s, in QueuedBytes copiedAhead, Instant now)
    {
        (_una, _nxt, _finPosition) = (s.SndUna, s.SndNxt, s.FinPosition);
        (_window, _maxWindow, _wl1, _wl2, _scale) = (s.SndWindow, s.SndMaxWindow, s.SndWl1, s.SndWl2, s.SndWindowScale);
        (_mss, _smallEnd, _lastSent, NoDelay) = (s.SndMss, s.SmallSegmentEnd, now - s.SinceLastSent, s.NoDelay);
        Queue.Restore(Math.Max(1, Math.Min(_una, s.SendQueue.End)), copiedAhead, s.SendQueue);
        Rtt.Restore(s.SmoothedRtt, s.RttVariance, s.Rto, s.RtoBackoff, s.RtoExpirations);
        Congestion.Restore(s.CongestionWindow, s.SlowStartThreshold, s.CongestionAvoidanceCredit);
        Recovery.Restore(s.RecoveryPhase, s.RecoveryPoint, s.DuplicateAcks, s.Resend, s.Sacked);
        Persist.Restore(s.PersistBackoff, s.PersistProbes, s.ProbeDue);
    }

    private void OnAdvance(Instant now, long ack, int flight, TimeSpan? timestampRtt)
    {
        int bytes = (int)(ack - _una);
        bool handshake = _una == 0;
        bool repeated = Rtt.Expirations > 0;
        _una = ack;
        Queue.RemoveBelow(ack);
        Rtt.OnProgress();
        if (_probe.TryMeasure(ack, now, out var rtt))
        {
            Rtt.OnSample(rtt);
        }
        else if (repeated && timestampRtt is { } echoed)
        {
            // Karn's ambiguity does not exist with timestamps (RFC 7323 §4).
            Rtt.OnSample(echoed);
        }

        if (handshake)
        {
            Congestion.Start(_mss, repeated);
            if (repeated)
            {
                Rtt.OnSynRetransmitted();
            }

            return;
        }

        var phase = Recovery.Phase;
        bool ended = Recovery.OnAdvance(_una, _nxt, _mss);
        if (phase == RecoveryPhase.Fast)
        {
            if (ended)
            {
                Congestion.OnRecovered(Recovery.Pipe(_una, _nxt), _mss);
            }
            else if (Recovery.Sacked.Count == 0)
            {
                Congestion.OnPartialAck(bytes, _mss);
            }
        }
        else
        {
            Congestion.OnAcknowledged(bytes, flight, _mss, phase == RecoveryPhase.Timeout);
        }
    }

    private void OnDuplicate()
    {
        int flight = Recovery.Pipe(_una, _nxt);
        if (Recovery.OnDuplicate(_una, _nxt, _mss))
        {
            Congestion.OnFastRetransmit((int)(_nxt - _una), _mss);
            FastRetransmits++;
            if (Recovery.Sacked.Count == 0)
            {
                Congestion.Inflate(LossRecovery.DuplicateThreshold * _mss);
            }
        }
        else if (Recovery.Phase == RecoveryPhase.Fast && Recovery.Sacked.Count == 0 && flight > 0)
        {
            Congestion.Inflate(_mss);
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
            Recovery.MarkLost(_una, _nxt);
        }
    }

    private void OnSent(Instant now, in OutgoingPart part)
    {
        if (part.End > _nxt && part.Position == _nxt)
        {
            _probe.OnSent(part.End, now);
        }
        else
        {
            _probe.OnResent();
            Recovery.OnResent(part.End);
        }

        _nxt = Math.Max(_nxt, part.End);
        _lastSent = now;
        if (part.Length % _mss != 0)
        {
            _smallEnd = Math.Max(_smallEnd, part.End);
        }

        Arm(now, restart: false);
    }
}
