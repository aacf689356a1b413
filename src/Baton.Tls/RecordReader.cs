using System.Buffers.Binary;

namespace Baton.Tls;

/// <summary>The peer's direction of a TLS 1.3 connection after the handshake.</summary>
internal sealed class RecordReader : IDisposable
{
    /// <summary>
    /// The most KeyUpdates of a peer without data between them: each costs us more than it costs the peer. OpenSSL's bound.
    /// </summary>
    public const int MaxKeyUpdatesInARow = 32;

    private const byte KeyUpdate = 24;
    private const int KeyUpdateLength = 5;

    private readonly RecordProtection _protection;
    private readonly byte[] _partial = new byte[KeyUpdateLength];
    private int _partialLength;
    private int _keyUpdatesInARow;
    private bool _isClosed;

    public RecordReader(SessionState state)
    {
        _protection = new RecordProtection(state.Suite, state.Read);
        state.Partial.Span.CopyTo(_partial);
        _partialLength = state.Partial.Length;
        _keyUpdatesInARow = state.KeyUpdatesInARow;
        _isClosed = state.ReadClosed;
    }

    /// <summary>The next record's number.</summary>
    public ulong Number => _protection.Number;

    /// <summary>The alert of a record that was <see cref="RecordOutcome.Failed"/> or <see cref="RecordOutcome.PeerFailed"/>.</summary>
    public AlertDescription Alert { get; private set; }

    /// <summary>Whether the last record asked for a KeyUpdate of the own direction.</summary>
    public bool AsksForKeyUpdate { get; private set; }

    /// <summary>Opens one whole record.</summary>
    /// <param name="record">The record with its header.</param>
    /// <param name="plain">Where its content comes; at least as long as the record without header and tag.</param>
    /// <param name="length">Bytes for the application.</param>
    public RecordOutcome Open(ReadOnlySpan<byte> record, Span<byte> plain, out int length)
    {
        length = 0;
        AsksForKeyUpdate = false;
        if (_isClosed)
        {
            // §6.1: what comes after a close_notify is ignored.
            return RecordOutcome.Closed;
        }

        // §5: after the handshake every record is protected; §5.2: and of the outer type application_data.
        if (record[0] != (byte)ContentType.ApplicationData)
        {
            return Fail(AlertDescription.UnexpectedMessage);
        }

        int innerLength = record.Length - RecordFormat.HeaderLength - CipherSuite.TagLength;
        if (record.Length - RecordFormat.HeaderLength > RecordFormat.MaxProtected)
        {
            return Fail(AlertDescription.RecordOverflow);
        }

        if (innerLength < 1 || !_protection.TryOpen(record, plain[..innerLength]))
        {
            return Fail(AlertDescription.BadRecordMac);
        }

        // §5.4: content, its type, and zeros.
        int end = plain[..innerLength].LastIndexOfAnyExcept((byte)0);
        if (end < 0)
        {
            return Fail(AlertDescription.UnexpectedMessage);
        }

        if (innerLength > RecordFormat.MaxContent + 1)
        {
            return Fail(AlertDescription.RecordOverflow);
        }

        var type = (ContentType)plain[end];
        var content = plain[..end];
        if (type != ContentType.Handshake && _partialLength > 0)
        {
            // §5.1: nothing stands between the parts of a handshake message.
            return Fail(AlertDescription.UnexpectedMessage);
        }

        switch (type)
        {
            case ContentType.ApplicationData:
                length = end;
                if (length > 0)
                {
                    _keyUpdatesInARow = 0;
                }

                return RecordOutcome.Data;
            case ContentType.Alert:
                return OnAlert(content);
            case ContentType.Handshake:
                return OnHandshake(content);
            default:
                return Fail(AlertDescription.UnexpectedMessage);
        }
    }

    /// <summary>Takes the state away; the own direction's part comes from the writer.</summary>
    public SessionState Leave(SessionState state) => state with
    {
        Read = _protection.Leave(),
        ReadClosed = _isClosed,
        KeyUpdatesInARow = _keyUpdatesInARow,
        Partial = _partial.AsSpan(0, _partialLength).ToArray(),
    };

    /// <inheritdoc/>
    public void Dispose() => _protection.Dispose();

    private RecordOutcome OnAlert(ReadOnlySpan<byte> content)
    {
        // §5.1: one alert in one record.
        if (content.Length != 2)
        {
            return Fail(AlertDescription.DecodeError);
        }

        // §6: the level is implicit in the description.
        Alert = (AlertDescription)content[1];
        switch (Alert)
        {
            case AlertDescription.CloseNotify:
                _isClosed = true;
                return RecordOutcome.Closed;
            case AlertDescription.UserCanceled:
                return RecordOutcome.Nothing;
            default:
                return RecordOutcome.PeerFailed;
        }
    }

    private RecordOutcome OnHandshake(ReadOnlySpan<byte> content)
    {
        // §5.1: no empty parts; §4.6: of what may come after the handshake a client sends KeyUpdate only, since it is
        // asked for nothing else.
        if (content.IsEmpty || (_partialLength == 0 && content[0] != KeyUpdate))
        {
            return Fail(AlertDescription.UnexpectedMessage);
        }

        // §5.1: a message before a change of keys ends its record.
        if (content.Length > KeyUpdateLength - _partialLength)
        {
            return Fail(AlertDescription.UnexpectedMessage);
        }

        content.CopyTo(_partial.AsSpan(_partialLength));
        _partialLength += content.Length;
        if (_partialLength < KeyUpdateLength)
        {
            return RecordOutcome.Nothing;
        }

        _partialLength = 0;
        if (BinaryPrimitives.ReadUInt32BigEndian(_partial) != ((uint)KeyUpdate << 24 | 1))
        {
            return Fail(AlertDescription.DecodeError);
        }

        // §4.6.3
        if (_partial[4] > 1)
        {
            return Fail(AlertDescription.IllegalParameter);
        }

        if (++_keyUpdatesInARow > MaxKeyUpdatesInARow)
        {
            return Fail(AlertDescription.UnexpectedMessage);
        }

        AsksForKeyUpdate = _partial[4] == 1;
        _protection.Update();
        return RecordOutcome.Nothing;
    }

    private RecordOutcome Fail(AlertDescription alert)
    {
        Alert = alert;
        return RecordOutcome.Failed;
    }
}
