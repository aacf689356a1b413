using System.Numerics;

namespace Baton.Tcp;

/// <summary>
/// A ring of bytes addressed by stream position. Its memory is a power of two, taken from a pool when needed, doubled on
/// demand and returned when empty. Which positions are filled is its owner's knowledge.
/// </summary>
internal struct ByteRing
{
    /// <summary>Smallest ring in bytes.</summary>
    public const int MinCapacity = 2048;

    [NotInSnapshot("memory: the bytes are in the snapshot's queues")]
    private byte[]? _memory;

    [NotInSnapshot("memory")]
    private int _capacity;

    /// <summary>Bytes of memory held.</summary>
    public readonly int Capacity => _capacity;

    /// <summary>Makes room for positions <paramref name="from"/> up to <paramref name="from"/> + <paramref name="needed"/>, keeping those below <paramref name="keepTo"/>.</summary>
    public void Reserve(long from, long keepTo, int needed)
    {
        if (needed <= _capacity)
        {
            return;
        }

        int capacity = Math.Max(MinCapacity, (int)BitOperations.RoundUpToPowerOf2((uint)needed));
        var memory = RingMemory.Rent(capacity);
        var (old, oldCapacity) = (_memory, _capacity);
        int kept = (int)(keepTo - from);
        Slice(from, Math.Max(0, kept), out var first, out var second);

        (_memory, _capacity) = (memory, capacity);
        CopyIn(from, first);
        CopyIn(from + first.Length, second);
        if (oldCapacity > 0)
        {
            RingMemory.Return(old!, oldCapacity);
        }
    }

    /// <summary>Writes bytes at a position; there must be room.</summary>
    public readonly void CopyIn(long position, ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
        {
            return;
        }

        int at = (int)(position & (_capacity - 1));
        int head = Math.Min(bytes.Length, _capacity - at);
        bytes[..head].CopyTo(_memory.AsSpan(at));
        bytes[head..].CopyTo(_memory);
    }

    /// <summary>Reads bytes at a position.</summary>
    public readonly void CopyOut(long position, Span<byte> destination)
    {
        Slice(position, destination.Length, out var first, out var second);
        first.CopyTo(destination);
        second.CopyTo(destination[first.Length..]);
    }

    /// <summary>The bytes at a position in place.</summary>
    public readonly void Slice(long position, int length, out ReadOnlySpan<byte> first, out ReadOnlySpan<byte> second)
    {
        if (length == 0)
        {
            first = second = default;
            return;
        }

        int at = (int)(position & (_capacity - 1));
        int head = Math.Min(length, _capacity - at);
        first = _memory.AsSpan(at, head);
        second = _memory.AsSpan(0, length - head);
    }

    /// <summary>The bytes at a position in place, as memory.</summary>
    public readonly QueuedBytes View(long position, int length)
    {
        int at = length == 0 ? 0 : (int)(position & (_capacity - 1));
        int head = Math.Min(length, _capacity - at);
        return new(position, _memory.AsMemory(at, head), _memory.AsMemory(0, length - head));
    }

    /// <summary>Writes bytes at their position; there must be room.</summary>
    public readonly void CopyIn(in QueuedBytes bytes)
    {
        CopyIn(bytes.Position, bytes.First.Span);
        CopyIn(bytes.Position + bytes.First.Length, bytes.Second.Span);
    }

    /// <summary>Gives the memory back: nothing is filled.</summary>
    public void Release()
    {
        if (_capacity > 0)
        {
            RingMemory.Return(_memory!, _capacity);
            (_memory, _capacity) = (null, 0);
        }
    }
}
