using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Baton.Tls;

/// <summary>What is derived of a traffic secret (RFC 8446 §7).</summary>
internal static class KeySchedule
{
    /// <summary>The key of records (§7.3).</summary>
    public static void Key(CipherSuite suite, ReadOnlySpan<byte> secret, Span<byte> key) => ExpandLabel(suite, secret, "key"u8, key);

    /// <summary>What each record's number is combined with to be its nonce (§7.3).</summary>
    public static void Iv(CipherSuite suite, ReadOnlySpan<byte> secret, Span<byte> iv) => ExpandLabel(suite, secret, "iv"u8, iv);

    /// <summary>The secret after a KeyUpdate (§7.2).</summary>
    public static void Next(CipherSuite suite, ReadOnlySpan<byte> secret, Span<byte> next) =>
        ExpandLabel(suite, secret, "traffic upd"u8, next);

    /// <summary>HKDF-Expand-Label with an empty context (§7.1).</summary>
    private static void ExpandLabel(CipherSuite suite, ReadOnlySpan<byte> secret, ReadOnlySpan<byte> label, Span<byte> output)
    {
        ReadOnlySpan<byte> prefix = "tls13 "u8;
        Span<byte> info = stackalloc byte[2 + 1 + prefix.Length + label.Length + 1];
        BinaryPrimitives.WriteUInt16BigEndian(info, (ushort)output.Length);
        info[2] = (byte)(prefix.Length + label.Length);
        prefix.CopyTo(info[3..]);
        label.CopyTo(info[(3 + prefix.Length)..]);
        info[^1] = 0;
        HKDF.Expand(suite.Hash, secret, output, info);
    }
}
