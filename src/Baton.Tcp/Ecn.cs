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

/// <summary>Explicit Congestion Notification (RFC 3168 §6.1): routers mark instead of dropping, the receiver echoes, the sender slows down once a round trip.</summary>
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

    /// <summary>Whether both SYNs agreed on it.</summary>
    public readonly bool On => _on;

    /// <summary>Whether ACKs carry ECE, until the peer says CWR.</summary>
    public readonly bool Echoes => _echoes;

    /// <summary>Whether the next new segment says CWR.</summary>
    public readonly bool ReducedDue => _reducedDue;

    /// <summary>SND.NXT at the last reduction.</summary>
    public readonly long Point => _point;

    /// <summary>The flags of our SYN or SYN-ACK (§6.1.1). A repeated SYN does not ask: something on the path may drop those that do (§6.1.1.1).</summary>
    public readonly TcpFlags SynFlags(EcnMode mode, bool answer, bool again) =>
        answer ? (_on ? TcpFlags.Ece : TcpFlags.None)
        : mode == EcnMode.Request && !again ? TcpFlags.Ece | TcpFlags.Cwr
        : TcpFlags.None;

    /// <summary>The peer's SYN or SYN-ACK (§6.1.1).</summary>
    public void OnSyn(EcnMode mode, in TcpHeader syn, bool repeated)
    {
        var flags = syn.Flags & (TcpFlags.Ece | TcpFlags.Cwr);
        _on = syn.Has(TcpFlags.Ack)
            ? mode == EcnMode.Request && !repeated && flags == TcpFlags.Ece
            : mode != EcnMode.Off && flags == (TcpFlags.Ece | TcpFlags.Cwr) && (syn.Flags & TcpFlags.Ae) == 0;
    }

    /// <summary>A segment was accepted: CWR ends the echo, a mark on data begins it (§6.1.3).</summary>
    public void OnReceived(in TcpHeader header, byte codepoint, bool text)
    {
        if (_on)
        {
            _echoes = (_echoes && !header.Has(TcpFlags.Cwr)) || (text && codepoint == EcnCodepoint.Congested);
        }
    }

    /// <summary>Whether an ACK's ECE asks for a reduction: once for each window (§6.1.2).</summary>
    public readonly bool Asks(in TcpHeader header, long una) => _on && header.Has(TcpFlags.Ece) && una > _point;

    /// <summary>The window was reduced, for whatever reason.</summary>
    public void OnReduced(long nxt)
    {
        (_point, _reducedDue) = (nxt, true);
    }

    /// <summary>The flags that an emitted segment adds; CWR goes on the first new segment after a reduction (§6.1.2).</summary>
    public TcpFlags Flags(bool news)
    {
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
    public void Restore(TcpSnapshot s) => (_on, _echoes, _reducedDue, _point) = (s.EcnOn, s.EcnEchoes, s.EcnReducedDue, s.EcnPoint);
}
