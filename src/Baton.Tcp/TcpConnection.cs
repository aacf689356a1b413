using Baton.Wire;

namespace Baton.Tcp;

/// <summary>
/// One TCP connection (RFC 9293) as a machine that is driven: it has no clock, thread or I/O.
/// </summary>
/// <remarks>
/// Order of calls: inputs (<see cref="OnSegment"/>, <see cref="OnDeadline"/>, the application's calls) in any order, each
/// with a time that never goes back; after inputs <see cref="TryEmit"/> until it returns false; then
/// <see cref="NextDeadline"/> says when to call <see cref="OnDeadline"/>, and <see cref="TakeEvents"/> what happened.
/// </remarks>
public sealed class TcpConnection
{
    private TcpConnection() => throw new NotSupportedException();

    /// <summary>A connection in SYN-RECEIVED for a SYN that a listener got.</summary>
    public static TcpConnection Accept(TcpSettings settings, FourTuple tuple, in TcpHeader syn, SeqNum iss, uint timestampOffset, Instant now) => throw new NotSupportedException();

    /// <summary>A connection in SYN-SENT.</summary>
    public static TcpConnection Connect(TcpSettings settings, FourTuple tuple, SeqNum iss, uint timestampOffset, Instant now) => throw new NotSupportedException();

    /// <summary>A frozen connection from an image; false when the image is not valid. <see cref="Thaw"/> starts it.</summary>
    public static bool TryRestore(ReadOnlySpan<byte> image, TcpSettings settings, Instant now, out TcpConnection connection) => throw new NotSupportedException();

    public FourTuple Tuple { get; }
    public TcpSettings Settings { get; } = TcpSettings.Default;
    public TcpState State { get; }
    public TcpCloseReason CloseReason { get; }
    public bool IsSynchronized { get; }
    public bool IsFrozen { get; }
    public bool NoDelay { get; set; }
    public SequenceGroup Sequence { get; }
    public TcpCounters Counters { get; }

    public TcpDisposition OnSegment(Instant now, in TcpHeader header, ReadOnlySpan<byte> payload) => throw new NotSupportedException();
    public void OnIcmpError(Instant now, TcpIcmpError error, SeqNum quotedSequence) => throw new NotSupportedException();
    public void OnPathMtu(Instant now, int mtu, SeqNum quotedSequence) => throw new NotSupportedException();
    public Instant NextDeadline { get; }
    public void OnDeadline(Instant now) => throw new NotSupportedException();
    public bool TryEmit(Instant now, int maxSegmentBytes, out TcpEmission emission) => throw new NotSupportedException();
    public TcpEvents TakeEvents() => throw new NotSupportedException();

    /// <summary>Bytes that can be written now.</summary>
    public int WriteCapacity { get; }
    public int Write(ReadOnlySpan<byte> bytes) => throw new NotSupportedException();
    public int ReadableBytes { get; }
    public int Read(Span<byte> destination) => throw new NotSupportedException();
    /// <summary>The readable bytes in place, without taking them.</summary>
    public void Peek(out ReadOnlySpan<byte> first, out ReadOnlySpan<byte> second) => throw new NotSupportedException();
    /// <summary>Takes bytes seen with <see cref="Peek"/>.</summary>
    public void Consume(int count) => throw new NotSupportedException();
    /// <summary>The peer's FIN came and everything before it was read.</summary>
    public bool ReadCompleted { get; }
    /// <summary>Half-close: a FIN follows what was written.</summary>
    public void CloseWrite(Instant now) => throw new NotSupportedException();
    /// <summary>Close both directions: nobody reads any more; RST if there are unread bytes (RFC 1122 §4.2.2.13).</summary>
    public void Close(Instant now) => throw new NotSupportedException();
    /// <summary>Close with one RST.</summary>
    public void Abort(Instant now) => throw new NotSupportedException();

    public void Freeze(Instant now) => throw new NotSupportedException();
    public void Thaw(Instant now) => throw new NotSupportedException();
    public byte[] ToImage(Instant now) => throw new NotSupportedException();
    public void KickAfterMove(Instant now) => throw new NotSupportedException();
}
