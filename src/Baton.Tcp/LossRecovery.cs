using Baton.Wire;

namespace Baton.Tcp;

/// <summary>Where loss recovery stands.</summary>
public enum RecoveryPhase : byte
{
    /// <summary>Nothing is known to be lost.</summary>
    Open,

    /// <summary>Fast recovery (RFC 6582) up to the recovery point.</summary>
    Fast,

    /// <summary>The retransmission timer expired: everything up to the recovery point is taken as lost (RFC 5681 §3.1).</summary>
    Timeout,
}

/// <summary>
/// What is to be sent again: fast retransmit after three duplicate ACKs (RFC 5681 §3.2), partial ACKs (RFC 6582), holes
/// below what the peer acknowledged selectively (RFC 6675), all after a timeout.
/// </summary>
internal sealed class LossRecovery
{
    /// <summary>DupThresh (RFC 5681 §3.2).</summary>
    public const int DuplicateThreshold = 3;

    [InSnapshot(nameof(TcpSnapshot.Sacked))]
    private readonly RangeSet _sacked = new();

    [InSnapshot(nameof(TcpSnapshot.RecoveryPhase))]
    private RecoveryPhase _phase;

    [InSnapshot(nameof(TcpSnapshot.RecoveryPoint))]
    private long _point;

    [InSnapshot(nameof(TcpSnapshot.DuplicateAcks))]
    private int _duplicates;

    [InSnapshot(nameof(TcpSnapshot.Resend))]
    private StreamRange _resend;

    /// <summary>The phase.</summary>
    public RecoveryPhase Phase => _phase;

    /// <summary>SND.NXT when recovery began: acknowledged, recovery is over.</summary>
    public long Point => _point;

    /// <summary>Duplicate ACKs in a row.</summary>
    public int Duplicates => _duplicates;

    /// <summary>The range taken as lost that was not sent again yet; what the peer has of it is skipped.</summary>
    public StreamRange Resend => _resend;

    /// <summary>What the peer has beyond SND.UNA.</summary>
    public RangeSet Sacked => _sacked;

    /// <summary>
    /// How much beyond the congestion window may be in flight: a segment for each of the first two duplicate ACKs
    /// (RFC 3042). With SACK the pipe already shrinks by what arrived.
    /// </summary>
    public int LimitedTransmit(int mss) =>
        _phase == RecoveryPhase.Open && _sacked.Count == 0 ? Math.Min(_duplicates, DuplicateThreshold - 1) * mss : 0;

    /// <summary>Bytes in flight: sent, less what the peer has and what is lost and not sent again (RFC 6675 §4, pipe).</summary>
    public int Pipe(long una, long nxt)
    {
        long lost = 0;
        if (_resend.Length > 0)
        {
            lost = _resend.Length - (_sacked.TotalFrom(_resend.Start) - _sacked.TotalFrom(_resend.End));
        }

        return (int)Math.Max(0, nxt - una - _sacked.Total - lost);
    }

    /// <summary>Notes the SACK blocks of an ACK; whether they told something new.</summary>
    public bool OnSack(in TcpOptions options, Sender sender)
    {
        long before = _sacked.Total;
        for (int i = 0; i < options.SackCount; i++)
        {
            long start = sender.PositionOf(options[i].Left);
            long end = sender.PositionOf(options[i].Right);
            if (start < end && start > sender.Una && end <= sender.Nxt)
            {
                _ = _sacked.TryAdd(start, end);
            }
        }

        return _sacked.Total > before;
    }

    /// <summary>A duplicate ACK (RFC 5681 §2); true when it starts fast recovery.</summary>
    public bool OnDuplicate(long una, long nxt, int mss)
    {
        _duplicates++;
        if (_phase == RecoveryPhase.Fast && _sacked.End > una)
        {
            _resend = new(_resend.Start, Math.Max(_resend.End, _sacked.End));
        }

        // RFC 6582 §3.2, step 1: not again for a window that recovery, or a timeout, has already covered.
        // RFC 6675 §2, IsLost: bytes beyond the gap count as well as ACKs, since one ACK may stand for a super-segment.
        bool lost = _duplicates >= DuplicateThreshold || _sacked.Total > (DuplicateThreshold - 1) * mss;
        if (_phase != RecoveryPhase.Open || !lost || una < _point)
        {
            return false;
        }

        _phase = RecoveryPhase.Fast;
        _point = nxt;
        _resend = new(una, Math.Min(nxt, Math.Max(una + mss, _sacked.End)));
        return true;
    }

    /// <summary>SND.UNA advanced; true when that ends recovery.</summary>
    public bool OnAdvance(long una, long nxt, int mss)
    {
        _sacked.RemoveBelow(una);
        _duplicates = 0;
        _resend = new(Math.Max(_resend.Start, una), Math.Max(_resend.End, una));
        if (_phase == RecoveryPhase.Open)
        {
            return false;
        }

        if (una >= _point)
        {
            _phase = RecoveryPhase.Open;
            _resend = new(una, una);
            return true;
        }

        // RFC 6582 §3.2, step 3: a partial ACK says that the next segment is lost too.
        if (_phase == RecoveryPhase.Fast && (_sacked.Count == 0 || _resend.Start == una))
        {
            _resend = new(una, Math.Min(nxt, Math.Max(una + mss, _sacked.End)));
        }

        return false;
    }

    /// <summary>
    /// The retransmission timer expired. What the peer said it had it may have dropped: SACK information starts anew
    /// (RFC 2018 §8).
    /// </summary>
    public void OnTimeout(long una, long nxt)
    {
        _sacked.Clear();
        _phase = RecoveryPhase.Timeout;
        _point = nxt;
        _duplicates = 0;
        _resend = new(una, nxt);
    }

    /// <summary>Segments were lost for another reason than congestion: they exceed the path's MTU, or were window probes.</summary>
    public void MarkLost(long una, long nxt) => _resend = new(una, nxt);

    /// <summary>The next hole to fill.</summary>
    public bool TryNextResend(out StreamRange hole)
    {
        while (_resend.Length > 0 && _sacked.TryFind(_resend.Start, out var range))
        {
            _resend = new(Math.Min(range.End, _resend.End), _resend.End);
        }

        hole = _resend;
        if (hole.Length > 0 && _sacked.TryFindNext(hole.Start, out var next))
        {
            hole = new(hole.Start, Math.Min(hole.End, next.Start));
        }

        return hole.Length > 0;
    }

    /// <summary>Everything up to a position was sent again.</summary>
    public void OnResent(long end) => _resend = new(Math.Max(_resend.Start, Math.Min(end, _resend.End)), _resend.End);

    /// <summary>Takes what a snapshot says.</summary>
    public void Restore(RecoveryPhase phase, long point, int duplicates, StreamRange resend, ReadOnlySpan<StreamRange> sacked)
    {
        (_phase, _point, _duplicates, _resend) = (phase, point, duplicates, resend);
        foreach (var range in sacked)
        {
            _ = _sacked.TryAdd(range.Start, range.End);
        }
    }
}
