namespace Baton.Wire;

/// <summary>
/// A reference as it stands on the wire: the whole Geneve header (RFC 8926) with its one option. Written once, by the
/// owner; everybody else stores and copies these bytes and changes only the hop count, in the copy. Copies of the value
/// share the bytes, which never change.
/// </summary>
public readonly struct EncodedReference : IEquatable<EncodedReference>
{
    /// <summary>Longest form in bytes: Geneve header 8, option header 4, data with three IPv6 addresses 92.</summary>
    public const int MaxLength = 104;

    private readonly byte[]? _bytes;

    private EncodedReference(byte[] bytes) => _bytes = bytes;

    /// <summary>Bytes used, or 0 for no reference.</summary>
    public byte Length => (byte)Span.Length;

    /// <summary>The Geneve header.</summary>
    public ReadOnlySpan<byte> Span => _bytes;

    /// <summary>Copies an encoded header.</summary>
    /// <exception cref="ArgumentException">Longer than <see cref="MaxLength"/>.</exception>
    public static EncodedReference FromBytes(ReadOnlySpan<byte> header) => header.Length <= MaxLength
        ? new(header.ToArray())
        : throw new ArgumentException($"An encoded reference has at most {MaxLength} bytes.", nameof(header));

    /// <summary>Whether both are one and the same in memory; then they have the same bytes.</summary>
    public bool IsSame(in EncodedReference other) => ReferenceEquals(_bytes, other._bytes);

    /// <inheritdoc/>
    public bool Equals(EncodedReference other) => Span.SequenceEqual(other.Span);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is EncodedReference other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(Span);
        return hash.ToHashCode();
    }

    /// <summary>Whether both have the same bytes.</summary>
    public static bool operator ==(EncodedReference left, EncodedReference right) => left.Equals(right);

    /// <summary>Whether the bytes differ.</summary>
    public static bool operator !=(EncodedReference left, EncodedReference right) => !left.Equals(right);
}
