namespace Baton.Tls;

/// <summary>
/// The record layer of one TLS 1.3 connection after its handshake. <see cref="Open"/> may run on one thread while the
/// other calls run on another; <see cref="Leave"/> when neither runs. A session that failed, closed or left writes no more.
/// </summary>
public sealed class TlsSession : IDisposable
{
    /// <summary>The most bytes by which <see cref="Seal"/> gives more than it takes: a KeyUpdate may come first.</summary>
    public const int MaxOverhead = RecordFormat.Overhead + RecordFormat.Overhead + 5;

    private readonly CipherSuite _suite;
    private readonly RecordReader _reader;
    private readonly RecordWriter _writer;
    private volatile bool _owesKeyUpdate;
    private bool _isWriteClosed;

    /// <param name="state">Where it goes on.</param>
    public TlsSession(SessionState state)
        : this(state, RecordWriter.RecordsPerKey)
    {
    }

    internal TlsSession(SessionState state, ulong recordsPerKey)
    {
        ArgumentNullException.ThrowIfNull(state);
        _suite = state.Suite;
        _owesKeyUpdate = state.OwesKeyUpdate;
        _reader = new RecordReader(state);
        _writer = new RecordWriter(state.Suite, state.Write, recordsPerKey);
    }

    /// <summary>The number that the peer's next record must have.</summary>
    public ulong ReadNumber => _reader.Number;

    /// <summary>The number that the next own record will have.</summary>
    public ulong WriteNumber => _writer.Number;

    /// <summary>The alert to send after <see cref="RecordOutcome.Failed"/>, or the peer's after <see cref="RecordOutcome.PeerFailed"/>.</summary>
    public AlertDescription Alert => _reader.Alert;

    /// <summary>Opens the peer's next record.</summary>
    /// <param name="record">The whole record, with its header.</param>
    /// <param name="plain">Where its content comes; at least as long as the record.</param>
    /// <param name="length">Bytes for the application; 0 unless the outcome is <see cref="RecordOutcome.Data"/>.</param>
    public RecordOutcome Open(ReadOnlySpan<byte> record, Span<byte> plain, out int length)
    {
        var outcome = _reader.Open(record, plain, out length);
        if (_reader.AsksForKeyUpdate)
        {
            // RFC 8446 §4.6.3: one answer, before the next data, for all requests until then.
            _owesKeyUpdate = true;
        }

        return outcome;
    }

    /// <summary>Protects the application's bytes as one record, with a KeyUpdate before it where one is due.</summary>
    /// <param name="content">1 to 16,384 bytes.</param>
    /// <param name="destination">Room for them and <see cref="MaxOverhead"/>.</param>
    /// <returns>Bytes for the peer.</returns>
    /// <exception cref="InvalidOperationException">The session has closed or left.</exception>
    public int Seal(ReadOnlySpan<byte> content, Span<byte> destination)
    {
        ThrowIfClosed();
        int length = 0;
        if (_owesKeyUpdate || _writer.NeedsKeyUpdate)
        {
            _owesKeyUpdate = false;
            length = _writer.SealKeyUpdate(request: false, destination);
        }

        return length + _writer.Seal(ContentType.ApplicationData, content, destination[length..]);
    }

    /// <summary>Renews the own key now (RFC 8446 §4.6.3).</summary>
    /// <param name="request">Whether the peer is to renew its key too.</param>
    /// <param name="destination">Room for <see cref="RecordFormat.Overhead"/> and 5 bytes.</param>
    /// <returns>Bytes for the peer.</returns>
    /// <exception cref="InvalidOperationException">The session has closed or left.</exception>
    public int SealKeyUpdate(bool request, Span<byte> destination)
    {
        ThrowIfClosed();
        _owesKeyUpdate = false;
        return _writer.SealKeyUpdate(request, destination);
    }

    /// <summary>Protects the last record: a close, or an alert with which the connection ends (RFC 8446 §6).</summary>
    /// <param name="alert">What it says.</param>
    /// <param name="destination">Room for <see cref="RecordFormat.Overhead"/> and 2 bytes.</param>
    /// <returns>Bytes for the peer.</returns>
    /// <exception cref="InvalidOperationException">The session has closed or left.</exception>
    public int SealAlert(AlertDescription alert, Span<byte> destination)
    {
        ThrowIfClosed();
        _isWriteClosed = true;
        const byte warning = 1, fatal = 2;
        return _writer.Seal(ContentType.Alert, [alert == AlertDescription.CloseNotify ? warning : fatal, (byte)alert], destination);
    }

    /// <summary>Takes the session's state away for whoever has the connection next. Nothing can be protected or opened here after it.</summary>
    /// <exception cref="InvalidOperationException">The session has closed or left already.</exception>
    public SessionState Leave()
    {
        ThrowIfClosed();
        _isWriteClosed = true;
        var write = _writer.Leave();
        return _reader.Leave(new SessionState(_suite, default, write, OwesKeyUpdate: _owesKeyUpdate));
    }

    /// <summary>Forgets the keys.</summary>
    public void Dispose()
    {
        _isWriteClosed = true;
        _reader.Dispose();
        _writer.Dispose();
    }

    private void ThrowIfClosed()
    {
        if (_isWriteClosed)
        {
            throw new InvalidOperationException("The session has closed or left.");
        }
    }
}
