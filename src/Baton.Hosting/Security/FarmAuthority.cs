using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Baton.Engine;

namespace Baton.Hosting;

/// <summary>
/// The farm's certificate authority: a folder with <c>ca.pem</c> and <c>ca.key</c>, in which the members' certificates are
/// made too, as <c>NODE.pem</c> and <c>NODE.key</c>. A member needs <c>ca.pem</c> and its own two; <c>ca.key</c> stays where it is.
/// </summary>
public sealed class FarmAuthority : IDisposable
{
    /// <summary>The authority's certificate in its folder.</summary>
    public const string CertificateFile = "ca.pem";

    /// <summary>The authority's key in its folder.</summary>
    public const string KeyFile = "ca.key";

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Readable = OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    // Members' clocks may differ by so much.
    private static readonly TimeSpan s_clockDifference = TimeSpan.FromMinutes(5);

    private readonly X509Certificate2 _certificate;
    private readonly string _directory;
    private readonly TimeProvider _clock;

    private FarmAuthority(X509Certificate2 certificate, string directory, TimeProvider clock)
    {
        _certificate = certificate;
        _directory = directory;
        _clock = clock;
    }

    /// <summary>Makes an authority in a folder, which is made if it is not there.</summary>
    /// <param name="directory">The folder.</param>
    /// <param name="validity">How long its certificate, and hence any of its members', is valid.</param>
    /// <param name="clock">Tells from when on.</param>
    /// <exception cref="BatonException">There is one, or the folder cannot be written.</exception>
    public static FarmAuthority Create(string directory, TimeSpan validity, TimeProvider clock)
    {
        string certificateFile = Path.Combine(directory, CertificateFile);
        string keyFile = Path.Combine(directory, KeyFile);
        if (File.Exists(certificateFile) || File.Exists(keyFile))
        {
            throw new BatonException($"{directory} has an authority already, whose members' certificates a new one would end. Name another folder by --directory, or remove {CertificateFile} and {KeyFile}.");
        }

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string name = $"CN=Baton farm {Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}";
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        var now = clock.GetUtcNow();
        var certificate = request.CreateSelfSigned(now - s_clockDifference, now + validity);
        try
        {
            Directory.CreateDirectory(directory, OwnerOnly | UnixFileMode.UserExecute);
            Write(keyFile, key.ExportPkcs8PrivateKeyPem(), OwnerOnly, replace: false);
            Write(certificateFile, certificate.ExportCertificatePem(), Readable, replace: false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            certificate.Dispose();
            throw new BatonException($"{directory} cannot be written: {e.Message}");
        }

        return new FarmAuthority(certificate, directory, clock);
    }

    /// <summary>Opens the authority of a folder.</summary>
    /// <exception cref="BatonException">There is none, or it cannot be read.</exception>
    public static FarmAuthority Open(string directory, TimeProvider clock)
    {
        string certificateFile = Path.Combine(directory, CertificateFile);
        string keyFile = Path.Combine(directory, KeyFile);
        foreach (string file in new[] { certificateFile, keyFile })
        {
            if (!File.Exists(file))
            {
                throw new BatonException($"{file} does not exist. Make the farm's authority by `baton farm init`, or name its folder by --directory.");
            }
        }

        try
        {
            return new FarmAuthority(X509Certificate2.CreateFromPemFile(certificateFile, keyFile), directory, clock);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            throw new BatonException($"{certificateFile} and {keyFile} cannot be read as a certificate and its key: {e.Message}");
        }
    }

    /// <summary>Makes a member's key and certificate, in the authority's folder.</summary>
    /// <param name="node">The member's name, as the farm's configuration has it.</param>
    /// <param name="validity">How long it is valid; at most as long as the authority.</param>
    /// <param name="replace">Whether one that is there is replaced.</param>
    /// <returns>The paths of certificate and key, and the end of its validity.</returns>
    /// <exception cref="BatonException">The name cannot be a member's, there is a certificate, or the folder cannot be written.</exception>
    public (string Certificate, string Key, DateTimeOffset NotAfter) Issue(string node, TimeSpan validity, bool replace = false)
    {
        if (node.Length is 0 or > 64 || !node.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.') || node == "ca")
        {
            throw new BatonException($"'{node}' is no name of a member. Write a name of letters, digits, '-', '_' and '.', at most 64 characters and not ca.");
        }

        string certificateFile = Path.Combine(_directory, node + ".pem");
        string keyFile = Path.Combine(_directory, node + ".key");
        if (!replace && (File.Exists(certificateFile) || File.Exists(keyFile)))
        {
            throw new BatonException($"{certificateFile} or {keyFile} exists. Replace them by --renew.");
        }

        var now = _clock.GetUtcNow();
        var notBefore = Later(now - s_clockDifference, _certificate.NotBefore);
        var notAfter = now + validity < _certificate.NotAfter ? now + validity : new DateTimeOffset(_certificate.NotAfter);
        if (notAfter <= now)
        {
            throw new BatonException($"The authority's certificate has ended on {_certificate.NotAfter:yyyy-MM-dd}. Make a new one by `baton farm init --directory NEW`.");
        }

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={node}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(MemberUses, critical: true));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(_certificate, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        using var certificate = request.Create(_certificate, notBefore, notAfter, NewSerialNumber());
        try
        {
            Write(keyFile, key.ExportPkcs8PrivateKeyPem(), OwnerOnly, replace);
            Write(certificateFile, certificate.ExportCertificatePem(), Readable, replace);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BatonException($"{_directory} cannot be written: {e.Message}");
        }

        return (certificateFile, keyFile, notAfter);
    }

    /// <inheritdoc/>
    public void Dispose() => _certificate.Dispose();

    /// <summary>A member is client and server (RFC 5280 §4.2.1.12: id-kp-serverAuth, id-kp-clientAuth).</summary>
    internal static OidCollection MemberUses => [new Oid(FarmCertificates.ServerUse), new Oid(FarmCertificates.ClientUse)];

    private static DateTimeOffset Later(DateTimeOffset a, DateTimeOffset b) => a > b ? a : b;

    /// <summary>RFC 5280 §4.1.2.2: positive, at most 20 bytes; random, so that nobody has to keep count.</summary>
    private static byte[] NewSerialNumber()
    {
        byte[] number = RandomNumberGenerator.GetBytes(16);
        number[0] = (byte)((number[0] & 0x7F) | 0x40);
        return number;
    }

    // Its mode from the first byte on, and whole or not at all.
    private static void Write(string file, string text, UnixFileMode mode, bool replace)
    {
        string next = $"{file}.new";
        File.Delete(next);
        using (var stream = new FileStream(next, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = mode }))
        using (var writer = new StreamWriter(stream))
        {
            writer.WriteLine(text);
        }

        File.Move(next, file, replace);
    }
}
