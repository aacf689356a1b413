using System.Diagnostics;
using Baton.Wire;

namespace Baton.Tcp;

/// <summary>Where loss recovery stands.</summary>
public enum RecoveryPhase : byte
{
    /// <summary>Nothing is known to be lost.</summary>
    Open,

    /// <summary>Fast recovery up to the recovery point.</summary>
    Fast,

    /// <summary>The retransmission timer expired: what was in flight is taken as lost (RFC 5681 §3.1, RFC 8985 §6.3).</summary>
    Timeout,
}

/// <summary>
/// What is known of the stream in flight: when each part was sent, what the peer has of it and what is lost. With SACK
/// RACK finds losses (RFC 8985); without it three duplicate ACKs and partial ACKs do (RFC 5681, RFC 6582). A connection
/// with nothing in flight has none, unless the path has made it remember something.
/// </summary>
internal sealed class LossRecovery
{
    /// <summary>What a connection with nothing in flight knows; never changed.</summary>
    public static readonly LossRecovery Calm = new();

    /// <summary>DupThresh (RFC 5681 §3.2).</summary>
    public const int DuplicateThreshold = 3;

    [NotInSnapshot("its parts are listed at SentLog")]
    private SentLog _sent;

    [InSnapshot(nameof(TcpSnapshot.Sacked))]
    private RangeSet _sacked;

    [NotInSnapshot("its parts are listed at Rack")]
    private Rack _rack;

    [NotInSnapshot("its parts are listed at TailProbe")]
    private TailProbe _probe;

    [NotInSnapshot("its parts are listed at ProportionalRate")]
    private ProportionalRate _rate;

    [NotInSnapshot("its parts are listed at SpuriousLoss")]
    private SpuriousLoss _spurious;

    [InSnapshot(nameof(TcpSnapshot.RecoveryPhase))]
    private RecoveryPhase _phase;

    [NotInSnapshot("its parts are listed at RttProbe")]
    private RttProbe _timed;

    [NotInSnapshot("of one round trip: the next one measures it again")]
    private int _peak;

    [NotInSnapshot("of one round trip: the next one measures it again")]
    private long _peakUntil;

    [InSnapshot(nameof(TcpSnapshot.SmallSegmentEnd))]
    private long _smallEnd;

    [NotInSnapshot("the sender's, whose SackOn is in the snapshot")]
    private bool _usesSack;

    [InSnapshot(nameof(TcpSnapshot.RecoveryPoint))]
    private long _point;

    [InSnapshot(nameof(TcpSnapshot.DuplicateAcks))]
    private int _duplicates;

    [NotInSnapshot("derived; -1: to be counted")]
    private long _lost;

    /// <summary>Whether both sides agreed on SACK.</summary>
    public bool UsesSack { get => _usesSack; set => _usesSack = value; }

    /// <summary>The segment whose round trip is being measured.</summary>
    public ref RttProbe Timed => ref _timed;

    /// <summary>The most that was in flight within the last round trip (pipeACK, RFC 7661 §4.2).</summary>
    public int Peak => _peak;

    /// <summary>The position after the last small segment, for Nagle's algorithm.</summary>
    public long SmallEnd { get => _smallEnd; set => _smallEnd = value; }

    /// <summary>The phase.</summary>
    public RecoveryPhase Phase => _phase;

    /// <summary>SND.NXT when recovery began: acknowledged, recovery is over.</summary>
    public long Point => _point;

    /// <summary>Duplicate ACKs in a row.</summary>
    public int Duplicates => _duplicates;

    /// <summary>When what is in flight was sent.</summary>
    public ref SentLog Sent => ref _sent;

    /// <summary>What the peer has beyond SND.UNA.</summary>
    public ref RangeSet Sacked => ref _sacked;

    /// <summary>Loss detection by time.</summary>
    public ref Rack Rack => ref _rack;

    /// <summary>The tail loss probe.</summary>
    public ref TailProbe Probe => ref _probe;

    /// <summary>The rate of sending in fast recovery.</summary>
    public ref ProportionalRate Rate => ref _rate;

    /// <summary>Whether the loss was one.</summary>
    public ref SpuriousLoss Spurious => ref _spurious;

    /// <summary>Whether nothing is missing, lost, probed for or recovered from.</summary>
    public bool IsCalm => _phase == RecoveryPhase.Open && _sacked.Count == 0 && !_probe.Outstanding && !_sent.HasLost;

    /// <summary>Whether there is nothing to remember once nothing is in flight.</summary>
    private bool IsForgettable =>
        IsCalm && !_rack.Remembers && _spurious is { From: 0, Step: FRtoStep.None } && _duplicates == 0 && _sent.Parts.IsEmpty;

    /// <summary>For what is about to be sent; from the pool, if there is one and it has some.</summary>
    public static LossRecovery Take(InFlightPool? pool, bool usesSack, TimeSpan smoothed)
    {
        var recovery = pool?.Take() ?? new();
        recovery._usesSack = usesSack;
        recovery._rack.Begin(smoothed);
        recovery._lost = -1;
        return recovery;
    }

    /// <summary>Whether nothing has to be kept of it: then it is for the next that needs one.</summary>
    public bool TryGiveBack(InFlightPool? pool)
    {
        if (IsForgettable)
        {
            GiveBack(pool);
            return true;
        }

        return false;
    }

    /// <summary>The connection is closed, or holds nothing of note.</summary>
    public void GiveBack(InFlightPool? pool)
    {
        _sent.Release();
        _sacked.Clear();
        (_rack, _probe, _rate, _spurious, _timed) = (default, default, default, default, default);
        (_phase, _point, _duplicates, _lost, _peak, _peakUntil, _smallEnd) = (RecoveryPhase.Open, 0, 0, 0, 0, 0, 0);
        pool?.Keep(this);
    }

    /// <summary>An ACK comes while so much is in flight.</summary>
    public void OnFlight(int flight, long una, long nxt)
    {
        if (una >= _peakUntil || flight > _peak)
        {
            (_peak, _peakUntil) = (flight, nxt);
        }
    }

    /// <summary>Whether more than two segments beyond a gap have arrived (RFC 6675 §2, IsLost, in bytes).</summary>
    public bool ManyPassed(int mss) => Sacked.Total > (DuplicateThreshold - 1) * mss;

    /// <summary>
    /// How much beyond the congestion window may be in flight: a segment for each of the first two duplicate ACKs
    /// (RFC 3042). With SACK the pipe already shrinks by what arrived.
    /// </summary>
    public int LimitedTransmit(int mss) =>
        _phase == RecoveryPhase.Open && !_usesSack ? Math.Min(_duplicates, DuplicateThreshold - 1) * mss : 0;

    /// <summary>Bytes in flight: sent, less what the peer has and what is lost and not sent again (RFC 6675 §4, pipe).</summary>
    public int Pipe(long una, long nxt)
    {
        if (!Sent.HasLost)
        {
            return (int)Math.Max(0, nxt - una - Sacked.Total);
        }

        if (_lost < 0)
        {
            _lost = LostBytes();
        }

        return (int)Math.Max(0, nxt - una - Sacked.Total - _lost);
    }

    /// <summary>What an ACK says of the stream: up to where everything has arrived, and the SACK blocks.</summary>
    public Delivery OnAck(Instant now, Sender sender, in TcpOptions options, long ack, Instant? echoed)
    {
        var reading = new AckReading(this, now, sender, echoed);
        reading.Advance(ack);
        if (_usesSack && options.SackCount > 0)
        {
            reading.ReadBlocks(options, ack);
        }

        _lost = -1;
        return reading.Delivery;
    }

    /// <summary>What an ACK below SND.UNA says of the stream beyond it.</summary>
    public Delivery OnOvertakenAck(Instant now, Sender sender, in TcpOptions options, long ack)
    {
        var reading = new AckReading(this, now, sender, echoed: null);
        reading.ReadBlocks(options, ack);
        _lost = -1;
        return reading.Delivery;
    }

    /// <summary>New sequence space was sent.</summary>
    public void OnSent(long start, long end, Instant now, TimeSpan grain)
    {
        Debug.Assert(this != Calm, "What is sent is in flight.");
        Sent.OnSent(start, end, now, grain);
    }

    /// <summary>A range was sent again.</summary>
    public void OnResent(long start, long end, Instant now)
    {
        _spurious.OnResent(end - start, now);
        Sent.OnResent(start, end, now);
        _lost = -1;
    }

    /// <summary>A range is taken as lost: by detection, or because it exceeds the path's MTU or was a window probe.</summary>
    public void MarkLost(long start, long end)
    {
        Debug.Assert(this != Calm, "What nobody has sent is not lost.");
        Sent.MarkLost(start, end);
        _lost = -1;
    }

    /// <summary>
    /// Looks for losses by time (RFC 8985 §6.2, step 5); true when some were found. <paramref name="wait"/> is the time until
    /// more may be, or zero.
    /// </summary>
    public bool Detect(Instant now, in RttEstimator rtt, int mss, out TimeSpan wait)
    {
        wait = TimeSpan.Zero;
        if (Sacked.Count == 0 && _phase == RecoveryPhase.Open)
        {
            return false;
        }

        bool found = false;
        var patience = _rack.Rtt + _rack.Window(_phase != RecoveryPhase.Open, ManyPassed(mss), rtt.Min, rtt.Smoothed);
        for (int i = 0; i >= 0 && i < Sent.Parts.Length; i++)
        {
            var part = Sent.Parts[i];
            long start = Sent.StartOf(i);
            long limit = _rack.PassedIn(part);
            if ((part.Marks & SentMarks.Lost) != 0 || limit <= start || (Sacked.TryFind(start, out var has) && has.End >= limit))
            {
                continue;
            }

            var remaining = part.At + patience - now;
            if (remaining > TimeSpan.Zero)
            {
                wait = remaining > wait ? remaining : wait;
                continue;
            }

            MarkLost(start, limit);
            found = true;
            i = Sent.IndexOf(limit) - 1;
            if (i < -1)
            {
                break;
            }
        }

        return found;
    }

    /// <summary>
    /// The window is reduced for a loss, which may turn out to be none. Not where what is missing first was sent again
    /// already: the answer to that would be taken for one to the original (RFC 3522 §3.2).
    /// </summary>
    public void BeginSpurious(long una)
    {
        if (Sent.Parts.Length > 0 && (Sent.Parts[0].Marks & SentMarks.Again) != 0)
        {
            _spurious.Forget();
        }
        else
        {
            _spurious.Begin(una, again: false);
        }
    }

    /// <summary>Fast recovery begins.</summary>
    public void Enter(long nxt, int flight)
    {
        _phase = RecoveryPhase.Fast;
        _point = nxt;
        _rate.Begin(flight);
    }

    /// <summary>Recovery is over: its point was acknowledged, or there was no loss.</summary>
    public void Leave(bool spurious)
    {
        if (_phase != RecoveryPhase.Open)
        {
            _rack.OnRecovered();
        }

        _phase = RecoveryPhase.Open;
        _spurious.Proceed(FRtoStep.None);
        if (spurious)
        {
            _spurious.Forget();
        }

        if (spurious || !_usesSack)
        {
            Sent.ForgetLost();
            _lost = -1;
        }
    }

    /// <summary>A duplicate ACK without SACK (RFC 5681 §2); true when it starts fast recovery.</summary>
    public bool OnDuplicate(long una, long nxt, int mss)
    {
        _duplicates++;

        // RFC 6582 §3.2, step 1: not again for a window that recovery, or a timeout, has already covered.
        if (_phase != RecoveryPhase.Open || _duplicates < DuplicateThreshold || una < _point)
        {
            return false;
        }

        Enter(nxt, (int)(nxt - una));
        MarkLost(una, Math.Min(nxt, una + mss));
        return true;
    }

    /// <summary>SND.UNA advanced without SACK; true when that ends recovery.</summary>
    public bool OnAdvance(long una, long nxt, int mss)
    {
        _duplicates = 0;
        if (_phase == RecoveryPhase.Open)
        {
            return false;
        }

        if (una >= _point)
        {
            Leave(spurious: false);
            return true;
        }

        // RFC 6582 §3.2, step 3: a partial ACK says that the next segment is lost too.
        if (_phase == RecoveryPhase.Fast)
        {
            MarkLost(una, Math.Min(nxt, una + mss));
        }

        return false;
    }

    /// <summary>
    /// The retransmission timer expired. RFC 8985 §6.3: the first segment is lost, and what was sent so long ago. What the
    /// peer said it had counts on (RFC 6675 §5.1), unless it shows that it has dropped it.
    /// </summary>
    public void OnTimeout(Instant now, long una, long nxt, in RttEstimator rtt, int mss)
    {
        if (rtt.Expirations > 1 || Sacked.TryFind(una, out _))
        {
            Sacked.Clear();
        }

        var patience = _rack.Rtt + _rack.Window(true, true, rtt.Min, rtt.Smoothed);
        long lostTo = Math.Min(nxt, una + mss);
        for (int i = 0; _usesSack && i < Sent.Parts.Length && Sent.Parts[i].At + patience <= now; i++)
        {
            lostTo = Math.Max(lostTo, Sent.Parts[i].End);
        }

        MarkLost(una, _usesSack ? lostTo : nxt);
        _phase = RecoveryPhase.Timeout;
        _point = nxt;
        _duplicates = 0;
        _probe.Cancel();
    }

    /// <summary>The next hole to fill.</summary>
    public bool TryNextResend(out StreamRange hole)
    {
        hole = default;
        if (!Sent.HasLost)
        {
            return false;
        }

        for (int i = 0; i < Sent.Parts.Length; i++)
        {
            long start = Sent.StartOf(i);
            if ((Sent.Parts[i].Marks & SentMarks.Lost) == 0)
            {
                continue;
            }

            long end = Sent.Parts[i].End;
            while (i + 1 < Sent.Parts.Length && (Sent.Parts[i + 1].Marks & SentMarks.Lost) != 0)
            {
                end = Sent.Parts[++i].End;
            }

            while (start < end && Sacked.TryFind(start, out var has))
            {
                start = has.End;
            }

            if (start < end)
            {
                hole = new(start, Sacked.TryFindNext(start, out var next) ? Math.Min(end, next.Start) : end);
                return true;
            }
        }

        // All of it has arrived after all.
        Sent.ForgetLost();
        return false;
    }

    /// <summary>Time went by that the connection did not see.</summary>
    public void Postpone(TimeSpan by)
    {
        Sent.Postpone(by);
        _rack.Postpone(by);
    }

    /// <summary>Takes what a snapshot says.</summary>
    public void Restore(TcpSnapshot s, Instant now)
    {
        (_phase, _point, _duplicates, _smallEnd, _lost) = (s.RecoveryPhase, s.RecoveryPoint, s.DuplicateAcks, s.SmallSegmentEnd, -1);
        foreach (var range in s.Sacked)
        {
            _ = Sacked.TryAdd(range.Start, range.End);
        }

        Sent.Restore(Math.Max(1, s.SndUna), s.Sent, now);
        _rack.Restore(s, now);
        _probe.Restore(s.TailProbeEnd, s.TailProbeRepeats, s.TailProbeDue);
        _rate.Restore(s.RecoveryFlight, s.RecoveryDelivered, s.RecoverySent);
        _spurious.Restore(s, now);
    }

    private long LostBytes()
    {
        long lost = 0;
        for (int i = 0; i < Sent.Parts.Length; i++)
        {
            if ((Sent.Parts[i].Marks & SentMarks.Lost) != 0)
            {
                long start = Sent.StartOf(i);
                long end = Sent.Parts[i].End;
                lost += end - start - (Sacked.Count == 0 ? 0 : Sacked.TotalFrom(start) - Sacked.TotalFrom(end));
            }
        }

        return lost;
    }
}
