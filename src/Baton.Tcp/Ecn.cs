using Baton.Wire;

namespace Baton.Tcp;

/// <summary>Whether a connection uses Explicit Congestion Notification.</summary>
public enum EcnMode : byte
{
    /// <summary>Neither asked for nor agreed to.</summary>
    Off,

    /// <summary>Agreed to when the peer asks.</summary>
    Answer,

    /// <summary>Asked for too.</summary>
    Request,
}

/// <summary>The codepoints of the ECN field in IP (RFC 3168 §5).</summary>
public static class EcnCodepoint
{
    /// <summary>Not ECN-capable transport.</summary>
    public const byte NotCapable = 0;

    /// <summary>ECT(1).</summary>
    public const byte Capable1 = 1;

    /// <summary>ECT(0), which we send.</summary>
    public const byte Capable = 2;

    /// <summary>CE: the packet met congestion.</summary>
    public const byte Congested = 3;
}

/// <summary>
/// Explicit Congestion Notification (RFC 3168 §6.1): routers mark instead of dropping, the receiver echoes, the sender slows
/// down once a round trip. The echo is the classic one, or RFC 9768's.
/// </summary>
internal struct Ecn
{
    [InSnapshot(nameof(TcpSnapshot.EcnOn))]
    private bool _on;

    [InSnapshot(nameof(TcpSnapshot.EcnEchoes))]
    private bool _echoes;

    [InSnapshot(nameof(TcpSnapshot.EcnReducedDue))]
    private bool _reducedDue;

    [InSnapshot(nameof(TcpSnapshot.EcnPoint))]
    private long _point;

    [NotInSnapshot("its parts are listed at AccurateEcn")]
    private AccurateEcn? _accurate;

    /// <summary>The accurate feedback, if both SYNs agreed on that.</summary>
    public readonly AccurateEcn? Accurate => _accurate;

    /// <summary>Whether the next segment must be a single one: a device that cuts segments would treat CWR as RFC 3168 says.</summary>
    public readonly bool WantsSingle => _reducedDue || (_accurate is not null && (_accurate.Received & 2) != 0);

    /// <summary>Whether both SYNs agreed on it.</summary>
    public readonly bool On => _on;

    /// <summary>Whether ACKs carry ECE, until the peer says CWR.</summary>
    public readonly bool Echoes => _echoes;

    /// <summary>Whether the next new segment says CWR.</summary>
    public readonly bool ReducedDue => _reducedDue;

    /// <summary>SND.NXT at the last reduction.</summary>
    public readonly long Point => _point;

    /// <summary>The flags of our SYN or SYN-ACK (§6.1.1). A repeated SYN does not ask: something on the path may drop those that do (§6.1.1.1).</summary>
    public readonly TcpFlags SynFlags(TcpSettings settings, bool answer, bool again) =>
        answer ? (_accurate is not null ? _accurate.SynFlags() : _on ? TcpFlags.Ece : TcpFlags.None)
        : settings.Ecn == EcnMode.Request && !again ? TcpFlags.Ece | TcpFlags.Cwr | (settings.AccurateEcn ? TcpFlags.Ae : TcpFlags.None)
        : TcpFlags.None;

    /// <summary>The peer's SYN or SYN-ACK (§6.1.1; RFC 9768 §3.1.1). Who asks for the accurate feedback takes the classic one too.</summary>
    public void OnSyn(TcpSettings settings, in TcpHeader syn, bool repeated, byte codepoint)
    {
        int field = AccurateEcn.FieldOf(syn.Flags);
        _accurate = null;
        if (syn.Has(TcpFlags.Ack))
        {
            bool asked = settings.Ecn == EcnMode.Request && !repeated;
            bool agreed = asked && settings.AccurateEcn && AccurateEcn.Agrees(field);
            _accurate = agreed ? new() : null;
            _accurate?.OnSynAck(codepoint);
            _on = agreed || (asked && (field == 0b001 || (settings.AccurateEcn && field == 0b101)));
        }
        else
        {
            _accurate = settings.Ecn != EcnMode.Off && settings.AccurateEcn && field == 0b111 ? new() : null;
            _accurate?.OnSyn(codepoint);

            // RFC 3168 knows no AE and ignores it: that is how a client that asks for more falls back.
            _on = settings.Ecn != EcnMode.Off && (field is 0b011 or 0b111);
        }
    }

    /// <summary>
    /// A segment was accepted: CWR ends the echo, a mark on data begins it (§6.1.3). True when the peer is to hear of it at
    /// once (RFC 9768 §3.2.2.5.1).
    /// </summary>
    public bool OnReceived(in TcpHeader header, byte codepoint, bool text)
    {
        if (_accurate is not null)
        {
            return !header.Has(TcpFlags.Syn) && _accurate.OnReceived(codepoint);
        }

        if (_on)
        {
            _echoes = (_echoes && !header.Has(TcpFlags.Cwr)) || (text && codepoint == EcnCodepoint.Congested);
        }

        return false;
    }

    /// <summary>Whether an ACK asks for a reduction: once for each window (§6.1.2, RFC 9768 §3.3).</summary>
    /// <param name="header">Its header.</param>
    /// <param name="una">What it acknowledges.</param>
    /// <param name="marks">Marked packets that it tells of for the first time; classic feedback does not count them.</param>
    public bool Asks(in TcpHeader header, long una, out int marks)
    {
        marks = 0;
        if (_accurate is null)
        {
            return _on && header.Has(TcpFlags.Ece) && una > _point;
        }

        marks = _accurate.OnFeedback(header.Flags, out bool cleared);
        _on &= !cleared;
        return marks > 0 && una > _point;
    }

    /// <summary>The window was reduced, for whatever reason.</summary>
    public void OnReduced(long nxt)
    {
        (_point, _reducedDue) = (nxt, _accurate is null);
    }

    /// <summary>The flags that an emitted segment adds; CWR goes on the first new segment after a reduction (§6.1.2).</summary>
    public TcpFlags Flags(bool news)
    {
        if (_accurate is not null)
        {
            return _accurate.Flags();
        }

        if (!_on)
        {
            return TcpFlags.None;
        }

        bool reduced = news && _reducedDue;
        _reducedDue &= !news;
        return (_echoes ? TcpFlags.Ece : TcpFlags.None) | (reduced ? TcpFlags.Cwr : TcpFlags.None);
    }

    /// <summary>The codepoint of an emitted segment: only new data are ECN-capable (§6.1.4, §6.1.5, §6.1.6).</summary>
    public readonly byte Codepoint(bool news) => _on && news ? EcnCodepoint.Capable : EcnCodepoint.NotCapable;

    /// <summary>Takes what a snapshot says.</summary>
    public void Restore(TcpSnapshot s)
    {
        (_on, _echoes, _reducedDue, _point) = (s.EcnOn, s.EcnEchoes, s.EcnReducedDue, s.EcnPoint);
        _accurate = s.EcnReceived > 0 ? new() : null;
        _accurate?.Restore(s.EcnReceived, s.EcnReported);
    }
}
