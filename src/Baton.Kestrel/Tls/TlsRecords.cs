using System.Buffers;
using System.Runtime.InteropServices;
using Baton.Tls;

namespace Baton.Kestrel.Tls;

/// <summary>
/// The records of one connection after its handshake. One thread may open while another protects; of each there is one at
/// a time.
/// </summary>
internal abstract class TlsRecords : IDisposable
{
    /// <summary>The most bytes after the header of the client's records.</summary>
    public abstract int MaxProtected { get; }

    /// <summary>The alert that goes with the last outcome, for the log.</summary>
    public abstract AlertDescription Alert { get; }

    /// <summary>Opens the client's next record.</summary>
    /// <param name="record">The whole record.</param>
    /// <param name="plain">Where its content comes; as long as the record.</param>
    /// <param name="length">Bytes for the application.</param>
    public abstract RecordOutcome Open(ReadOnlySpan<byte> record, Span<byte> plain, out int length);

    /// <summary>Protects at most <see cref="RecordFormat.MaxContent"/> bytes of the application.</summary>
    public abstract void Seal(ReadOnlySpan<byte> content, IBufferWriter<byte> writer);

    /// <summary>Protects the last record, after which nothing is protected any more.</summary>
    public abstract void SealAlert(AlertDescription alert, IBufferWriter<byte> writer);

    /// <inheritdoc/>
    public abstract void Dispose();
}

/// <summary>Records of TLS 1.3: they can be taken to another node.</summary>
internal sealed class Tls13Records(SessionState state) : TlsRecords
{
    private readonly TlsSession _session = new(state);

    public override int MaxProtected => RecordFormat.MaxProtected;

    public override AlertDescription Alert => _session.Alert;

    public override RecordOutcome Open(ReadOnlySpan<byte> record, Span<byte> plain, out int length) =>
        _session.Open(record, plain, out length);

    public override void Seal(ReadOnlySpan<byte> content, IBufferWriter<byte> writer) =>
        writer.Advance(_session.Seal(content, writer.GetSpan(content.Length + TlsSession.MaxOverhead)));

    public override void SealAlert(AlertDescription alert, IBufferWriter<byte> writer) =>
        writer.Advance(_session.SealAlert(alert, writer.GetSpan(2 + RecordFormat.Overhead)));

    /// <summary>Takes the keys away.</summary>
    public SessionState Leave() => _session.Leave();

    public override void Dispose() => _session.Dispose();
}

/// <summary>Records of TLS 1.2, by OpenSSL to the end.</summary>
internal sealed class OpenSslRecords(SslHandle ssl) : TlsRecords
{
    private readonly Lock _lock = new();

    public override int MaxProtected => RecordFormat.MaxProtected12;

    public override AlertDescription Alert { get; } = AlertDescription.InternalError;

    public override RecordOutcome Open(ReadOnlySpan<byte> record, Span<byte> plain, out int length)
    {
        lock (_lock)
        {
            length = 0;
            OpenSsl.ERR_clear_error();
            if (OpenSsl.BIO_write(OpenSsl.SSL_get_rbio(ssl), ref MemoryMarshal.GetReference(record), record.Length) != record.Length)
            {
                return RecordOutcome.Failed;
            }

            int result = OpenSsl.SSL_read(ssl, ref MemoryMarshal.GetReference(plain), plain.Length);
            if (result > 0)
            {
                length = result;
                return RecordOutcome.Data;
            }

            return OpenSsl.SSL_get_error(ssl, result) switch
            {
                OpenSsl.ErrorWantRead => RecordOutcome.Nothing,
                OpenSsl.ErrorZeroReturn => RecordOutcome.Closed,
                _ => RecordOutcome.Failed,
            };
        }
    }

    public override void Seal(ReadOnlySpan<byte> content, IBufferWriter<byte> writer)
    {
        lock (_lock)
        {
            OpenSsl.ERR_clear_error();
            if (OpenSsl.SSL_write(ssl, ref MemoryMarshal.GetReference(content), content.Length) != content.Length)
            {
                throw new IOException($"OpenSSL protects no more: {OpenSsl.TakeReason()}.");
            }

            TlsHandshake.TakeOutput(ssl, writer);
        }
    }

    public override void SealAlert(AlertDescription alert, IBufferWriter<byte> writer)
    {
        lock (_lock)
        {
            if (alert == AlertDescription.CloseNotify)
            {
                _ = OpenSsl.SSL_shutdown(ssl);
            }

            // After a failure OpenSSL has put its alert among the output itself.
            TlsHandshake.TakeOutput(ssl, writer);
            OpenSsl.ERR_clear_error();
        }
    }

    public override void Dispose() => ssl.Dispose();
}
