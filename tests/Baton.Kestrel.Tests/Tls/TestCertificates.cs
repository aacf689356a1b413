using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Baton.Kestrel.Tests.Tls;

/// <summary>Certificates made for the tests.</summary>
internal static class TestCertificates
{
    private static readonly ECDsa s_authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public static X509Certificate2 Authority { get; } = MakeAuthority();

    public static X509Certificate2 Server { get; } = Make("farm.test", "1.3.6.1.5.5.7.3.1");

    public static X509Certificate2 Other { get; } = Make("other.test", "1.3.6.1.5.5.7.3.1");

    public static X509Certificate2 Client { get; } = Make("a client", "1.3.6.1.5.5.7.3.2");

    public static X509Certificate2 Rsa { get; } = MakeRsa("farm.test");

    /// <summary>Writes a certificate, or its key, for a program.</summary>
    public static string Write(string directory, string name, string pem)
    {
        string path = Path.Combine(directory, name);
        File.WriteAllText(path, pem);
        return path;
    }

    private static X509Certificate2 MakeAuthority()
    {
        var request = new CertificateRequest("CN=Authority of the tests", s_authorityKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
    }

    private static X509Certificate2 Make(string name, string usage)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = Sign(new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256), name, usage);
        return certificate.CopyWithPrivateKey(key);
    }

    private static X509Certificate2 MakeRsa(string name)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var certificate = Sign(request, name, "1.3.6.1.5.5.7.3.1");
        return certificate.CopyWithPrivateKey(key);
    }

    private static X509Certificate2 Sign(CertificateRequest request, string name, string usage)
    {
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], false));
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name.Replace(' ', '-'));
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        var generator = X509SignatureGenerator.CreateForECDsa(s_authorityKey);
        return request.Create(
            Authority.SubjectName, generator, DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(29), RandomNumberGenerator.GetBytes(8));
    }
}
