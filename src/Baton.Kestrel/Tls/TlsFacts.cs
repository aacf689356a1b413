using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Baton.Kestrel.Tls;

/// <summary>What a handshake has found out, as Kestrel and applications read it.</summary>
internal sealed class TlsFacts(bool isTls13, ushort suite, string protocol, string hostName, X509Certificate2? clientCertificate)
    : ITlsConnectionFeature, ITlsHandshakeFeature, ITlsApplicationProtocolFeature
{
    /// <summary>The application protocol; empty without one.</summary>
    public string Protocol => protocol;

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> ApplicationProtocol { get; } = Encoding.ASCII.GetBytes(protocol);

    /// <inheritdoc/>
    public X509Certificate2? ClientCertificate { get; set; } = clientCertificate;

    /// <inheritdoc/>
    public TlsCipherSuite? NegotiatedCipherSuite => (TlsCipherSuite)suite;

    /// <inheritdoc/>
    public string HostName => hostName;

    SslProtocols ITlsHandshakeFeature.Protocol => isTls13 ? SslProtocols.Tls13 : SslProtocols.Tls12;

#pragma warning disable SYSLIB0058 // The interface has them; what they tell is in NegotiatedCipherSuite.
    CipherAlgorithmType ITlsHandshakeFeature.CipherAlgorithm => CipherAlgorithmType.None;

    int ITlsHandshakeFeature.CipherStrength => 0;

    HashAlgorithmType ITlsHandshakeFeature.HashAlgorithm => HashAlgorithmType.None;

    int ITlsHandshakeFeature.HashStrength => 0;

    ExchangeAlgorithmType ITlsHandshakeFeature.KeyExchangeAlgorithm => ExchangeAlgorithmType.None;

    int ITlsHandshakeFeature.KeyExchangeStrength => 0;
#pragma warning restore SYSLIB0058

    /// <inheritdoc/>
    public Task<X509Certificate2?> GetClientCertificateAsync(CancellationToken cancellationToken) => Task.FromResult(ClientCertificate);
}
