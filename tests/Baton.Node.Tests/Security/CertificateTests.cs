using System.Security.Cryptography.X509Certificates;
using Baton.Engine;
using Baton.Hosting;

namespace Baton.Node.Tests.Security;

/// <summary>What <c>baton farm</c> makes, and what a node says of certificates that do not fit.</summary>
public sealed class CertificateTests : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly TestCertificates _farm = new();

    public void Dispose() => _farm.Dispose();

    [Fact]
    public void Keys_are_for_their_owner_only_and_nothing_is_overwritten_unasked()
    {
        _farm.Authority.Issue("a", TimeSpan.FromDays(1));
        Assert.Equal(OwnerOnly, File.GetUnixFileMode(_farm.File("ca.key")));
        Assert.Equal(OwnerOnly, File.GetUnixFileMode(_farm.File("a.key")));
        string key = File.ReadAllText(_farm.File("a.key"));
        Assert.Contains("--renew", Assert.Throws<BatonException>(() => _farm.Authority.Issue("a", TimeSpan.FromDays(1))).Message, StringComparison.Ordinal);
        Assert.Contains("authority already", Assert.Throws<BatonException>(() => FarmAuthority.Create(_farm.Folder, TimeSpan.FromDays(1), TimeProvider.System)).Message, StringComparison.Ordinal);
        Assert.Equal(key, File.ReadAllText(_farm.File("a.key")));

        _farm.Authority.Issue("a", TimeSpan.FromDays(2), replace: true);
        Assert.NotEqual(key, File.ReadAllText(_farm.File("a.key")));
        Assert.Equal(OwnerOnly, File.GetUnixFileMode(_farm.File("a.key")));
        Assert.Empty(ErrorsOf(_farm.OptionsOf("a")));
    }

    [Fact]
    public void No_certificate_outlives_its_authority_and_none_can_make_others()
    {
        var made = _farm.Authority.Issue("a", TimeSpan.FromDays(100));
        using var authority = X509CertificateLoader.LoadCertificateFromFile(_farm.File("ca.pem"));
        using var certificate = X509CertificateLoader.LoadCertificateFromFile(made.Certificate);
        Assert.Equal(authority.NotAfter, certificate.NotAfter);
        Assert.False(certificate.Extensions.OfType<X509BasicConstraintsExtension>().Single().CertificateAuthority);
        Assert.Equal("a", FarmCertificates.NameOf(certificate));
    }

    [Theory]
    [InlineData("")]
    [InlineData("../a")]
    [InlineData("a,O=x")]
    [InlineData("ca")]
    public void A_name_that_no_member_can_have_gets_no_certificate(string name) =>
        Assert.Contains("no name of a member", Assert.Throws<BatonException>(() => _farm.Authority.Issue(name, TimeSpan.FromDays(1))).Message, StringComparison.Ordinal);

    [Fact]
    public void Everything_that_is_missing_is_named_at_once_with_what_makes_it()
    {
        var errors = ErrorsOf(new BatonOptions { Node = "a", Security = new() { Directory = _farm.File("nowhere") } });
        Assert.Collection(
            errors,
            e => Assert.StartsWith($"Baton:Security:Authority is {_farm.File("nowhere/ca.pem")}, which does not exist. Make the farm's authority by `baton farm init`", e, StringComparison.Ordinal),
            e => Assert.StartsWith($"Baton:Security:Certificate is {_farm.File("nowhere/a.pem")}, which does not exist. Make it by `baton farm certificate a`", e, StringComparison.Ordinal),
            e => Assert.StartsWith($"Baton:Security:Key is {_farm.File("nowhere/a.key")}, which does not exist.", e, StringComparison.Ordinal));
    }

    [Fact]
    public void Another_members_certificate_is_named() => Rejects("which is for 'b', and this node is 'a'", options =>
    {
        options.Security!.Certificate = _farm.File("b.pem");
        options.Security.Key = _farm.File("b.key");
    });

    [Fact]
    public void A_key_of_another_certificate_is_named() =>
        Rejects("cannot be read as a certificate in PEM form to which the key in", options => options.Security!.Key = _farm.File("b.key"));

    [Fact]
    public void A_key_that_others_may_read_is_refused() => Rejects("chmod 600", _ =>
        File.SetUnixFileMode(_farm.File("a.key"), OwnerOnly | UnixFileMode.GroupRead));

    [Fact]
    public void A_certificate_of_another_authority_is_named()
    {
        using var other = new TestCertificates();
        Rejects("is not one of the farm's authority", options => options.Security!.Authority = other.File("ca.pem"));
    }

    [Fact]
    public void A_file_that_is_no_certificate_is_named() =>
        Rejects("cannot be read as a certificate in PEM form", _ => File.WriteAllText(_farm.File("a.pem"), "no certificate"));

    [Fact]
    public void A_certificate_that_is_over_is_named_with_how_to_renew_it()
    {
        _farm.Authority.Issue("a", TimeSpan.FromDays(1));
        var errors = new List<string>();
        Assert.Null(FarmCertificates.Load(_farm.OptionsOf("a"), DateTimeOffset.UtcNow + TimeSpan.FromDays(2), errors));
        Assert.Contains("baton farm certificate a --renew", Assert.Single(errors), StringComparison.Ordinal);
    }

    [Fact]
    public void Certificates_and_insecure_contradict_each_other()
    {
        _farm.Authority.Issue("a", TimeSpan.FromDays(1));
        var options = _farm.OptionsOf("a");
        options.Insecure = true;
        Assert.Contains(new BatonOptionsValidator().Validate(null, options).Failures!, e => e.StartsWith("Baton:Insecure is true although", StringComparison.Ordinal));
    }

    private void Rejects(string message, Action<BatonOptions> spoil)
    {
        _farm.Authority.Issue("a", TimeSpan.FromDays(1));
        _farm.Authority.Issue("b", TimeSpan.FromDays(1));
        var options = _farm.OptionsOf("a");
        Assert.Empty(ErrorsOf(options));
        spoil(options);
        Assert.Contains(message, Assert.Single(ErrorsOf(options)), StringComparison.Ordinal);
    }

    private static List<string> ErrorsOf(BatonOptions options)
    {
        var errors = new List<string>();
        FarmCertificates.Load(options, DateTimeOffset.UtcNow, errors)?.Dispose();
        return errors;
    }
}
