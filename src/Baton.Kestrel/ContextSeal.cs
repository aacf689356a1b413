using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Baton.Wire;

namespace Baton.Kestrel;

/// <summary>
/// Seals what must not be read on the lan, under the farm's secret: AES-256-GCM with a key of its own for each context,
/// derived by HKDF (RFC 5869) with a random salt, and bound to the connection's flow.
/// </summary>
internal sealed class ContextSeal(string secret)
{
    private const int SaltLength = 32;
    private const int KeyLength = 32;
    private const int TagLength = 16;

    private readonly byte[] _secret = Encoding.UTF8.GetBytes(secret);

    /// <summary>The sealed form: salt, ciphertext, tag.</summary>
    public byte[] Seal(ReadOnlySpan<byte> plain, Flow flow)
    {
        byte[] bytes = new byte[SaltLength + plain.Length + TagLength];
        var salt = bytes.AsSpan(0, SaltLength);
        RandomNumberGenerator.Fill(salt);
        using var cipher = CipherFor(salt);
        cipher.Encrypt(Nonce, plain, bytes.AsSpan(SaltLength, plain.Length), bytes.AsSpan(^TagLength..), Associated(flow));
        return bytes;
    }

    /// <summary>Opens what <see cref="Seal"/> gave for the same flow under the same secret.</summary>
    public bool TryOpen(ReadOnlySpan<byte> bytes, Flow flow, [NotNullWhen(true)] out byte[]? plain)
    {
        plain = null;
        if (bytes.Length < SaltLength + TagLength)
        {
            return false;
        }

        using var cipher = CipherFor(bytes[..SaltLength]);
        byte[] opened = new byte[bytes.Length - SaltLength - TagLength];
        try
        {
            cipher.Decrypt(Nonce, bytes[SaltLength..^TagLength], bytes[^TagLength..], opened, Associated(flow));
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }

        plain = opened;
        return true;
    }

    // A key seals once: its nonce may be zero.
    private static ReadOnlySpan<byte> Nonce => [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    private static byte[] Associated(Flow flow) => Encoding.UTF8.GetBytes(flow.ToString());

    private AesGcm CipherFor(ReadOnlySpan<byte> salt)
    {
        Span<byte> key = stackalloc byte[KeyLength];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, _secret, key, salt, "baton context"u8);
        return new AesGcm(key, TagLength);
    }
}
