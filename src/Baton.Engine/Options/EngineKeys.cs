using System.Buffers.Binary;
using System.Security.Cryptography;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>
/// The farm's secrets. All members have the same, so that initial sequence numbers and timestamp offsets (RFC 6528,
/// RFC 7323 §5.4) of a client's next connection fit those of its last, whoever served it.
/// </summary>
public sealed record EngineKeys
{
    /// <summary>Key of the hash over flows.</summary>
    public required HashKey Flow { get; init; }

    /// <summary>Key of initial sequence numbers.</summary>
    public required HashKey SequenceNumbers { get; init; }

    /// <summary>Key of timestamp offsets.</summary>
    public required HashKey Timestamps { get; init; }

    /// <summary>Derives the keys from the farm's one secret (HKDF, RFC 5869).</summary>
    public static EngineKeys FromSecret(ReadOnlySpan<byte> secret)
    {
        Span<byte> output = stackalloc byte[48];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, output, salt: default, info: "baton engine keys"u8);
        return new()
        {
            Flow = Key(output),
            SequenceNumbers = Key(output[16..]),
            Timestamps = Key(output[32..]),
        };
    }

    private static HashKey Key(ReadOnlySpan<byte> bytes) =>
        new(BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]));
}
