using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Baton.Engine;

/// <summary>
/// The keys of one direction of a channel, one after the other: AES-128-GCM, the nonce the number of the record under the
/// key. After <see cref="RecordsPerKey"/> records both ends go on to the next key, without a word about it, since records
/// are in order; the last one is forgotten then.
/// </summary>
internal sealed class RecordKeys : IDisposable
{
    /// <summary>
    /// Records under one key. Of 16 KiB each, that is 2^30 blocks: far below the 2^24.5 full-size records after which the
    /// advantage of an attacker would reach 2^-57 (RFC 8446 §5.5).
    /// </summary>
    public const int RecordsPerKey = 1 << 20;

    /// <summary>Bytes of the tag.</summary>
    public const int TagLength = 16;

    private const int KeyLength = 16;
    private const int NonceLength = 12;

    private readonly int _recordsPerKey;
    private readonly byte[] _nonce = new byte[NonceLength];
    private readonly byte[] _secret;
    private AesGcm _key;
    private int _record;

    /// <summary>Begins with the first key.</summary>
    /// <param name="secret">The direction's secret; taken over.</param>
    /// <param name="recordsPerKey">Records under one key, for tests.</param>
    public RecordKeys(byte[] secret, int recordsPerKey = RecordsPerKey)
    {
        _secret = secret;
        _recordsPerKey = recordsPerKey;
        _key = MakeKey();
    }

    /// <summary>How often the key was renewed.</summary>
    public int Renewals { get; private set; }

    /// <summary>Seals the next record where it stands.</summary>
    public void Seal(ReadOnlySpan<byte> header, Span<byte> content, Span<byte> tag)
    {
        Number();
        _key.Encrypt(_nonce, content, content, tag, header);
        Advance();
    }

    /// <summary>Opens the next record where it stands; false when it is not that. Nothing can be opened after it.</summary>
    public bool TryOpen(ReadOnlySpan<byte> header, Span<byte> content, ReadOnlySpan<byte> tag)
    {
        Number();
        try
        {
            _key.Decrypt(_nonce, content, tag, content, header);
        }
        catch (AuthenticationTagMismatchException)
        {
            // The platform has no other way to say so. It ends the connection, so it is one exception for each.
            return false;
        }

        Advance();
        return true;
    }

    public void Dispose()
    {
        _key.Dispose();
        CryptographicOperations.ZeroMemory(_secret);
    }

    private void Number() => BinaryPrimitives.WriteInt32BigEndian(_nonce.AsSpan(NonceLength - sizeof(int)), _record);

    private void Advance()
    {
        if (++_record < _recordsPerKey)
        {
            return;
        }

        // One-way: who learns the next secret does not know this one (as the key update of RFC 8446 §7.2).
        Span<byte> next = stackalloc byte[_secret.Length];
        HKDF.Expand(HashAlgorithmName.SHA256, _secret, next, "baton next"u8);
        next.CopyTo(_secret);
        _key.Dispose();
        _key = MakeKey();
        _record = 0;
        Renewals++;
    }

    private AesGcm MakeKey()
    {
        Span<byte> key = stackalloc byte[KeyLength];
        HKDF.Expand(HashAlgorithmName.SHA256, _secret, key, "baton key"u8);
        return new AesGcm(key, TagLength);
    }
}
