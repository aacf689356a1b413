using Baton.Wire;

namespace Baton.Link;

/// <summary>
/// Puts faults around any link: what is sent goes through <see cref="Outgoing"/> before the inner link sees it, what the
/// inner link receives through <see cref="Incoming"/>. Where frames are kept back, <see cref="NextDeadline"/> says when
/// <see cref="Receive"/> and <see cref="Flush"/> have to be called next. Faults follow from the seed and the clock alone.
/// </summary>
public sealed class FaultLink : ILink, IFrameReceiver
{
    /// <summary>Bytes that may be kept back in each direction.</summary>
    public const long KeptBytesLimit = 64L << 20;

    private readonly ILink _inner;
    private readonly Func<Instant> _clock;
    private readonly FaultPath _outgoing;
    private readonly FaultPath _incoming;
    private Instant _now;
    private int _given;
    private IFrameReceiver? _receiver;

    /// <summary>Wraps <paramref name="inner"/>, which is disposed with this link.</summary>
    /// <param name="inner">Where frames go to and come from.</param>
    /// <param name="outgoing">What happens to frames that are sent.</param>
    /// <param name="incoming">What happens to frames that are received.</param>
    /// <param name="seed">Everything random follows from it.</param>
    /// <param name="clock">The time, real or virtual.</param>
    public FaultLink(ILink inner, FaultProfile outgoing, FaultProfile incoming, ulong seed, Func<Instant> clock)
    {
        var random = new SeededRandom(seed);
        _inner = inner;
        _clock = clock;
        _outgoing = new FaultPath(outgoing, random.Split(), KeptBytesLimit);
        _incoming = new FaultPath(incoming, random.Split(), KeptBytesLimit);
    }

    /// <inheritdoc/>
    public string Name => _inner.Name;

    /// <inheritdoc/>
    public MacAddress Address => _inner.Address;

    /// <inheritdoc/>
    public int Mtu => _inner.Mtu;

    /// <inheritdoc/>
    public LinkOffloads Offloads => _inner.Offloads;

    /// <inheritdoc/>
    public int WaitDescriptor => _inner.WaitDescriptor;

    /// <inheritdoc/>
    public Instant NextDeadline => Instant.Min(_inner.NextDeadline, Instant.Min(_outgoing.NextDue(_now), _incoming.NextDue(_now)));

    /// <summary>What happens to frames that are sent, from now on.</summary>
    public FaultProfile Outgoing
    {
        get => _outgoing.Profile;
        set => _outgoing.Profile = value;
    }

    /// <summary>What happens to frames that are received, from now on.</summary>
    public FaultProfile Incoming
    {
        get => _incoming.Profile;
        set => _incoming.Profile = value;
    }

    /// <summary>What happened to frames that were sent.</summary>
    public FaultCounters OutgoingFaults => _outgoing.Counters;

    /// <summary>What happened to frames that were received.</summary>
    public FaultCounters IncomingFaults => _incoming.Counters;

    /// <inheritdoc/>
    public int Receive(IFrameReceiver receiver, int limit)
    {
        _now = _clock();
        _given = _incoming.GiveDue(_now, this, receiver, limit);
        if (_given < limit)
        {
            _receiver = receiver;
            _inner.Receive(this, limit - _given);
            _receiver = null;
            _given += _incoming.GiveDue(_now, this, receiver, limit - _given);
        }

        return _given;
    }

    /// <inheritdoc/>
    public bool TrySend(FrameOffload offload, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload, ReadOnlySpan<byte> more = default)
    {
        if (_outgoing.IsClear)
        {
            return _inner.TrySend(offload, headers, payload, more);
        }

        _outgoing.Put(_clock(), offload, headers, payload, more);
        return true;
    }

    /// <inheritdoc/>
    public void Flush()
    {
        _now = _clock();
        _outgoing.SendDue(_now, _inner);
        _inner.Flush();
    }

    /// <inheritdoc/>
    public void Dispose() => _inner.Dispose();

    void IFrameReceiver.OnFrame(ILink link, FrameOffload offload, Span<byte> frame)
    {
        if (_incoming.IsClear)
        {
            _given++;
            _receiver!.OnFrame(this, offload, frame);
        }
        else
        {
            _incoming.Put(_now, offload, frame, default, default);
        }
    }
}
