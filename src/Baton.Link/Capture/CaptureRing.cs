using System.Numerics;

namespace Baton.Link;

/// <summary>
/// A bounded ring of bytes from one producer to one consumer: pieces go in whole, or not at all. Positions count bytes
/// from the start of the capture; a piece never wraps round the end, the rest there is skipped.
/// </summary>
internal sealed class CaptureRing
{
    private readonly byte[] _bytes;
    private readonly int _mask;

    // Each side writes its own number only. _skipFrom is written before _produced, and read after it.
    private long _produced;
    private long _consumed;
    private long _skipFrom = -1;
    private long _reservedAt;

    public CaptureRing(int bytes)
    {
        int length = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Clamp(bytes, 1 << 18, 1 << 30));
        _bytes = GC.AllocateUninitializedArray<byte>(length);
        _mask = length - 1;
    }

    /// <summary>Bytes waiting, skipped ones included.</summary>
    public long Waiting => Volatile.Read(ref _produced) - Volatile.Read(ref _consumed);

    /// <summary>Bytes the ring can hold.</summary>
    public int Capacity => _bytes.Length;

    /// <summary>The producer's: a place for <paramref name="length"/> bytes, empty when there is no room.</summary>
    public Span<byte> Reserve(int length)
    {
        long at = _produced;
        int toEnd = _bytes.Length - (int)(at & _mask);
        if (toEnd < length)
        {
            at += toEnd;
        }

        long consumed = Volatile.Read(ref _consumed);
        bool wrapped = at != _produced;

        // A second skip must not hide one that the consumer has not passed yet.
        if (at + length - consumed > _bytes.Length || (wrapped && _skipFrom >= consumed))
        {
            return default;
        }

        _reservedAt = at;
        return _bytes.AsSpan((int)(at & _mask), length);
    }

    /// <summary>The producer's: hands over the first <paramref name="length"/> bytes of the place.</summary>
    public void Commit(int length)
    {
        if (_reservedAt != _produced)
        {
            Volatile.Write(ref _skipFrom, _produced);
        }

        Volatile.Write(ref _produced, _reservedAt + length);
    }

    /// <summary>The consumer's: the next bytes that lie together; to be given back with <see cref="Release"/>.</summary>
    public ReadOnlySpan<byte> Peek()
    {
        long produced = Volatile.Read(ref _produced);
        long skipFrom = Volatile.Read(ref _skipFrom);
        if (skipFrom == _consumed && skipFrom != produced)
        {
            // The rest up to the end of the ring holds nothing.
            Volatile.Write(ref _consumed, _consumed + _bytes.Length - (_consumed & _mask));
        }

        long end = skipFrom > _consumed ? Math.Min(skipFrom, produced) : produced;
        int start = (int)(_consumed & _mask);
        return _bytes.AsSpan(start, (int)Math.Min(end - _consumed, _bytes.Length - start));
    }

    /// <summary>The consumer's: makes room.</summary>
    public void Release(int length) => Volatile.Write(ref _consumed, _consumed + length);
}
