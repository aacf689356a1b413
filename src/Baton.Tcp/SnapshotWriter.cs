using System.Buffers.Binary;
using Baton.Wire;

namespace Baton.Tcp;

/// <summary>Writes an image's fields, or without a destination counts their bytes.</summary>
internal ref struct SnapshotWriter
{
    private readonly Span<byte> _destination;
    private readonly bool _counts;

    /// <summary>Counts.</summary>
    public SnapshotWriter()
    {
        _counts = true;
    }

    /// <summary>Writes.</summary>
    public SnapshotWriter(Span<byte> destination)
    {
        _destination = destination;
    }

    /// <summary>Bytes written or counted.</summary>
    public int Length { get; private set; }

    public void U8(byte value)
    {
        if (TryTake(1, out var span))
        {
            span[0] = value;
        }
    }

    public void Bool(bool value) => U8(value ? (byte)1 : (byte)0);

    public void U16(ushort value)
    {
        if (TryTake(2, out var span))
        {
            BinaryPrimitives.WriteUInt16BigEndian(span, value);
        }
    }

    public void U32(uint value)
    {
        if (TryTake(4, out var span))
        {
            BinaryPrimitives.WriteUInt32BigEndian(span, value);
        }
    }

    public void I32(int value) => U32((uint)value);

    public void I64(long value)
    {
        if (TryTake(8, out var span))
        {
            BinaryPrimitives.WriteInt64BigEndian(span, value);
        }
    }

    public void Time(TimeSpan value) => I64(value.Ticks);

    public void TimeOrNone(TimeSpan? value)
    {
        Bool(value is not null);
        if (value is { } time)
        {
            Time(time);
        }
    }

    public void Range(StreamRange value)
    {
        I64(value.Start);
        I64(value.End);
    }

    public void Address(InetAddress value)
    {
        U8((byte)value.Length);
        if (TryTake(value.Length, out var span))
        {
            value.CopyTo(span);
        }
    }

    public void Bytes(in QueuedBytes value)
    {
        I64(value.Position);
        I32(value.Length);
        if (TryTake(value.Length, out var span))
        {
            value.First.Span.CopyTo(span);
            value.Second.Span.CopyTo(span[value.First.Length..]);
        }
    }

    private bool TryTake(int count, out Span<byte> span)
    {
        span = _counts ? default : _destination.Slice(Length, count);
        Length += count;
        return !_counts;
    }
}
