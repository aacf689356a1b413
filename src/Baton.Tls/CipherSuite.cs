using System.Security.Cryptography;

namespace Baton.Tls;

/// <summary>A cipher suite of TLS 1.3 (RFC 8446 §B.4): how records are protected and which hash derives keys.</summary>
public sealed class CipherSuite
{
    /// <summary>Bytes of a nonce, of all suites (RFC 8446 §5.3, RFC 5116).</summary>
    public const int NonceLength = 12;

    /// <summary>Bytes by which protection makes a record longer, of all suites (RFC 5116 §5.1, RFC 8439 §2.8).</summary>
    public const int TagLength = 16;

    /// <summary>TLS_AES_128_GCM_SHA256.</summary>
    public static readonly CipherSuite Aes128GcmSha256 = new(0x1301, 16, 32, HashAlgorithmName.SHA256);

    /// <summary>TLS_AES_256_GCM_SHA384.</summary>
    public static readonly CipherSuite Aes256GcmSha384 = new(0x1302, 32, 48, HashAlgorithmName.SHA384);

    /// <summary>TLS_CHACHA20_POLY1305_SHA256.</summary>
    public static readonly CipherSuite ChaCha20Poly1305Sha256 = new(0x1303, 32, 32, HashAlgorithmName.SHA256);

    private CipherSuite(ushort code, int keyLength, int hashLength, HashAlgorithmName hash)
    {
        Code = code;
        KeyLength = keyLength;
        HashLength = hashLength;
        Hash = hash;
    }

    /// <summary>The number on the wire.</summary>
    public ushort Code { get; }

    /// <summary>Bytes of a key.</summary>
    public int KeyLength { get; }

    /// <summary>Bytes of a secret.</summary>
    public int HashLength { get; }

    /// <summary>The hash of HKDF.</summary>
    public HashAlgorithmName Hash { get; }

    /// <summary>The suite of a number, or null when it is none of these.</summary>
    public static CipherSuite? Find(ushort code) => code switch
    {
        0x1301 => Aes128GcmSha256,
        0x1302 => Aes256GcmSha384,
        0x1303 => ChaCha20Poly1305Sha256,
        _ => null,
    };

    /// <inheritdoc/>
    public override string ToString() => Code switch
    {
        0x1301 => "TLS_AES_128_GCM_SHA256",
        0x1302 => "TLS_AES_256_GCM_SHA384",
        _ => "TLS_CHACHA20_POLY1305_SHA256",
    };

    /// <summary>The cipher under a key.</summary>
    internal Aead WithKey(ReadOnlySpan<byte> key) => this == ChaCha20Poly1305Sha256 ? new ChaChaAead(key) : new GcmAead(key);
}
