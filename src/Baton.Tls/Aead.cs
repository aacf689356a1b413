using System.Security.Cryptography;

namespace Baton.Tls;

/// <summary>Authenticated encryption with associated data under one key (RFC 5116).</summary>
internal abstract class Aead : IDisposable
{
    /// <summary>Encrypts in place.</summary>
    public abstract void Encrypt(ReadOnlySpan<byte> nonce, Span<byte> text, Span<byte> tag, ReadOnlySpan<byte> associated);

    /// <summary>Decrypts into a buffer of the same length.</summary>
    /// <exception cref="AuthenticationTagMismatchException">It was not encrypted like this; the buffer is zero.</exception>
    public abstract void Decrypt(
        ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> text, ReadOnlySpan<byte> tag, Span<byte> plain, ReadOnlySpan<byte> associated);

    /// <inheritdoc/>
    public abstract void Dispose();
}

/// <summary>AES-GCM.</summary>
internal sealed class GcmAead(ReadOnlySpan<byte> key) : Aead
{
    private readonly AesGcm _cipher = new(key, CipherSuite.TagLength);

    public override void Encrypt(ReadOnlySpan<byte> nonce, Span<byte> text, Span<byte> tag, ReadOnlySpan<byte> associated) =>
        _cipher.Encrypt(nonce, text, text, tag, associated);

    public override void Decrypt(
        ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> text, ReadOnlySpan<byte> tag, Span<byte> plain, ReadOnlySpan<byte> associated) =>
        _cipher.Decrypt(nonce, text, tag, plain, associated);

    public override void Dispose() => _cipher.Dispose();
}

/// <summary>ChaCha20-Poly1305 (RFC 8439).</summary>
internal sealed class ChaChaAead(ReadOnlySpan<byte> key) : Aead
{
    private readonly ChaCha20Poly1305 _cipher = new(key);

    public override void Encrypt(ReadOnlySpan<byte> nonce, Span<byte> text, Span<byte> tag, ReadOnlySpan<byte> associated) =>
        _cipher.Encrypt(nonce, text, text, tag, associated);

    public override void Decrypt(
        ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> text, ReadOnlySpan<byte> tag, Span<byte> plain, ReadOnlySpan<byte> associated) =>
        _cipher.Decrypt(nonce, text, tag, plain, associated);

    public override void Dispose() => _cipher.Dispose();
}
