using System.Buffers.Binary;
using Baton.Wire;

namespace Baton.Tcp;

/// <summary>
/// Reads an image's fields. What is missing or cannot be reads as zero and makes the whole image invalid; nothing throws.
/// </summary>
internal ref struct SnapshotReader(ReadOnlyMemory<byte> image)
{
    private readonly ReadOnlyMemory<byte> _image = image;
    private readonly ReadOnlySpan<byte> _span = image.Span;
    private int _at;
    private bool _failed;

    /// <summary>Whether everything was read, and nothing is left.</summary>
    public readonly bool AtEnd => !_failed && _at == _span.Length;

    public byte U8() => TryTake(1, out int at) ? _span[at] : (byte)0;

    public bool Bool()
    {
        byte value = U8();
        _failed |= value > 1;
        return value == 1;
    }

    public ushort U16() => TryTake(2, out int at) ? BinaryPrimitives.ReadUInt16BigEndian(_span[at..]) : (ushort)0;

    public uint U32() => TryTake(4, out int at) ? BinaryPrimitives.ReadUInt32BigEndian(_span[at..]) : 0;

    public int I32() => (int)U32();

    public long I64() => TryTake(8, out int at) ? BinaryPrimitives.ReadInt64BigEndian(_span[at..]) : 0;

    public TimeSpan Time() => new(I64());

    public TimeSpan? TimeOrNone() => Bool() ? Time() : null;

    public StreamRange Range() => new(I64(), I64());

    public int Count(int limit)
    {
        int count = U8();
        _failed |= count > limit;
        return _failed ? 0 : count;
    }

    public int LongCount(int limit)
    {
        int count = U16();
        _failed |= count > limit;
        return _failed ? 0 : count;
    }

    public InetAddress Address()
    {
        int length = U8();
        if (length is not (4 or 16))
        {
            _failed = true;
        }

        return !_failed && TryTake(length, out int at) ? InetAddress.FromBytes(_span.Slice(at, length)) : default;
    }

    public QueuedBytes Bytes()
    {
        long position = I64();
        int length = I32();
        bool sound = position >= 0 && position <= 1L << 60 && length >= 0;
        _failed |= !sound;
        return sound && TryTake(length, out int at) ? new(position, _image.Slice(at, length), default) : default;
    }

    private bool TryTake(int count, out int at)
    {
        at = _at;
        if (_failed || count > _span.Length - _at)
        {
            _failed = true;
            return false;
        }

        _at += count;
        return true;
    }
}
