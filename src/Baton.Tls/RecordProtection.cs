using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Baton.Tls;

/// <summary>
/// One direction's secret, key and record number. Every use of the key takes the next number: there is no way to use one
/// twice, or to set it. Once the state was taken by <see cref="Leave"/>, nothing is protected here any more.
/// </summary>
internal sealed class RecordProtection : IDisposable
{
    private readonly CipherSuite _suite;
    private readonly byte[] _secret;
    private readonly byte[] _iv = new byte[CipherSuite.NonceLength];
    private Aead? _aead;
    private ulong _number;

    public RecordProtection(CipherSuite suite, DirectionState state)
    {
        _suite = suite;
        _secret = state.Secret.AsSpan(0, suite.HashLength).ToArray();
        _number = state.Number;
        Derive();
    }

    /// <summary>The number that the next record takes.</summary>
    public ulong Number => _number;

    /// <summary>Protects content and type, which stand behind room for the header, in place.</summary>
    /// <param name="record">Header, content with its type, room for the tag.</param>
    public void Protect(Span<byte> record)
    {
        var aead = InUse();
        Span<byte> nonce = stackalloc byte[CipherSuite.NonceLength];
        TakeNonce(nonce);
        RecordFormat.WriteHeader(record, record.Length - RecordFormat.HeaderLength);
        aead.Encrypt(
            nonce,
            record[RecordFormat.HeaderLength..^CipherSuite.TagLength],
            record[^CipherSuite.TagLength..],
            record[..RecordFormat.HeaderLength]);
    }

    /// <summary>Opens a record.</summary>
    /// <param name="record">The whole record, with a tag and at least one byte before it.</param>
    /// <param name="inner">Content, type and padding; as long as the record without header and tag.</param>
    /// <returns>Whether it was protected by the peer as the record of this number.</returns>
    public bool TryOpen(ReadOnlySpan<byte> record, Span<byte> inner)
    {
        var aead = InUse();
        Span<byte> nonce = stackalloc byte[CipherSuite.NonceLength];
        TakeNonce(nonce);
        try
        {
            aead.Decrypt(
                nonce,
                record[RecordFormat.HeaderLength..^CipherSuite.TagLength],
                record[^CipherSuite.TagLength..],
                inner,
                record[..RecordFormat.HeaderLength]);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }

    /// <summary>Goes on with the next secret, whose records begin at number 0 (RFC 8446 §5.3, §7.2).</summary>
    public void Update()
    {
        InUse().Dispose();
        Span<byte> next = stackalloc byte[_suite.HashLength];
        KeySchedule.Next(_suite, _secret, next);
        next.CopyTo(_secret);
        CryptographicOperations.ZeroMemory(next);
        _number = 0;
        Derive();
    }

    /// <summary>Takes the state away: from now on whoever has it protects this direction.</summary>
    public DirectionState Leave()
    {
        InUse();
        var state = new DirectionState(_secret.ToArray(), _number);
        Dispose();
        return state;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _aead?.Dispose();
        _aead = null;
        CryptographicOperations.ZeroMemory(_secret);
    }

    private Aead InUse() => _aead ?? throw new InvalidOperationException("The keys have left, or the connection has ended.");

    private void Derive()
    {
        Span<byte> key = stackalloc byte[_suite.KeyLength];
        KeySchedule.Key(_suite, _secret, key);
        KeySchedule.Iv(_suite, _secret, _iv);
        _aead = _suite.WithKey(key);
        CryptographicOperations.ZeroMemory(key);
    }

    /// <summary>The nonce of the next record (RFC 8446 §5.3), and with it its number.</summary>
    private void TakeNonce(Span<byte> nonce)
    {
        if (_number == ulong.MaxValue)
        {
            // §5.3: numbers must not wrap. A KeyUpdate comes long before.
            throw new InvalidOperationException("The record numbers of this key are used up.");
        }

        _iv.CopyTo(nonce);
        var low = nonce[^sizeof(ulong)..];
        BinaryPrimitives.WriteUInt64BigEndian(low, BinaryPrimitives.ReadUInt64BigEndian(low) ^ _number);
        _number++;
    }
}
