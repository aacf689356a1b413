namespace Baton.Tcp;

/// <summary>
/// What the application wrote and the peer has not acknowledged, by stream position (the first byte has position 1, the
/// SYN being 0). The bytes of a position never change, so they may be copied ahead of a move.
/// </summary>
internal struct SendQueue()
{
    [NotInSnapshot("its bytes are TcpSnapshot.SendQueue; its parts are listed at ByteRing")]
    private ByteRing _ring;

    [InSnapshot(nameof(TcpSnapshot.SendQueue))]
    private long _start = 1;

    [InSnapshot(nameof(TcpSnapshot.SendQueue))]
    private long _end = 1;

    /// <summary>The first byte kept.</summary>
    public readonly long Start => _start;

    /// <summary>The position after the last byte written.</summary>
    public readonly long End => _end;

    /// <summary>Bytes kept.</summary>
    public readonly int Length => (int)(_end - _start);

    /// <summary>Bytes of memory held.</summary>
    public readonly int Capacity => _ring.Capacity;

    /// <summary>Appends bytes; how many there may be is its owner's knowledge.</summary>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        _ring.Reserve(_start, _end, Length + bytes.Length);
        _ring.CopyIn(_end, bytes);
        _end += bytes.Length;
    }

    /// <summary>Makes room for so many bytes more.</summary>
    public void Reserve(int bytes) => _ring.Reserve(_start, _end, Length + bytes);

    /// <summary>Puts bytes of an image in place; they may exceed this owner's limit.</summary>
    public void Restore(long start, in QueuedBytes copiedAhead, in QueuedBytes tail)
    {
        (_start, _end) = (start, tail.End);
        _ring.Reserve(start, start, Length);
        _ring.CopyIn(copiedAhead);
        _ring.CopyIn(tail);
    }

    /// <summary>All bytes, in place.</summary>
    public readonly QueuedBytes View() => _ring.View(_start, Length);

    /// <summary>The bytes from a position on, in place.</summary>
    public readonly void Slice(long position, int length, out ReadOnlySpan<byte> first, out ReadOnlySpan<byte> second) =>
        _ring.Slice(position, length, out first, out second);

    /// <summary>Forgets what is acknowledged; memory goes back when nothing is left.</summary>
    public void RemoveBelow(long position)
    {
        _start = Math.Clamp(position, _start, _end);
        if (_start == _end)
        {
            _ring.Release();
        }
    }

    /// <summary>Forgets everything: the connection is closed.</summary>
    public void Release()
    {
        _start = _end;
        _ring.Release();
    }
}
