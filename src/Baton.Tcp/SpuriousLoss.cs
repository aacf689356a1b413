using Baton.Wire;

namespace Baton.Tcp;

/// <summary>How far F-RTO has come (RFC 5682 §2.1).</summary>
public enum FRtoStep : byte
{
    /// <summary>Not under way.</summary>
    None,

    /// <summary>The first segment was sent again after a timeout (step 1).</summary>
    Resent,

    /// <summary>The first ACK advanced, and new data are sent instead of old (step 2b).</summary>
    NewSent,
}

/// <summary>
/// Whether a loss was one: what was sent again had only been late if an ACK echoes a timestamp from before (Eifel,
/// RFC 3522), if the peer got all of it twice (DSACK, RFC 2883 and RFC 3708), or if after a timeout two ACKs advance
/// without more being sent again (F-RTO, RFC 5682). Then the reduction is taken back (RFC 4015).
/// </summary>
internal struct SpuriousLoss
{
    [InSnapshot(nameof(TcpSnapshot.UndoFrom))]
    private long _from;

    [InSnapshot(nameof(TcpSnapshot.UndoOutstanding))]
    private long _outstanding;

    [InSnapshot(nameof(TcpSnapshot.UndoSince))]
    private Instant _firstResent;

    [InSnapshot(nameof(TcpSnapshot.UndoResent))]
    private bool _resent;

    [InSnapshot(nameof(TcpSnapshot.FRtoStep))]
    private FRtoStep _step;

    /// <summary>SND.UNA when the window was reduced, or 0 when there is nothing to take back.</summary>
    public readonly long From => _from;

    /// <summary>Bytes sent again of which no DSACK has come.</summary>
    public readonly long Outstanding => _outstanding;

    /// <summary>When the first of them was sent again.</summary>
    public readonly Instant FirstResent => _firstResent;

    /// <summary>Whether anything was sent again.</summary>
    public readonly bool Resent => _resent;

    /// <summary>How far F-RTO has come.</summary>
    public readonly FRtoStep Step => _step;

    /// <summary>The window is reduced for a loss; <paramref name="again"/>: while another is recovered from, which stays the one to judge.</summary>
    public void Begin(long una, bool again)
    {
        _step = FRtoStep.None;
        if (!again)
        {
            (_from, _outstanding, _resent) = (una, 0, false);
        }
    }

    /// <summary>The timer expired for the first time: F-RTO begins (RFC 5682 §2.1, step 1).</summary>
    public void BeginFRto() => _step = FRtoStep.Resent;

    /// <summary>F-RTO sends new data (step 2b), or ends (steps 2a, 3a).</summary>
    public void Proceed(FRtoStep step) => _step = step;

    /// <summary>Nothing can be taken back any more.</summary>
    public void Forget() => (_from, _outstanding, _resent, _step) = (0, 0, false, FRtoStep.None);

    /// <summary>Something was sent again.</summary>
    public void OnResent(long bytes, Instant now)
    {
        if (_from > 0)
        {
            _firstResent = _resent ? _firstResent : now;
            _resent = true;
            _outstanding += bytes;
        }
    }

    /// <summary>A duplicate was reported; true when everything sent again was one.</summary>
    public bool OnDuplicate(StreamRange range)
    {
        if (_from == 0 || range.Start < _from || !_resent)
        {
            return false;
        }

        _outstanding -= range.Length;
        return _outstanding <= 0;
    }

    /// <summary>
    /// RFC 3522 §3.2, step 5: the ACK that advances was caused by the original, sent before the first repetition. By more than
    /// a millisecond, since after a move the clock's milliseconds begin elsewhere.
    /// </summary>
    public readonly bool IsEcho(Instant? echoed) =>
        _from > 0 && _resent && echoed is { } at
        && (at.Ticks / TimeSpan.TicksPerMillisecond) + 1 < _firstResent.Ticks / TimeSpan.TicksPerMillisecond;

    /// <summary>Takes what a snapshot says.</summary>
    public void Restore(TcpSnapshot s, Instant now)
    {
        (_from, _outstanding, _resent, _step) = (s.UndoFrom, s.UndoOutstanding, s.UndoResent, s.FRtoStep);
        _firstResent = _resent ? now - s.UndoSince : default;
    }
}
