using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Baton.Wire;

/// <summary>
/// Lends buffers, each to one owner who gives it back once by <see cref="PooledBuffer.Dispose"/>. Bounded in bytes. Used
/// by one thread. In diagnostic mode (tests) a returned buffer is poisoned and its handle is never used again, so that a
/// use after the return throws, and <see cref="AssertNoneLent"/> names where each leaked buffer was rented.
/// </summary>
public sealed class BufferPool
{
    /// <summary>Bytes of a small buffer: an ordinary frame with encapsulation.</summary>
    public const int SmallLength = 2048;

    /// <summary>Bytes of a large buffer: a 64 KiB packet, its link header, and encapsulation around it.</summary>
    public const int LargeLength = 65536 + 512;

    private const byte Poison = 0xDB;

    private readonly Stack<byte[]> _small = new();
    private readonly Stack<byte[]> _large = new();
    private readonly Stack<PooledBuffer> _handles = new();
    private readonly Dictionary<PooledBuffer, StackTrace>? _rentedAt;

    /// <summary>Makes an empty pool; buffers are made as they are needed and then kept.</summary>
    /// <param name="limitBytes">Most bytes that may be lent at once.</param>
    /// <param name="diagnostic">Whether to find leaks and uses after the return; costs a stack trace per rent.</param>
    public BufferPool(long limitBytes, bool diagnostic = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limitBytes);
        LimitBytes = limitBytes;
        _rentedAt = diagnostic ? [] : null;
    }

    /// <summary>Most bytes that may be lent at once.</summary>
    public long LimitBytes { get; }

    /// <summary>Bytes lent now, counted by what the buffers can hold.</summary>
    public long LentBytes { get; private set; }

    /// <summary>Buffers lent now.</summary>
    public int Lent { get; private set; }

    /// <summary>Lends a buffer of <paramref name="length"/> bytes, 0 to <see cref="LargeLength"/>; its content is arbitrary.</summary>
    /// <returns>False when the limit is reached or the length too large.</returns>
    public bool TryRent(int length, [NotNullWhen(true)] out PooledBuffer? buffer)
    {
        int capacity = length <= SmallLength ? SmallLength : LargeLength;
        if ((uint)length > LargeLength || LentBytes + capacity > LimitBytes)
        {
            buffer = null;
            return false;
        }

        var free = capacity == SmallLength ? _small : _large;
        byte[] bytes = free.Count > 0 ? free.Pop() : GC.AllocateUninitializedArray<byte>(capacity);
        buffer = _handles.Count > 0 ? _handles.Pop() : new PooledBuffer(this);
        buffer.Lend(bytes, length);
        LentBytes += capacity;
        Lent++;
        _rentedAt?.Add(buffer, new StackTrace(1, fNeedFileInfo: false));
        return true;
    }

    /// <summary>Lends a buffer that holds a copy of <paramref name="content"/>.</summary>
    /// <returns>False when the limit is reached or the content too long.</returns>
    public bool TryRentCopy(ReadOnlySpan<byte> content, [NotNullWhen(true)] out PooledBuffer? buffer)
    {
        if (!TryRent(content.Length, out buffer))
        {
            return false;
        }

        content.CopyTo(buffer.Span);
        return true;
    }

    /// <summary>Throws when a buffer is still lent.</summary>
    /// <exception cref="InvalidOperationException">Somebody kept a buffer; in diagnostic mode with the place of each rent.</exception>
    public void AssertNoneLent()
    {
        if (Lent == 0)
        {
            return;
        }

        string places = _rentedAt is null ? "" : "\n" + string.Join("\n", _rentedAt.Values);
        throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"{Lent} pooled buffers were not returned.{places}"));
    }

    internal void Return(PooledBuffer buffer, byte[] bytes)
    {
        LentBytes -= bytes.Length;
        Lent--;
        (bytes.Length == SmallLength ? _small : _large).Push(bytes);
        if (_rentedAt is null)
        {
            _handles.Push(buffer);
            return;
        }

        bytes.AsSpan().Fill(Poison);
        _rentedAt.Remove(buffer);
    }
}

/// <summary>A buffer on loan from a <see cref="BufferPool"/>. Whoever holds it owns it, alone, until he returns it.</summary>
public sealed class PooledBuffer : IDisposable
{
    private readonly BufferPool _pool;
    private byte[]? _bytes;

    internal PooledBuffer(BufferPool pool) => _pool = pool;

    /// <summary>Bytes in use, as rented.</summary>
    public int Length { get; private set; }

    /// <summary>The bytes.</summary>
    /// <exception cref="InvalidOperationException">The buffer was returned.</exception>
    public Span<byte> Span => new(_bytes ?? throw Returned(), 0, Length);

    /// <summary>The bytes, for those that keep them across calls.</summary>
    /// <exception cref="InvalidOperationException">The buffer was returned.</exception>
    public Memory<byte> Memory => new(_bytes ?? throw Returned(), 0, Length);

    /// <summary>Uses fewer bytes than were rented.</summary>
    public void Truncate(int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)length, (uint)Length);
        Length = length;
    }

    /// <summary>Gives the buffer back to its pool.</summary>
    /// <exception cref="InvalidOperationException">It was returned before.</exception>
    public void Dispose()
    {
        byte[] bytes = _bytes ?? throw Returned();
        _bytes = null;
        _pool.Return(this, bytes);
    }

    internal void Lend(byte[] bytes, int length)
    {
        _bytes = bytes;
        Length = length;
    }

    private static InvalidOperationException Returned() => new("The pooled buffer was already returned.");
}
