using System.Runtime.InteropServices;

namespace Baton.Kestrel.Tls;

/// <summary>
/// What is called of OpenSSL 3. Names are OpenSSL's. Buffers are passed by reference to their first byte and pinned while
/// the call runs; OpenSSL keeps none of them.
/// </summary>
internal static class OpenSsl
{
    public const int ProtocolTls12 = 0x0303;
    public const int ProtocolTls13 = 0x0304;
    public const int ErrorWantRead = 2;
    public const int ErrorZeroReturn = 6;
    public const int VerifyNone = 0;
    public const int VerifyPeer = 1;
    public const int VerifyFailIfNoPeerCertificate = 2;
    public const int KeyRsa = 6;
    public const int KeyEc = 408;
    public const int ControlExtraChainCertificate = 14;
    public const int ControlMode = 33;
    public const int ControlSessionCacheMode = 44;
    public const int ControlMinProtocol = 123;
    public const int ControlMaxProtocol = 124;
    public const long ModeReleaseBuffers = 0x10;
    public const ulong OptionNoTicket = 1 << 14;
    public const ulong OptionNoCompression = 1 << 17;
    public const ulong OptionNoRenegotiation = 1 << 30;
    public const int AlpnAcknowledged = 0;
    public const int AlpnFatal = 2;
    public const int NextProtocolNegotiated = 1;

    private const string Ssl = "libssl.so.3";
    private const string Crypto = "libcrypto.so.3";

    private static readonly Lazy<bool> s_isThere = new(() => NativeLibrary.TryLoad(Ssl, out _) && NativeLibrary.TryLoad(Crypto, out _));

    /// <summary>A line for the key log of a connection, which ends with a zero byte.</summary>
    public delegate void KeyLogCallback(nint ssl, nint line);

    /// <summary>Chooses of the client's protocols.</summary>
    public delegate int AlpnCallback(nint ssl, out nint chosen, out byte chosenLength, nint offered, uint offeredLength, nint argument);

    /// <summary>Judges the peer's certificate.</summary>
    public delegate int VerifyCallback(nint store, nint argument);

    /// <summary>Makes sure that the libraries are there.</summary>
    /// <exception cref="DllNotFoundException">They are not; the message says what to install.</exception>
    public static void ThrowIfMissing()
    {
        if (!s_isThere.Value)
        {
            throw new DllNotFoundException(
                $"UseBatonTls needs OpenSSL 3 ({Ssl} and {Crypto}), which was not found. Debian and Ubuntu have it in the package libssl3.");
        }
    }

    [DllImport(Ssl)]
    public static extern nint TLS_server_method();

    [DllImport(Ssl)]
    public static extern nint SSL_CTX_new(nint method);

    [DllImport(Ssl)]
    public static extern void SSL_CTX_free(nint context);

    [DllImport(Ssl)]
    public static extern nint SSL_CTX_ctrl(SslContextHandle context, int command, nint number, nint pointer);

    [DllImport(Ssl)]
    public static extern ulong SSL_CTX_set_options(SslContextHandle context, ulong options);

    [DllImport(Ssl)]
    public static extern int SSL_CTX_set_num_tickets(SslContextHandle context, nuint count);

    [DllImport(Ssl, CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    public static extern int SSL_CTX_set_ciphersuites(SslContextHandle context, string names);

    [DllImport(Ssl, CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    public static extern int SSL_CTX_set_cipher_list(SslContextHandle context, string names);

    [DllImport(Ssl)]
    public static extern int SSL_CTX_use_certificate_ASN1(SslContextHandle context, int length, ref byte der);

    [DllImport(Ssl)]
    public static extern int SSL_CTX_use_PrivateKey_ASN1(int type, SslContextHandle context, ref byte der, nint length);

    [DllImport(Ssl)]
    public static extern void SSL_CTX_set_keylog_callback(SslContextHandle context, KeyLogCallback callback);

    [DllImport(Ssl)]
    public static extern void SSL_CTX_set_alpn_select_cb(SslContextHandle context, AlpnCallback callback, nint argument);

    [DllImport(Ssl)]
    public static extern void SSL_CTX_set_verify(SslContextHandle context, int mode, nint callback);

    [DllImport(Ssl)]
    public static extern void SSL_CTX_set_cert_verify_callback(SslContextHandle context, VerifyCallback callback, nint argument);

    [DllImport(Ssl)]
    public static extern nint SSL_new(SslContextHandle context);

    [DllImport(Ssl)]
    public static extern void SSL_free(nint ssl);

    [DllImport(Ssl)]
    public static extern void SSL_set_accept_state(SslHandle ssl);

    [DllImport(Ssl)]
    public static extern void SSL_set_bio(SslHandle ssl, nint read, nint write);

    [DllImport(Ssl)]
    public static extern nint SSL_get_rbio(SslHandle ssl);

    [DllImport(Ssl)]
    public static extern nint SSL_get_wbio(SslHandle ssl);

    [DllImport(Ssl)]
    public static extern int SSL_do_handshake(SslHandle ssl);

    [DllImport(Ssl)]
    public static extern int SSL_get_error(SslHandle ssl, int result);

    [DllImport(Ssl)]
    public static extern int SSL_read(SslHandle ssl, ref byte buffer, int length);

    [DllImport(Ssl)]
    public static extern int SSL_write(SslHandle ssl, ref byte buffer, int length);

    [DllImport(Ssl)]
    public static extern int SSL_shutdown(SslHandle ssl);

    [DllImport(Ssl)]
    public static extern int SSL_version(SslHandle ssl);

    [DllImport(Ssl)]
    public static extern nint SSL_get_current_cipher(SslHandle ssl);

    [DllImport(Ssl)]
    public static extern ushort SSL_CIPHER_get_protocol_id(nint cipher);

    [DllImport(Ssl)]
    public static extern void SSL_get0_alpn_selected(SslHandle ssl, out nint protocol, out uint length);

    [DllImport(Ssl)]
    public static extern int SSL_select_next_proto(
        out nint chosen, out byte chosenLength, nint own, uint ownLength, nint offered, uint offeredLength);

    [DllImport(Ssl)]
    public static extern nint SSL_get1_peer_certificate(SslHandle ssl);

    [DllImport(Ssl)]
    public static extern nint SSL_get_peer_cert_chain(SslHandle ssl);

    [DllImport(Crypto)]
    public static extern int OPENSSL_sk_num(nint stack);

    [DllImport(Crypto)]
    public static extern nint OPENSSL_sk_value(nint stack, int index);

    [DllImport(Crypto)]
    public static extern nint d2i_X509(nint reuse, ref nint der, nint length);

    [DllImport(Crypto)]
    public static extern int i2d_X509(nint certificate, ref nint der);

    [DllImport(Crypto)]
    public static extern void X509_free(nint certificate);

    [DllImport(Crypto)]
    public static extern void CRYPTO_free(nint pointer, nint file, int line);

    [DllImport(Crypto)]
    public static extern nint BIO_s_mem();

    [DllImport(Crypto)]
    public static extern nint BIO_new(nint method);

    [DllImport(Crypto)]
    public static extern int BIO_read(nint bio, ref byte buffer, int length);

    [DllImport(Crypto)]
    public static extern int BIO_write(nint bio, ref byte buffer, int length);

    [DllImport(Crypto)]
    public static extern nuint BIO_ctrl_pending(nint bio);

    [DllImport(Crypto)]
    public static extern nuint ERR_get_error();

    [DllImport(Crypto)]
    public static extern void ERR_clear_error();

    [DllImport(Crypto)]
    public static extern nint ERR_reason_error_string(nuint error);

    /// <summary>Why the last call on this thread failed, in OpenSSL's words.</summary>
    public static string TakeReason()
    {
        nuint error = ERR_get_error();
        ERR_clear_error();
        return error == 0 ? "no reason given" : Marshal.PtrToStringUTF8(ERR_reason_error_string(error)) ?? $"error {error:x}";
    }
}

/// <summary>An <c>SSL_CTX</c>.</summary>
internal sealed class SslContextHandle : SafeHandle
{
    public SslContextHandle()
        : base(0, ownsHandle: true) => SetHandle(OpenSsl.SSL_CTX_new(OpenSsl.TLS_server_method()));

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        OpenSsl.SSL_CTX_free(handle);
        return true;
    }
}

/// <summary>An <c>SSL</c> of a server, with memory on both sides.</summary>
internal sealed class SslHandle : SafeHandle
{
    public SslHandle(SslContextHandle context)
        : base(0, ownsHandle: true)
    {
        SetHandle(OpenSsl.SSL_new(context));
        if (IsInvalid)
        {
            throw new InvalidOperationException($"OpenSSL makes no connection: {OpenSsl.TakeReason()}.");
        }

        OpenSsl.SSL_set_bio(this, OpenSsl.BIO_new(OpenSsl.BIO_s_mem()), OpenSsl.BIO_new(OpenSsl.BIO_s_mem()));
        OpenSsl.SSL_set_accept_state(this);
    }

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        OpenSsl.SSL_free(handle);
        return true;
    }
}
