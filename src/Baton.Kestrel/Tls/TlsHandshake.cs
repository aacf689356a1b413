using System.Buffers;
using System.Runtime.InteropServices;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Baton.Tls;

namespace Baton.Kestrel.Tls;

/// <summary>What a handshake needs next.</summary>
internal enum HandshakeStep
{
    /// <summary>The client's next record.</summary>
    NeedsRecord,

    /// <summary>Nothing: it is done.</summary>
    Done,

    /// <summary>Nothing: it has failed. The alert is among the output.</summary>
    Failed,
}

/// <summary>
/// A server's handshake by OpenSSL. It gets the client's records one by one, so that OpenSSL never has a byte of what comes
/// after the handshake. Of a TLS 1.3 handshake the traffic secrets are taken from OpenSSL's key log.
/// </summary>
internal sealed class TlsHandshake : IDisposable
{
    // OpenSSL calls back on the thread that calls it.
    [ThreadStatic]
    private static TlsHandshake? t_current;

    private readonly SslHandle _ssl;
    private readonly KeyLogFile? _keyLog;
    private byte[]? _clientSecret;
    private byte[]? _serverSecret;
    private bool _isLeft;

    public TlsHandshake(TlsContext context, KeyLogFile? keyLog)
    {
        _ssl = new SslHandle(context.Handle);
        _keyLog = keyLog;
    }

    /// <summary>Why it failed.</summary>
    public string Reason { get; private set; } = "";

    /// <summary>Whether TLS 1.3 was agreed on; else it is TLS 1.2.</summary>
    public bool IsTls13 => OpenSsl.SSL_version(_ssl) == OpenSsl.ProtocolTls13;

    /// <summary>The number of the cipher suite that was agreed on.</summary>
    public ushort Suite => OpenSsl.SSL_CIPHER_get_protocol_id(OpenSsl.SSL_get_current_cipher(_ssl));

    /// <summary>The application protocol that was agreed on; empty without one.</summary>
    public string Protocol
    {
        get
        {
            OpenSsl.SSL_get0_alpn_selected(_ssl, out nint protocol, out uint length);
            return length == 0 ? "" : Marshal.PtrToStringAnsi(protocol, (int)length);
        }
    }

    /// <summary>Goes on with the client's next record.</summary>
    public HandshakeStep OnRecord(ReadOnlySpan<byte> record)
    {
        OpenSsl.ERR_clear_error();
        if (OpenSsl.BIO_write(OpenSsl.SSL_get_rbio(_ssl), ref MemoryMarshal.GetReference(record), record.Length) != record.Length)
        {
            Reason = OpenSsl.TakeReason();
            return HandshakeStep.Failed;
        }

        t_current = this;
        int result = OpenSsl.SSL_do_handshake(_ssl);
        t_current = null;
        if (result == 1)
        {
            return HandshakeStep.Done;
        }

        if (OpenSsl.SSL_get_error(_ssl, result) == OpenSsl.ErrorWantRead)
        {
            return HandshakeStep.NeedsRecord;
        }

        Reason = OpenSsl.TakeReason();
        return HandshakeStep.Failed;
    }

    /// <summary>Takes what is to be sent.</summary>
    public void TakeOutput(IBufferWriter<byte> writer) => TakeOutput(_ssl, writer);

    /// <summary>The client's certificate and those it sent with it, in DER; empty without one.</summary>
    public IReadOnlyList<byte[]> ClientCertificates()
    {
        nint certificate = OpenSsl.SSL_get1_peer_certificate(_ssl);
        if (certificate == 0)
        {
            return [];
        }

        var found = new List<byte[]> { Encode(certificate) };
        OpenSsl.X509_free(certificate);
        nint others = OpenSsl.SSL_get_peer_cert_chain(_ssl);
        for (int i = 0; i < OpenSsl.OPENSSL_sk_num(others); i++)
        {
            found.Add(Encode(OpenSsl.OPENSSL_sk_value(others, i)));
        }

        return found;
    }

    /// <summary>The session after a TLS 1.3 handshake. No record has been protected by its keys yet: its numbers begin at 0.</summary>
    /// <exception cref="AuthenticationException">OpenSSL did not tell the secrets.</exception>
    public SessionState TakeSession()
    {
        if (CipherSuite.Find(Suite) is not { } suite || _clientSecret?.Length != suite.HashLength || _serverSecret?.Length != suite.HashLength)
        {
            throw new AuthenticationException("OpenSSL did not tell the secrets of the connection.");
        }

        var session = new SessionState(suite, new DirectionState(_clientSecret, 0), new DirectionState(_serverSecret, 0));
        _clientSecret = null;
        _serverSecret = null;
        return session;
    }

    /// <summary>OpenSSL's connection, for a client that goes on with TLS 1.2; the caller disposes it.</summary>
    public SslHandle TakeConnection()
    {
        _isLeft = true;
        return _ssl;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_clientSecret);
        CryptographicOperations.ZeroMemory(_serverSecret);
        if (!_isLeft)
        {
            _ssl.Dispose();
        }
    }

    /// <summary>A line of the key log: a label, the client's random value and a secret, in hexadecimal digits.</summary>
    internal static void OnKeyLog(nint ssl, nint line)
    {
        const int MaxLine = 1024;
        byte[] bytes = new byte[MaxLine];
        int length = 0;
        while (length < MaxLine && Marshal.ReadByte(line, length) is not 0 and var next)
        {
            bytes[length++] = next;
        }

        t_current?.OnKeyLog(bytes.AsSpan(0, length));
        CryptographicOperations.ZeroMemory(bytes);
    }

    internal static void TakeOutput(SslHandle ssl, IBufferWriter<byte> writer)
    {
        nint output = OpenSsl.SSL_get_wbio(ssl);
        while ((int)OpenSsl.BIO_ctrl_pending(output) is > 0 and var pending)
        {
            var span = writer.GetSpan(Math.Min(pending, 4096));
            writer.Advance(Math.Max(OpenSsl.BIO_read(output, ref MemoryMarshal.GetReference(span), Math.Min(span.Length, pending)), 0));
        }
    }

    private static byte[] Encode(nint certificate)
    {
        nint der = 0;
        int length = OpenSsl.i2d_X509(certificate, ref der);
        byte[] bytes = new byte[Math.Max(length, 0)];
        if (length > 0)
        {
            Marshal.Copy(der, bytes, 0, length);
            OpenSsl.CRYPTO_free(der, 0, 0);
        }

        return bytes;
    }

    private void OnKeyLog(ReadOnlySpan<byte> line)
    {
        int labelEnd = line.IndexOf((byte)' ');
        int secretStart = line.LastIndexOf((byte)' ') + 1;
        if (labelEnd > 0 && secretStart > labelEnd + 1)
        {
            var label = line[..labelEnd];
            if (label.SequenceEqual("CLIENT_TRAFFIC_SECRET_0"u8))
            {
                _clientSecret = Convert.FromHexString(line[secretStart..]);
            }
            else if (label.SequenceEqual("SERVER_TRAFFIC_SECRET_0"u8))
            {
                _serverSecret = Convert.FromHexString(line[secretStart..]);
            }
        }

        _keyLog?.Write(line);
    }
}
