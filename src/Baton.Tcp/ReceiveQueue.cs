using System.Diagnostics.CodeAnalysis;

namespace Baton.Tcp;

/// <summary>
/// What the peer sent and the application has not read, by stream position. Bytes that come ahead of a gap are put at
/// their final place in the same ring and remembered as ranges, so that closing the gap moves nothing.
/// </summary>
internal struct ReceiveQueue()
{
    [NotInSnapshot("its bytes are TcpSnapshot.ReceiveQueue and OutOfOrder; its parts are listed at ByteRing")]
    private ByteRing _ring;

    [InSnapshot(nameof(TcpSnapshot.OutOfOrder))]
    private RangeSet _ahead;

    [InSnapshot(nameof(TcpSnapshot.ReadPosition))]
    private long _read = 1;

    [InSnapshot(nameof(TcpSnapshot.ReceiveQueue))]
    private long _next = 1;

    /// <summary>The next byte for the application.</summary>
    public readonly long ReadPosition => _read;

    /// <summary>The first byte that is missing: RCV.NXT but for a FIN.</summary>
    public readonly long Next => _next;

    /// <summary>Bytes in order that the application has not read.</summary>
    public readonly int Readable => (int)(_next - _read);

    /// <summary>Ranges beyond the first gap.</summary>
    [UnscopedRef]
    public ref RangeSet Ahead => ref _ahead;

    /// <summary>Bytes of memory held.</summary>
    public readonly int Capacity => _ring.Capacity;

    /// <summary>
    /// Puts bytes in their place. They lie within the promised window and at or after <see cref="Next"/>. False when they
    /// came ahead of a gap and would make one range too many.
    /// </summary>
    public bool TryInsert(long position, ReadOnlySpan<byte> bytes)
    {
        long end = position + bytes.Length;
        long filled = Math.Max(_next, _ahead.End);
        if (position > _next && !_ahead.TryAdd(position, end))
        {
            return false;
        }

        _ring.Reserve(_read, filled, (int)(Math.Max(end, filled) - _read));
        _ring.CopyIn(position, bytes);
        if (position == _next)
        {
            _next = end;
            CloseGap();
        }

        return true;
    }

    /// <summary>Copies bytes out in order, and says how many.</summary>
    public int Read(Span<byte> destination)
    {
        int count = Math.Min(destination.Length, Readable);
        _ring.CopyOut(_read, destination[..count]);
        Consume(count);
        return count;
    }

    /// <summary>Bytes in place.</summary>
    public readonly void Slice(long position, int length, out ReadOnlySpan<byte> first, out ReadOnlySpan<byte> second) =>
        _ring.Slice(position, length, out first, out second);

    /// <summary>Takes bytes in order; memory goes back when nothing is left.</summary>
    public void Consume(int count)
    {
        _read += count;
        if (_read == _next && _ahead.Count == 0)
        {
            _ring.Release();
        }
    }

    /// <summary>Puts in-order bytes of an image in place.</summary>
    public void Restore(long read, in QueuedBytes copiedAhead, in QueuedBytes tail)
    {
        (_read, _next) = (read, tail.End);
        _ring.Reserve(read, read, Readable);
        _ring.CopyIn(copiedAhead);
        _ring.CopyIn(tail);
    }

    /// <summary>Bytes in place.</summary>
    public readonly QueuedBytes View(long position, int length) => _ring.View(position, length);

    /// <summary>Forgets everything: the connection is closed, or nobody reads any more.</summary>
    public void Release()
    {
        _read = _next;
        _ahead.Clear();
        _ring.Release();
    }

    private void CloseGap()
    {
        // What came may have covered some ranges and reached into another.
        while (_ahead.Count > 0 && _ahead.Ranges[0].Start <= _next)
        {
            _next = Math.Max(_next, _ahead.Ranges[0].End);
            _ahead.RemoveBelow(_next);
        }
    }
}
