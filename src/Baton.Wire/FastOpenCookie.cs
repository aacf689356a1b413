using System.Buffers.Binary;

namespace Baton.Wire;

/// <summary>
/// A TCP Fast Open cookie (RFC 7413 §2): 4 to 16 bytes, an even number of them. One without bytes asks for a cookie.
/// </summary>
public readonly record struct FastOpenCookie
{
    /// <summary>Most bytes of a cookie.</summary>
    public const int MaxLength = 16;

    private const int MinLength = 4;

    private readonly ulong _first;
    private readonly ulong _second;
    private readonly byte _length;

    /// <summary>A cookie of eight bytes.</summary>
    public FastOpenCookie(ulong bytes) => (_first, _length) = (bytes, sizeof(ulong));

    private FastOpenCookie(ReadOnlySpan<byte> bytes)
    {
        Span<byte> padded = stackalloc byte[MaxLength];
        padded.Clear();
        bytes.CopyTo(padded);
        _first = BinaryPrimitives.ReadUInt64BigEndian(padded);
        _second = BinaryPrimitives.ReadUInt64BigEndian(padded[sizeof(ulong)..]);
        _length = (byte)bytes.Length;
    }

    /// <summary>Its bytes; 0 asks for one.</summary>
    public int Length => _length;

    /// <summary>A cookie of these bytes; false where no cookie has so many.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out FastOpenCookie cookie)
    {
        bool valid = bytes.Length is 0 or (>= MinLength and <= MaxLength) && bytes.Length % 2 == 0;
        cookie = valid ? new(bytes) : default;
        return valid;
    }

    /// <summary>Writes its bytes.</summary>
    public void CopyTo(Span<byte> destination)
    {
        Span<byte> bytes = stackalloc byte[MaxLength];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, _first);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[sizeof(ulong)..], _second);
        bytes[.._length].CopyTo(destination);
    }
}
