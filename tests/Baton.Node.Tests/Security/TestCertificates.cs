using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Baton.Hosting;

namespace Baton.Node.Tests.Security;

/// <summary>A farm's certificates in a folder of their own.</summary>
internal sealed class TestCertificates : IDisposable
{
    private readonly List<IDisposable> _owned = [];

    public TestCertificates() => Authority = Own(FarmAuthority.Create(Folder, TimeSpan.FromDays(10), TimeProvider.System));

    public string Folder { get; } = Directory.CreateTempSubdirectory("baton-test-").FullName;

    public FarmAuthority Authority { get; }

    public string File(string name) => Path.Combine(Folder, name);

    /// <summary>What a node with such a certificate has.</summary>
    public TlsPeerAuthenticator AuthenticatorOf(string node)
    {
        Authority.Issue(node, TimeSpan.FromDays(1));
        var errors = new List<string>();
        var certificates = FarmCertificates.Load(OptionsOf(node), DateTimeOffset.UtcNow, errors);
        Assert.Empty(errors);
        return new TlsPeerAuthenticator(Own(certificates!));
    }

    public BatonOptions OptionsOf(string node) => new() { Node = node, Security = new() { Directory = Folder } };

    /// <summary>A certificate of this authority that its tool would not make.</summary>
    public X509Certificate2 Odd(string subject, string use, DateTimeOffset from, DateTimeOffset to)
    {
        using var authority = X509Certificate2.CreateFromPemFile(File("ca.pem"), File("ca.key"));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={subject}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(use)], critical: true));
        using var certificate = request.Create(authority, from, to, [1, 2, 3]);
        return Own(certificate.CopyWithPrivateKey(key));
    }

    public void Dispose()
    {
        _owned.ForEach(one => one.Dispose());
        Directory.Delete(Folder, recursive: true);
    }

    private T Own<T>(T one)
        where T : IDisposable
    {
        _owned.Add(one);
        return one;
    }
}
