using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Baton.Wire;

/// <summary>
/// A reference as it stands on the wire: the whole Geneve header (RFC 8926) with its one option. Written once, by the
/// owner; everybody else stores and copies these bytes and changes only the hop count.
/// </summary>
public struct EncodedReference : IEquatable<EncodedReference>
{
    /// <summary>Longest form in bytes: Geneve header 8, option header 4, data with three IPv6 addresses 92.</summary>
    public const int MaxLength = 104;

    private Bytes _bytes;

    /// <summary>Bytes used, or 0 for no reference.</summary>
    public byte Length { get; private set; }

    /// <summary>The Geneve header.</summary>
    [UnscopedRef]
    public readonly ReadOnlySpan<byte> Span => MemoryMarshal.CreateReadOnlySpan(in _bytes[0], Length);

    /// <summary>Copies an encoded header.</summary>
    /// <exception cref="ArgumentException">Longer than <see cref="MaxLength"/>.</exception>
    public static EncodedReference FromBytes(ReadOnlySpan<byte> header)
    {
        if (header.Length > MaxLength)
        {
            throw new ArgumentException($"An encoded reference has at most {MaxLength} bytes.", nameof(header));
        }

        var encoded = new EncodedReference { Length = (byte)header.Length };
        header.CopyTo(encoded._bytes);
        return encoded;
    }

    /// <summary>Changes one byte, which must be one of the reference's.</summary>
    internal void SetByte(int offset, byte value)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(offset, Length);
        _bytes[offset] = value;
    }

    /// <inheritdoc/>
    public readonly bool Equals(EncodedReference other) => Span.SequenceEqual(other.Span);

    /// <inheritdoc/>
    public override readonly bool Equals(object? obj) => obj is EncodedReference other && Equals(other);

    /// <inheritdoc/>
    public override readonly int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(Span);
        return hash.ToHashCode();
    }

    /// <summary>Whether both have the same bytes.</summary>
    public static bool operator ==(EncodedReference left, EncodedReference right) => left.Equals(right);

    /// <summary>Whether the bytes differ.</summary>
    public static bool operator !=(EncodedReference left, EncodedReference right) => !left.Equals(right);

    [InlineArray(MaxLength)]
    private struct Bytes
    {
        private byte _first;
    }
}
