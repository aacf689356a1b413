namespace Baton.Tcp;

/// <summary>
/// What the application wrote and the peer has not acknowledged, by stream position (the first byte has position 1, the
/// SYN being 0). The bytes of a position never change, so they may be copied ahead of a move.
/// </summary>
internal sealed class SendQueue(int limit)
{
    [NotInSnapshot("its bytes are TcpSnapshot.SendQueue; its parts are listed at ByteRing")]
    private ByteRing _ring;

    [NotInSnapshot("the owner's setting")]
    private int _limit = limit;

    [InSnapshot(nameof(TcpSnapshot.SendQueue))]
    private long _start = 1;

    [InSnapshot(nameof(TcpSnapshot.SendQueue))]
    private long _end = 1;

    /// <summary>The first byte kept.</summary>
    public long Start => _start;

    /// <summary>The position after the last byte written.</summary>
    public long End => _end;

    /// <summary>Bytes kept.</summary>
    public int Length => (int)(_end - _start);

    /// <summary>Bytes that can be written.</summary>
    public int Free => Math.Max(0, _limit - Length);

    /// <summary>Most bytes kept from now on; what is there stays.</summary>
    public void Limit(int limit) => _limit = limit;

    /// <summary>Bytes of memory held.</summary>
    public int Capacity => _ring.Capacity;

    /// <summary>Appends as much as there is room for, and says how much.</summary>
    public int Write(ReadOnlySpan<byte> bytes)
    {
        int count = Math.Min(bytes.Length, Free);
        Append(bytes[..count]);
        return count;
    }

    /// <summary>Puts bytes of an image in place; they may exceed this owner's limit.</summary>
    public void Restore(long start, in QueuedBytes copiedAhead, in QueuedBytes tail)
    {
        (_start, _end) = (start, tail.End);
        _ring.Reserve(start, start, Length);
        _ring.CopyIn(copiedAhead);
        _ring.CopyIn(tail);
    }

    /// <summary>All bytes, in place.</summary>
    public QueuedBytes View() => _ring.View(_start, Length);

    /// <summary>The bytes from a position on, in place.</summary>
    public void Slice(long position, int length, out ReadOnlySpan<byte> first, out ReadOnlySpan<byte> second) =>
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

    private void Append(ReadOnlySpan<byte> bytes)
    {
        _ring.Reserve(_start, _end, Length + bytes.Length);
        _ring.CopyIn(_end, bytes);
        _end += bytes.Length;
    }
}
