using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Baton.Kestrel.Tests.Tls;

/// <summary>Clients of others against UseBatonTls: .NET's, curl, openssl.</summary>
public sealed class TlsInteropTests
{
    private const string Get = "GET / HTTP/1.1\r\nHost: farm.test\r\n\r\n";

    [Theory]
    [InlineData("1.1", SslProtocols.Tls13)]
    [InlineData("2.0", SslProtocols.Tls13)]
    [InlineData("1.1", SslProtocols.Tls12)]
    [InlineData("2.0", SslProtocols.Tls12)]
    public async Task Dot_nets_http_client_posts_and_gets(string version, SslProtocols protocol)
    {
        await using var server = await TlsServer.StartAsync();
        using var client = Client(server, version, options => options.EnabledSslProtocols = protocol);
        byte[] body = new byte[1_000_000];
        new Random(3).NextBytes(body);

        for (int i = 0; i < 3; i++)
        {
            var response = await client.PostAsync("/echo", new ByteArrayContent(body), WebFarm.Patience());
            Assert.Equal(body, await response.Content.ReadAsByteArrayAsync());
        }

        string facts = await client.GetStringAsync("/facts", WebFarm.Patience());
        Assert.StartsWith($"https HTTP/{version.TrimEnd('0').TrimEnd('.')}", facts.Replace("HTTP/2.0", "HTTP/2"), StringComparison.Ordinal);
        Assert.Contains($" {protocol} TLS_", facts);
        Assert.Contains(" farm.test none by here", facts);
        Assert.Empty(server.Log.Lines);
    }

    [Theory]
    [InlineData("TLS_AES_128_GCM_SHA256")]
    [InlineData("TLS_AES_256_GCM_SHA384")]
    [InlineData("TLS_CHACHA20_POLY1305_SHA256")]
    public async Task Openssl_speaks_each_suite_and_renews_keys_in_both_directions(string suite)
    {
        await using var server = await TlsServer.StartAsync();
        string authority = TestCertificates.Write(server.Directory, "ca.pem", TestCertificates.Authority.ExportCertificatePem());
        using var client = new OpenSslClient(
            "openssl", "s_client", "-connect", $"127.0.0.1:{server.Port}", "-servername", "farm.test", "-CAfile", authority, "-ciphersuites", suite);

        for (int i = 0; i < 4; i++)
        {
            await client.AskAsync(Get, "hello by here\n\r\n0\r\n\r\n");
            await client.RenewAsync(both: i % 2 == 0);
            await client.RenewAsync(both: true);
        }

        await client.AskAsync(Get, "hello by here\n\r\n0\r\n\r\n");
        await client.EndAsync();
        Assert.Contains($"Cipher is {suite}", client.Said);
        Assert.Contains("Verify return code: 0 (ok)", client.Said);
        Assert.DoesNotContain("New Session Ticket", client.Said);
        Assert.DoesNotContain("error", client.Said);
    }

    [Theory]
    [InlineData("--http1.1", "HTTP/1.1")]
    [InlineData("--http2", "HTTP/2")]
    [InlineData("--http1.1 --tls-max 1.2", "HTTP/1.1")]
    [InlineData("--http2 --tls-max 1.2", "HTTP/2")]
    public async Task Curl_gets_and_posts(string options, string protocol)
    {
        await using var server = await TlsServer.StartAsync();
        string authority = TestCertificates.Write(server.Directory, "ca.pem", TestCertificates.Authority.ExportCertificatePem());
        string upload = Path.Combine(server.Directory, "upload");
        string download = Path.Combine(server.Directory, "download");
        byte[] body = new byte[3_000_000];
        new Random(4).NextBytes(body);
        await File.WriteAllBytesAsync(upload, body);
        string[] common = ["-sS", .. options.Split(' '), "--cacert", authority, "--resolve", $"farm.test:{server.Port}:127.0.0.1"];

        string facts = await TlsServer.RunAsync("curl", "", [.. common, $"https://farm.test:{server.Port}/facts"]);
        string said = await TlsServer.RunAsync(
            "curl", "", [.. common, "--data-binary", "@" + upload, "-o", download, "-w", "%{http_code}", $"https://farm.test:{server.Port}/echo"]);

        Assert.StartsWith($"https {protocol} {(options.Contains("1.2", StringComparison.Ordinal) ? "Tls12" : "Tls13")} TLS_", facts);
        Assert.Equal("200", said);
        Assert.Equal(body, await File.ReadAllBytesAsync(download));
    }

    [Fact]
    public async Task The_certificate_is_chosen_by_the_host_that_the_client_asks_for()
    {
        await using var server = await TlsServer.StartAsync(options =>
        {
            options.ServerCertificateSelector = static (_, host) => host switch
            {
                "farm.test" => TestCertificates.Rsa,
                "other.test" => TestCertificates.Other,
                _ => null,
            };
        });
        foreach (string host in new[] { "other.test", "farm.test", "other.test" })
        {
            await using var tls = await TlsClients.HandshakeAsync(await server.ConnectAsync(), options => options.TargetHost = host);

            Assert.Equal("CN=" + host, tls.RemoteCertificate!.Subject);
            Assert.EndsWith("hello by here\n\r\n", await TlsClients.AskAsync(tls, Get, "here\n\r\n"));
        }

        await Assert.ThrowsAnyAsync<Exception>(async () =>
            await TlsClients.HandshakeAsync(await server.ConnectAsync(), options => options.TargetHost = "unknown.test"));
        await server.UntilCountedAsync("baton.tls.handshakes failed");
    }

    [Fact]
    public async Task The_application_protocol_is_agreed_on_or_the_handshake_fails()
    {
        await using var server = await TlsServer.StartAsync(protocols: HttpProtocols.Http1);
        await using var tls = await TlsClients.HandshakeAsync(
            await server.ConnectAsync(), options => options.ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11]);

        Assert.Equal(SslApplicationProtocol.Http11, tls.NegotiatedApplicationProtocol);
        await Assert.ThrowsAsync<AuthenticationException>(async () => await TlsClients.HandshakeAsync(
            await server.ConnectAsync(), options => options.ApplicationProtocols = [SslApplicationProtocol.Http3]));
    }

    [Theory]
    [InlineData(SslProtocols.Tls13)]
    [InlineData(SslProtocols.Tls12)]
    public async Task A_clients_certificate_is_asked_for_judged_and_shown(SslProtocols protocol)
    {
        await using var server = await TlsServer.StartAsync(options =>
        {
            options.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
            options.ClientCertificateValidation = static (certificate, _, _) => certificate.Subject == "CN=a client";
        });
        await using var tls = await TlsClients.HandshakeAsync(await server.ConnectAsync(), options =>
        {
            options.EnabledSslProtocols = protocol;
            options.ClientCertificates = [TestCertificates.Client];
        });
        string facts = await TlsClients.AskAsync(tls, Get.Replace("GET / ", "GET /facts ", StringComparison.Ordinal), "by here");
        Assert.Contains("farm.test CN=a client by here", facts);

        foreach (X509Certificate2? refused in new[] { null, TestCertificates.Server })
        {
            await Assert.ThrowsAnyAsync<Exception>(async () =>
            {
                await using var other = await TlsClients.HandshakeAsync(await server.ConnectAsync(), options =>
                {
                    options.EnabledSslProtocols = protocol;
                    options.ClientCertificates = refused is null ? null : [refused];
                });
                await TlsClients.AskAsync(other, Get, "here");
            });
        }

        await server.UntilCountedAsync("baton.tls.handshakes certificate");
    }

    [Fact]
    public async Task A_client_that_knows_only_an_older_TLS_than_wanted_is_refused()
    {
        await using var server = await TlsServer.StartAsync(options => options.RefuseTls12 = true);

        await Assert.ThrowsAsync<AuthenticationException>(async () => await TlsClients.HandshakeAsync(
            await server.ConnectAsync(), options => options.EnabledSslProtocols = SslProtocols.Tls12));
        await server.UntilCountedAsync("baton.tls.handshakes failed");
    }

    [Fact]
    public async Task Handshake_and_records_cut_into_single_bytes_are_read()
    {
        await using var server = await TlsServer.StartAsync();
        await using var tls = await TlsClients.HandshakeAsync(new ByteByByte(await server.ConnectAsync()));

        Assert.EndsWith("hello by here\n\r\n", await TlsClients.AskAsync(tls, Get, "here\n\r\n"));
    }

    [Fact]
    public async Task A_close_of_the_client_is_answered_by_a_close()
    {
        await using var server = await TlsServer.StartAsync();
        var below = await server.ConnectAsync();
        await using var tls = await TlsClients.HandshakeAsync(below);
        await TlsClients.AskAsync(tls, Get, "here\n\r\n0\r\n\r\n");

        await tls.ShutdownAsync();

        Assert.Equal(0, await tls.ReadAsync(new byte[100], WebFarm.Patience()));
        Assert.Equal(0, server.Count("baton.tls.truncated"));
    }

    private static HttpClient Client(TlsServer server, string version, Action<SslClientAuthenticationOptions> configure) => new(new SocketsHttpHandler
    {
        SslOptions = TlsClients.Options(configure),
        ConnectCallback = async (_, _) => await server.ConnectAsync(),
    })
    {
        BaseAddress = new Uri("https://farm.test/"),
        DefaultRequestVersion = Version.Parse(version),
        DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };

    /// <summary>Writes each byte by itself.</summary>
    private sealed class ByteByByte(Stream inner) : DelegatingStream(inner)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            Inner.ReadAsync(buffer[..Math.Min(buffer.Length, 1)], cancellationToken);

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            for (int i = 0; i < buffer.Length; i++)
            {
                await Inner.WriteAsync(buffer.Slice(i, 1), cancellationToken);
            }
        }
    }
}
