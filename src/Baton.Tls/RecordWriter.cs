namespace Baton.Tls;

/// <summary>The own direction of a TLS 1.3 connection after the handshake.</summary>
internal sealed class RecordWriter(CipherSuite suite, DirectionState state, ulong recordsPerKey) : IDisposable
{
    /// <summary>
    /// Records under one AES-GCM key before it is renewed; RFC 8446 §5.5 allows 2^24.5 full ones. The other suite needs no
    /// limit and gets the same.
    /// </summary>
    public const ulong RecordsPerKey = 1 << 24;

    private readonly RecordProtection _protection = new(suite, state);

    /// <summary>The next record's number.</summary>
    public ulong Number => _protection.Number;

    /// <summary>Whether the key is to be renewed before the next data.</summary>
    public bool NeedsKeyUpdate => _protection.Number >= recordsPerKey;

    /// <summary>Protects one record.</summary>
    /// <returns>Its length.</returns>
    public int Seal(ContentType type, ReadOnlySpan<byte> content, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(content.Length, RecordFormat.MaxContent);
        var record = destination[..(content.Length + RecordFormat.Overhead)];
        content.CopyTo(record[RecordFormat.HeaderLength..]);
        record[RecordFormat.HeaderLength + content.Length] = (byte)type;
        _protection.Protect(record);
        return record.Length;
    }

    /// <summary>Says by the last record of the old key that the next one has a new key (RFC 8446 §4.6.3).</summary>
    /// <param name="request">Whether the peer is to renew its key too.</param>
    /// <param name="destination">Where the record comes.</param>
    public int SealKeyUpdate(bool request, Span<byte> destination)
    {
        int length = Seal(ContentType.Handshake, [24, 0, 0, 1, request ? (byte)1 : (byte)0], destination);
        _protection.Update();
        return length;
    }

    /// <summary>Takes the state away.</summary>
    public DirectionState Leave() => _protection.Leave();

    /// <inheritdoc/>
    public void Dispose() => _protection.Dispose();
}
