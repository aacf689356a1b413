using Baton.Wire;

namespace Baton.Tcp;

/// <summary>What is offered, answered and agreed on by the SYNs.</summary>
internal struct Handshake(TcpSettings settings, bool passive)
{
    /// <summary>The smallest MSS used, whatever the peer announces: smaller ones only multiply our work.</summary>
    public const ushort MinMss = 88;

    /// <summary>Bytes that timestamps take in every segment (RFC 7323 appendix A), to be taken off the MSS (RFC 6691).</summary>
    public const int TimestampsLength = 12;

    [InSnapshot(nameof(TcpSnapshot.Passive))]
    private bool _passive = passive;

    [InSnapshot(nameof(TcpSnapshot.SynDue))]
    private bool _synDue = true;

    [InSnapshot(nameof(TcpSnapshot.PeerMss))]
    private ushort _peerMss = settings.DefaultPeerMss;

    [InSnapshot(nameof(TcpSnapshot.PathMss))]
    private ushort _pathMss = settings.Mss;

    [InSnapshot(nameof(TcpSnapshot.SackOn))]
    private bool _sack;

    [InSnapshot(nameof(TcpSnapshot.ScalingOn))]
    private bool _scaling;

    /// <summary>Whether the peer sent the first SYN.</summary>
    public readonly bool Passive => _passive;

    /// <summary>Whether our SYN is to be emitted.</summary>
    public readonly bool SynDue => _synDue;

    /// <summary>The MSS the peer announced.</summary>
    public readonly int PeerMss => _peerMss;

    /// <summary>The MSS the path is known to carry.</summary>
    public readonly int PathMss => _pathMss;

    /// <summary>Whether both SYNs permitted SACK.</summary>
    public readonly bool SackOn => _sack;

    /// <summary>Whether both SYNs carried the window scale.</summary>
    public readonly bool ScalingOn => _scaling;

    /// <summary>Our SYN is to be sent, perhaps again.</summary>
    public void RequestSyn() => _synDue = true;

    /// <summary>Our SYN left.</summary>
    public void OnSynSent() => _synDue = false;

    /// <summary>Our SYN was acknowledged: a repetition that was asked for just before is needed no more.</summary>
    public void OnSynAcknowledged() => _synDue = false;

    /// <summary>The peer's SYN: an option counts when both sides carry it.</summary>
    public void OnSyn(Instant now, in TcpHeader syn, TcpSettings settings, Sender sender, Receiver receiver)
    {
        var options = syn.Options;
        _peerMss = Math.Max(MinMss, options.Mss ?? settings.DefaultPeerMss);
        _sack = options.SackPermitted && settings.SelectiveAcks;
        _scaling = options.WindowScale is not null && settings.WindowScaling;
        if (options.HasTimestamps && settings.Timestamps)
        {
            receiver.Timestamps.Agree(options.TimestampValue, now);
        }

        receiver.Window.Agree(_scaling ? ReceiveWindow.ScaleFor(settings.ReceiveBufferLimit) : 0);
        sender.Agree(EffectiveMss(receiver), _scaling ? Math.Min((int)options.WindowScale!.Value, 14) : 0, _sack);
    }

    /// <summary>The options of our SYN or SYN-ACK: an answer offers only what was offered (RFC 7323 §2.2, §3.2).</summary>
    public readonly void WriteOptions(ref TcpOptions options, TcpSettings settings, Receiver receiver, bool answer, Instant now)
    {
        options.Mss = settings.Mss;
        if (answer ? _scaling : settings.WindowScaling)
        {
            options.WindowScale = (byte)ReceiveWindow.ScaleFor(settings.ReceiveBufferLimit);
        }

        options.SackPermitted = answer ? _sack : settings.SelectiveAcks;
        if (answer ? receiver.Timestamps.On : settings.Timestamps)
        {
            receiver.Timestamps.Write(ref options, now);
        }
    }

    /// <summary>The path carries no larger IP packet than this; true when that is news.</summary>
    public bool OnPathMss(int mss)
    {
        bool smaller = mss < _pathMss;
        _pathMss = (ushort)Math.Max(MinMss, Math.Min(mss, _pathMss));
        return smaller;
    }

    /// <summary>What the path carries was found by trying (RFC 4821).</summary>
    public void SetPathMss(int mss) => _pathMss = (ushort)Math.Clamp(mss, MinMss, ushort.MaxValue);

    /// <summary>Payload bytes of a full-size segment (RFC 9293 §3.7.1, RFC 6691).</summary>
    public readonly int EffectiveMss(Receiver receiver) =>
        Math.Max(MinMss, Math.Min(_peerMss, _pathMss)) - (receiver.Timestamps.On ? TimestampsLength : 0);

    /// <summary>Takes what a snapshot says.</summary>
    public void Restore(TcpSnapshot s) =>
        (_passive, _synDue, _peerMss, _pathMss, _sack, _scaling) = (s.Passive, s.SynDue, (ushort)s.PeerMss, (ushort)s.PathMss, s.SackOn, s.ScalingOn);
}
