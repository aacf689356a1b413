using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Baton.Kestrel;

/// <summary>
/// Options of TLS whose connections move. Names are those of Kestrel's <c>HttpsConnectionAdapterOptions</c> where they mean
/// the same.
/// </summary>
public sealed class BatonTlsOptions
{
    /// <summary>The certificate, with its private key of RSA or ECDSA. Every node must have one that its clients accept.</summary>
    public X509Certificate2? ServerCertificate { get; set; }

    /// <summary>Certificates of issuers that are sent with <see cref="ServerCertificate"/>.</summary>
    public X509Certificate2Collection? ServerCertificateChain { get; set; }

    /// <summary>
    /// Chooses the certificate by the host that the client asks for (SNI, RFC 6066 §3), which is null when it asks for none.
    /// It has precedence over <see cref="ServerCertificate"/>; null from it refuses the handshake.
    /// </summary>
    public Func<ConnectionContext, string?, X509Certificate2?>? ServerCertificateSelector { get; set; }

    /// <summary>
    /// Whether clients are asked for a certificate, and whether they must have one. None by default; a certificate in the
    /// middle of a connection (<see cref="ClientCertificateMode.DelayCertificate"/>) is not supported.
    /// </summary>
    public ClientCertificateMode ClientCertificateMode { get; set; }

    /// <summary>
    /// Judges the client's certificate in place of the default, which accepts those without errors. Gets the certificate,
    /// its chain and what .NET found wrong. The next node of a connection that moves does not judge again.
    /// </summary>
    public Func<X509Certificate2, X509Chain?, SslPolicyErrors, bool>? ClientCertificateValidation { get; set; }

    /// <summary>Whether clients that know only TLS 1.2 are refused. They are served by default; their connections stay.</summary>
    public bool RefuseTls12 { get; set; }

    /// <summary>How long a handshake may take. 10 s by default.</summary>
    public TimeSpan HandshakeTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// A file to which the secrets of connections are written, in the format of <c>SSLKEYLOGFILE</c>: who reads it reads the
    /// traffic. For finding faults with tshark; none by default.
    /// </summary>
    public string? KeyLogFile { get; set; }
}
