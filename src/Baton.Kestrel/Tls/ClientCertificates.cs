using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Baton.Tls;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Baton.Kestrel.Tls;

/// <summary>Judges the certificate of a client as Kestrel does.</summary>
internal static class ClientCertificates
{
    /// <param name="certificates">The client's and those it sent with it.</param>
    /// <param name="options">What is asked of it.</param>
    /// <returns>Null when it is accepted, or the alert with which it is refused.</returns>
    public static AlertDescription? Judge(IReadOnlyList<X509Certificate2> certificates, BatonTlsOptions options)
    {
        if (certificates.Count == 0)
        {
            return options.ClientCertificateMode == ClientCertificateMode.RequireCertificate ? AlertDescription.CertificateRequired : null;
        }

        using var chain = new X509Chain();
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.ApplicationPolicy.Add(new System.Security.Cryptography.Oid("1.3.6.1.5.5.7.3.2", "TLS client"));
        foreach (var issuer in certificates.Skip(1))
        {
            chain.ChainPolicy.ExtraStore.Add(issuer);
        }

        var errors = chain.Build(certificates[0]) ? SslPolicyErrors.None : SslPolicyErrors.RemoteCertificateChainErrors;
        bool isAccepted = options.ClientCertificateValidation is { } validate
            ? validate(certificates[0], chain, errors)
            : errors == SslPolicyErrors.None;
        return isAccepted ? null : AlertDescription.BadCertificate;
    }
}
