using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Baton.Engine;

namespace Baton.Hosting;

/// <summary>
/// Members prove themselves by certificates of the farm's authority, both ways, over TLS 1.3 (RFC 8446). The certificate
/// must name the member that has the lan address of the connection's other end.
/// </summary>
internal sealed class TlsPeerAuthenticator(FarmCertificates certificates) : IPeerAuthenticator
{
    private readonly SslStreamCertificateContext _own =
        SslStreamCertificateContext.Create(certificates.Own, additionalCertificates: null, offline: true);

    public async ValueTask<Stream> AuthenticateAsync(Stream stream, string peer, bool initiates, CancellationToken cancellationToken)
    {
        var check = new Check(peer);
        var tls = new SslStream(stream, leaveInnerStreamOpen: false);
        try
        {
            await (initiates
                ? tls.AuthenticateAsClientAsync(AsClient(check, peer), cancellationToken)
                : tls.AuthenticateAsServerAsync(AsServer(check), cancellationToken));
            return tls;
        }
        catch (Exception e)
        {
            await tls.DisposeAsync();
            if (check.Refused is { } refused)
            {
                throw refused;
            }

            if (e is AuthenticationException or InvalidOperationException || (e is IOException and not BatonException))
            {
                throw new PeerRefusedException(PeerRefusal.HandshakeFailed, $"the TLS handshake failed: {e.InnerException?.Message ?? e.Message}");
            }

            throw;
        }
    }

    private SslClientAuthenticationOptions AsClient(Check check, string peer) => new()
    {
        TargetHost = peer,
        ClientCertificateContext = _own,
        EnabledSslProtocols = SslProtocols.Tls13,
        CertificateChainPolicy = FarmCertificates.Policy(certificates.Authority, FarmCertificates.ServerUse),
        RemoteCertificateValidationCallback = check.Accepts,

        // Every time the certificate itself: what is resumed is not looked at again.
        AllowTlsResume = false,
    };

    private SslServerAuthenticationOptions AsServer(Check check) => new()
    {
        ServerCertificateContext = _own,
        ClientCertificateRequired = true,
        EnabledSslProtocols = SslProtocols.Tls13,
        CertificateChainPolicy = FarmCertificates.Policy(certificates.Authority, FarmCertificates.ClientUse),
        RemoteCertificateValidationCallback = check.Accepts,
        AllowTlsResume = false,
    };

    /// <summary>Decides about the peer's certificate, and remembers why not.</summary>
    private sealed class Check(string peer)
    {
        public PeerRefusedException? Refused { get; private set; }

        public bool Accepts(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
        {
            if (certificate is not X509Certificate2 shown || chain is null)
            {
                return Refuse(PeerRefusal.NoCertificate, "it shows no certificate; configure Baton:Security there");
            }

            if ((errors & SslPolicyErrors.RemoteCertificateChainErrors) != 0)
            {
                var status = chain.ChainStatus.Aggregate(X509ChainStatusFlags.NoError, (all, one) => all | one.Status);
                const X509ChainStatusFlags Trust = X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.PartialChain | X509ChainStatusFlags.NotSignatureValid;
                return (status & Trust) != 0
                    ? Refuse(PeerRefusal.UnknownAuthority, $"its certificate is of {shown.Issuer}, which is not this farm's authority")
                    : (status & X509ChainStatusFlags.NotTimeValid) != 0
                    ? Refuse(PeerRefusal.NotValidNow, $"its certificate is valid from {shown.NotBefore:u} to {shown.NotAfter:u}; renew it by `baton farm certificate {peer} --renew`")
                    : (status & X509ChainStatusFlags.NotValidForUsage) != 0
                    ? Refuse(PeerRefusal.WrongUse, "its certificate is not for members")
                    : Refuse(PeerRefusal.UnknownAuthority, $"its certificate is refused: {status}");
            }

            string name = FarmCertificates.NameOf(shown);
            return name == peer || Refuse(PeerRefusal.WrongName, $"its certificate is {name}'s");
        }

        private bool Refuse(PeerRefusal reason, string text)
        {
            Refused = new(reason, text);
            return false;
        }
    }
}
