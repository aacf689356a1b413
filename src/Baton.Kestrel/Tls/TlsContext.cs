using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Baton.Kestrel.Tls;

/// <summary>OpenSSL's settings for handshakes with one certificate.</summary>
internal sealed class TlsContext : IDisposable
{
    // Those whose records are protected here, and for TLS 1.2 those that HTTP/2 allows (RFC 9113 §9.2.2).
    private const string Suites13 = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";
    private const string Suites12 = "ECDHE+AESGCM:ECDHE+CHACHA20";

    private static readonly OpenSsl.KeyLogCallback s_keyLog = TlsHandshake.OnKeyLog;
    private static readonly OpenSsl.AlpnCallback s_alpn = SelectProtocol;
    private static readonly OpenSsl.VerifyCallback s_accept = static (_, _) => 1;

    /// <param name="options">The listener's options.</param>
    /// <param name="protocols">The application protocols in the form of RFC 7301 §3.1; it outlives the context.</param>
    /// <param name="certificate">The certificate, with its key.</param>
    /// <exception cref="AuthenticationException">OpenSSL refuses the certificate.</exception>
    public TlsContext(BatonTlsOptions options, ProtocolList protocols, X509Certificate2 certificate)
    {
        try
        {
            Set(OpenSsl.SSL_CTX_ctrl(Handle, OpenSsl.ControlMinProtocol, options.RefuseTls12 ? OpenSsl.ProtocolTls13 : OpenSsl.ProtocolTls12, 0));
            Set(OpenSsl.SSL_CTX_ctrl(Handle, OpenSsl.ControlMaxProtocol, OpenSsl.ProtocolTls13, 0));
            Set(OpenSsl.SSL_CTX_set_ciphersuites(Handle, Suites13));
            Set(OpenSsl.SSL_CTX_set_cipher_list(Handle, Suites12));

            // A ticket would be a record under the application's keys that OpenSSL has numbered, and other nodes could not
            // read it: sessions are not resumed.
            Set(OpenSsl.SSL_CTX_set_num_tickets(Handle, 0));
            OpenSsl.SSL_CTX_set_options(
                Handle, OpenSsl.OptionNoTicket | OpenSsl.OptionNoCompression | OpenSsl.OptionNoRenegotiation);
            OpenSsl.SSL_CTX_ctrl(Handle, OpenSsl.ControlSessionCacheMode, 0, 0);
            OpenSsl.SSL_CTX_ctrl(Handle, OpenSsl.ControlMode, (nint)OpenSsl.ModeReleaseBuffers, 0);
            OpenSsl.SSL_CTX_set_keylog_callback(Handle, s_keyLog);
            OpenSsl.SSL_CTX_set_alpn_select_cb(Handle, s_alpn, protocols.Pointer);
            if (options.ClientCertificateMode != ClientCertificateMode.NoCertificate)
            {
                // The certificate is judged by .NET when the handshake is done.
                int mode = options.ClientCertificateMode == ClientCertificateMode.RequireCertificate
                    ? OpenSsl.VerifyPeer | OpenSsl.VerifyFailIfNoPeerCertificate
                    : OpenSsl.VerifyPeer;
                OpenSsl.SSL_CTX_set_verify(Handle, mode, 0);
                OpenSsl.SSL_CTX_set_cert_verify_callback(Handle, s_accept, 0);
            }

            UseCertificate(certificate, options.ServerCertificateChain);
        }
        catch
        {
            Handle.Dispose();
            throw;
        }
    }

    /// <summary>OpenSSL's object.</summary>
    public SslContextHandle Handle { get; } = new();

    /// <inheritdoc/>
    public void Dispose() => Handle.Dispose();

    private static void Set(nint result)
    {
        if (result <= 0)
        {
            throw new AuthenticationException($"OpenSSL refuses the settings: {OpenSsl.TakeReason()}.");
        }
    }

    // RFC 7301 §3.2: the server's order decides; without one in common the handshake fails.
    private static int SelectProtocol(nint ssl, out nint chosen, out byte chosenLength, nint offered, uint offeredLength, nint argument)
    {
        uint ownLength = (uint)Marshal.ReadInt32(argument);
        int outcome = OpenSsl.SSL_select_next_proto(
            out chosen, out chosenLength, argument + sizeof(int), ownLength, offered, offeredLength);
        return outcome == OpenSsl.NextProtocolNegotiated ? OpenSsl.AlpnAcknowledged : OpenSsl.AlpnFatal;
    }

    private void UseCertificate(X509Certificate2 certificate, X509Certificate2Collection? chain)
    {
        byte[] der = certificate.RawData;
        using var rsa = certificate.GetRSAPrivateKey();
        using var ec = certificate.GetECDsaPrivateKey();
        AsymmetricAlgorithm key = (AsymmetricAlgorithm?)rsa ?? ec
            ?? throw new AuthenticationException($"The certificate {certificate.Subject} has no private key of RSA or ECDSA.");
        byte[] secret = key.ExportPkcs8PrivateKey();
        try
        {
            if (OpenSsl.SSL_CTX_use_certificate_ASN1(Handle, der.Length, ref der[0]) != 1
                || OpenSsl.SSL_CTX_use_PrivateKey_ASN1(rsa is null ? OpenSsl.KeyEc : OpenSsl.KeyRsa, Handle, ref secret[0], secret.Length) != 1)
            {
                throw new AuthenticationException($"OpenSSL refuses the certificate {certificate.Subject}: {OpenSsl.TakeReason()}.");
            }
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }

        foreach (var issuer in chain ?? [])
        {
            AddIssuer(issuer);
        }
    }

    private void AddIssuer(X509Certificate2 issuer)
    {
        byte[] der = issuer.RawData;
        nint copy = Marshal.AllocHGlobal(der.Length);
        try
        {
            Marshal.Copy(der, 0, copy, der.Length);
            nint position = copy;
            nint certificate = OpenSsl.d2i_X509(0, ref position, der.Length);
            if (certificate == 0 || OpenSsl.SSL_CTX_ctrl(Handle, OpenSsl.ControlExtraChainCertificate, 0, certificate) != 1)
            {
                OpenSsl.X509_free(certificate);
                throw new AuthenticationException($"OpenSSL refuses the certificate {issuer.Subject}: {OpenSsl.TakeReason()}.");
            }
        }
        finally
        {
            Marshal.FreeHGlobal(copy);
        }
    }
}

/// <summary>Application protocols in the order of preference, in native memory: their length, then RFC 7301's form.</summary>
internal sealed class ProtocolList
{
    public ProtocolList(IReadOnlyList<string> protocols)
    {
        byte[] list = [.. protocols.SelectMany(protocol => (byte[])[(byte)protocol.Length, .. System.Text.Encoding.ASCII.GetBytes(protocol)])];
        Pointer = Marshal.AllocHGlobal(sizeof(int) + list.Length);
        Marshal.WriteInt32(Pointer, list.Length);
        Marshal.Copy(list, 0, Pointer + sizeof(int), list.Length);
    }

    ~ProtocolList() => Marshal.FreeHGlobal(Pointer);

    public nint Pointer { get; }
}

/// <summary>The contexts of a listener's certificates, made when they are first needed.</summary>
internal sealed class TlsContexts(BatonTlsOptions options, ProtocolList protocols)
{
    /// <summary>More than a listener has in use at a time; beyond it the oldest are made anew.</summary>
    private const int Limit = 1024;

    private readonly ConcurrentDictionary<string, TlsContext> _contexts = new();

    /// <summary>The context of a certificate.</summary>
    /// <exception cref="AuthenticationException">OpenSSL refuses the certificate.</exception>
    public TlsContext For(X509Certificate2 certificate)
    {
        if (_contexts.TryGetValue(certificate.Thumbprint, out var context))
        {
            return context;
        }

        if (_contexts.Count >= Limit)
        {
            // Handshakes under way hold OpenSSL's own references.
            _contexts.Clear();
        }

        return _contexts.GetOrAdd(certificate.Thumbprint, _ => new TlsContext(options, protocols, certificate));
    }
}
