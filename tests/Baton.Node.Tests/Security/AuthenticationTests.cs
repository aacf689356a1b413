using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Baton.Engine;
using Baton.Hosting;

namespace Baton.Node.Tests.Security;

/// <summary>Who is taken for a member, and why others are not: TLS over a pair of sockets.</summary>
public sealed class AuthenticationTests : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TestCertificates _farm = new();
    private readonly TestCertificates _other = new();
    private readonly CancellationTokenSource _limit = new(Patience);
    private readonly List<Stream> _streams = [];

    public async ValueTask DisposeAsync()
    {
        foreach (var stream in _streams)
        {
            await stream.DisposeAsync();
        }

        _limit.Dispose();
        _farm.Dispose();
        _other.Dispose();
    }

    [Fact]
    public async Task Two_members_are_taken_for_who_they_are_and_what_they_say_is_private()
    {
        var (a, b) = await PairAsync();
        var atA = _farm.AuthenticatorOf("a").AuthenticateAsync(a, "b", initiates: true, _limit.Token).AsTask();
        var atB = _farm.AuthenticatorOf("b").AuthenticateAsync(b, "a", initiates: false, _limit.Token).AsTask();
        var streams = await Task.WhenAll(atA, atB);
        _streams.AddRange(streams);
        Assert.All(streams, stream => Assert.Equal(SslProtocols.Tls13, Assert.IsType<SslStream>(stream).SslProtocol));
        await streams[0].WriteAsync(new byte[] { 1, 2, 3 }, _limit.Token);
        byte[] read = new byte[3];
        await streams[1].ReadExactlyAsync(read, _limit.Token);
        Assert.Equal([1, 2, 3], read);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_certificate_of_another_authority_is_refused_by_either_end(bool memberInitiates) =>
        Assert.Equal(PeerRefusal.UnknownAuthority, await RefusalAsync(_other.AuthenticatorOf("b"), memberInitiates));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Another_members_certificate_is_refused_by_either_end(bool memberInitiates) =>
        Assert.Equal(PeerRefusal.WrongName, await RefusalAsync(_farm.AuthenticatorOf("c"), memberInitiates));

    [Theory]
    [InlineData(FarmCertificates.ClientUse, true)]
    [InlineData(FarmCertificates.ServerUse, false)]
    public async Task A_certificate_for_something_else_is_refused(string use, bool memberInitiates)
    {
        var now = DateTimeOffset.UtcNow;
        var odd = _farm.Odd("b", use, now, now + TimeSpan.FromDays(1));
        Assert.Equal(PeerRefusal.WrongUse, await RefusalAsync(odd, memberInitiates));
    }

    [Theory]
    [InlineData(FarmCertificates.ServerUse, true)]
    [InlineData(FarmCertificates.ClientUse, false)]
    public async Task A_certificate_that_is_over_is_refused(string use, bool memberInitiates)
    {
        var now = DateTimeOffset.UtcNow;
        var odd = _farm.Odd("b", use, now - TimeSpan.FromMinutes(4), now - TimeSpan.FromMinutes(1));
        Assert.Equal(PeerRefusal.NotValidNow, await RefusalAsync(odd, memberInitiates));
    }

    [Fact]
    public async Task Who_shows_no_certificate_is_refused()
    {
        var (member, intruder) = await PairAsync();
        var authenticating = _farm.AuthenticatorOf("a").AuthenticateAsync(member, "b", initiates: false, _limit.Token).AsTask();
        var tls = new SslStream(intruder);
        _streams.Add(tls);
        await tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions { TargetHost = "a", RemoteCertificateValidationCallback = AcceptAny }, _limit.Token);
        var refused = await Assert.ThrowsAsync<PeerRefusedException>(() => authenticating);
        Assert.Equal(PeerRefusal.NoCertificate, refused.Reason);
    }

    [Fact]
    public async Task An_older_version_of_tls_is_refused()
    {
        var (member, intruder) = await PairAsync();
        var now = DateTimeOffset.UtcNow;
        var authenticating = _farm.AuthenticatorOf("a").AuthenticateAsync(member, "b", initiates: false, _limit.Token).AsTask();
        var tls = new SslStream(intruder);
        _streams.Add(tls);
        await Assert.ThrowsAnyAsync<Exception>(() => tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = "a",
                EnabledSslProtocols = SslProtocols.Tls12,
                ClientCertificates = [_farm.Odd("b", FarmCertificates.ClientUse, now, now + TimeSpan.FromDays(1))],
                RemoteCertificateValidationCallback = AcceptAny,
            },
            _limit.Token));
        Assert.Equal(PeerRefusal.HandshakeFailed, (await Assert.ThrowsAsync<PeerRefusedException>(() => authenticating)).Reason);
    }

    [Fact]
    public async Task Who_speaks_no_tls_is_refused()
    {
        var (member, intruder) = await PairAsync();
        var authenticating = _farm.AuthenticatorOf("a").AuthenticateAsync(member, "b", initiates: false, _limit.Token).AsTask();
        await intruder.WriteAsync(new byte[1024], _limit.Token);
        Assert.Equal(PeerRefusal.HandshakeFailed, (await Assert.ThrowsAsync<PeerRefusedException>(() => authenticating)).Reason);
    }

    /// <summary>Why member a refuses whoever claims to be b.</summary>
    private async Task<PeerRefusal> RefusalAsync(TlsPeerAuthenticator intruder, bool memberInitiates)
    {
        var (mine, theirs) = await PairAsync();
        var authenticating = _farm.AuthenticatorOf("a").AuthenticateAsync(mine, "b", memberInitiates, _limit.Token).AsTask();
        _ = intruder.AuthenticateAsync(theirs, "a", !memberInitiates, _limit.Token).AsTask().ContinueWith(task => task.Exception, TaskScheduler.Default);
        return (await Assert.ThrowsAsync<PeerRefusedException>(() => authenticating)).Reason;
    }

    private async Task<PeerRefusal> RefusalAsync(X509Certificate2 certificate, bool memberInitiates)
    {
        var (mine, theirs) = await PairAsync();
        var authenticating = _farm.AuthenticatorOf("a").AuthenticateAsync(mine, "b", memberInitiates, _limit.Token).AsTask();
        var tls = new SslStream(theirs);
        _streams.Add(tls);
        var intruder = memberInitiates
            ? tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate }, _limit.Token)
            : tls.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions { TargetHost = "a", ClientCertificates = [certificate], RemoteCertificateValidationCallback = AcceptAny },
                _limit.Token);
        _ = intruder.ContinueWith(task => task.Exception, TaskScheduler.Default);
        return (await Assert.ThrowsAsync<PeerRefusedException>(() => authenticating)).Reason;
    }

    // An intruder does not care who it speaks to.
    private static bool AcceptAny(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors) => certificate is not null;

    private async Task<(Stream One, Stream Other)> PairAsync()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var one = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await one.ConnectAsync(listener.LocalEndpoint, _limit.Token);
        var other = await listener.AcceptSocketAsync(_limit.Token);
        var streams = (new NetworkStream(one, ownsSocket: true), new NetworkStream(other, ownsSocket: true));
        _streams.Add(streams.Item1);
        _streams.Add(streams.Item2);
        return streams;
    }
}
