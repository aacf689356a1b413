using System.Diagnostics;
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

    /// <summary>Bytes of memory held: a power of two, as pools lend what is asked for as such.</summary>
    public readonly int Capacity => _memory is null ? 0 : _memory.Length;

    /// <summary>Makes room for positions <paramref name="from"/> up to <paramref name="from"/> + <paramref name="needed"/>, keeping those below <paramref name="keepTo"/>.</summary>
    public void Reserve(long from, long keepTo, int needed)
    {
        if (needed <= Capacity)
        {
            return;
        }

        int capacity = Math.Max(MinCapacity, (int)BitOperations.RoundUpToPowerOf2((uint)needed));
        var memory = RingMemory.Rent(capacity);
        Debug.Assert(BitOperations.IsPow2(memory.Length), "Positions are taken modulo the length.");
        var old = _memory;
        int kept = (int)(keepTo - from);
        Slice(from, Math.Max(0, kept), out var first, out var second);

        _memory = memory;
        CopyIn(from, first);
        CopyIn(from + first.Length, second);
        if (old is not null)
        {
            RingMemory.Return(old);
        }
    }

    /// <summary>Writes bytes at a position; there must be room.</summary>
    public readonly void CopyIn(long position, ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
        {
            return;
        }

        int at = (int)(position & (_memory!.Length - 1));
        int head = Math.Min(bytes.Length, _memory.Length - at);
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

        int at = (int)(position & (_memory!.Length - 1));
        int head = Math.Min(length, _memory.Length - at);
        first = _memory.AsSpan(at, head);
        second = _memory.AsSpan(0, length - head);
    }

    /// <summary>The bytes at a position in place, as memory.</summary>
    public readonly QueuedBytes View(long position, int length)
    {
        int at = length == 0 ? 0 : (int)(position & (Capacity - 1));
        int head = Math.Min(length, Capacity - at);
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
        if (_memory is not null)
        {
            RingMemory.Return(_memory);
            _memory = null;
        }
    }
}
