using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Baton.Hosting;

/// <summary>What a member proves itself with, and the others by: the authority's certificate, its own, and its key.</summary>
internal sealed class FarmCertificates : IDisposable
{
    /// <summary>id-kp-serverAuth (RFC 5280 §4.2.1.12).</summary>
    public const string ServerUse = "1.3.6.1.5.5.7.3.1";

    /// <summary>id-kp-clientAuth (RFC 5280 §4.2.1.12).</summary>
    public const string ClientUse = "1.3.6.1.5.5.7.3.2";

    private const UnixFileMode Others =
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    private FarmCertificates(X509Certificate2 authority, X509Certificate2 own) => (Authority, Own) = (authority, own);

    /// <summary>The authority's certificate.</summary>
    public X509Certificate2 Authority { get; }

    /// <summary>This member's certificate, with its key.</summary>
    public X509Certificate2 Own { get; }

    /// <summary>Reads and checks them; null when anything is wrong, each with its mend in <paramref name="errors"/>.</summary>
    public static FarmCertificates? Load(BatonOptions options, DateTimeOffset now, List<string> errors)
    {
        int before = errors.Count;
        var (authorityFile, certificateFile, keyFile) = options.Security!.Files(options);
        string issue = $"`baton farm certificate {options.Node}`";
        bool found = CheckFile("Authority", authorityFile, "Make the farm's authority by `baton farm init`, and copy ca.pem to each member.", errors);
        found &= CheckFile("Certificate", certificateFile, $"Make it by {issue} in the authority's folder.", errors);
        found &= CheckFile("Key", keyFile, $"Make it by {issue} in the authority's folder.", errors);
        if (File.Exists(keyFile) && (File.GetUnixFileMode(keyFile) & Others) != 0)
        {
            errors.Add($"Baton:Security:Key is {keyFile}, which others may read or write. Run: chmod 600 {keyFile}");
        }

        if (!found)
        {
            return null;
        }

        var authority = Read(() => X509CertificateLoader.LoadCertificateFromFile(authorityFile), "Authority", authorityFile, "a certificate in PEM form", errors);
        var own = Read(() => X509Certificate2.CreateFromPemFile(certificateFile, keyFile), "Certificate", certificateFile, $"a certificate in PEM form to which the key in {keyFile} belongs", errors);
        if (authority is not null && own is not null)
        {
            Check(authority, own, options.Node, certificateFile, now, errors);
        }

        if (errors.Count == before)
        {
            return new FarmCertificates(authority!, own!);
        }

        authority?.Dispose();
        own?.Dispose();
        return null;
    }

    /// <summary>How a peer's certificate is to be checked: it is of this authority, whatever the machine trusts.</summary>
    /// <param name="authority">The authority.</param>
    /// <param name="use">What the certificate must be for.</param>
    public static X509ChainPolicy Policy(X509Certificate2 authority, string use)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        policy.CustomTrustStore.Add(authority);
        policy.ApplicationPolicy.Add(new Oid(use));
        return policy;
    }

    /// <summary>The name that a certificate is for: the common name of its subject, which is all that it has.</summary>
    public static string NameOf(X509Certificate2 certificate) => certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false);

    /// <inheritdoc/>
    public void Dispose()
    {
        Authority.Dispose();
        Own.Dispose();
    }

    private static bool CheckFile(string setting, string file, string mend, List<string> errors)
    {
        if (!File.Exists(file))
        {
            errors.Add($"Baton:Security:{setting} is {file}, which does not exist. {mend}");
            return false;
        }

        return true;
    }

    private static X509Certificate2? Read(Func<X509Certificate2> read, string setting, string file, string what, List<string> errors)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            errors.Add($"Baton:Security:{setting} is {file}, which cannot be read as {what}: {e.Message}");
            return null;
        }
    }

    private static void Check(X509Certificate2 authority, X509Certificate2 own, string node, string file, DateTimeOffset now, List<string> errors)
    {
        string path = $"Baton:Security:Certificate is {file}, which";
        if (NameOf(own) != node)
        {
            errors.Add($"{path} is for '{NameOf(own)}', and this node is '{node}'. Use its own, or make it by `baton farm certificate {node}`.");
        }

        if (now < own.NotBefore || now > own.NotAfter)
        {
            errors.Add($"{path} is valid from {own.NotBefore:u} to {own.NotAfter:u} only. Make a new one by `baton farm certificate {node} --renew`, or set the clock.");
            return;
        }

        foreach (string use in new[] { ServerUse, ClientUse })
        {
            using var chain = new X509Chain { ChainPolicy = Policy(authority, use) };
            chain.ChainPolicy.VerificationTime = now.UtcDateTime;
            if (!chain.Build(own))
            {
                errors.Add($"{path} is not one of the farm's authority for a member ({string.Join(" ", chain.ChainStatus.Select(s => s.StatusInformation.Trim()))}). Make it by `baton farm certificate {node}` in the folder of the same authority.");
                return;
            }
        }
    }
}
