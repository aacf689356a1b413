using System.Text;
using Baton.Engine.Tests;
using Baton.Kestrel.Tests.Tls;
using Microsoft.AspNetCore.Hosting;

namespace Baton.Kestrel.Tests;

/// <summary>What a client says first decides which node serves it.</summary>
public sealed class ContentPlacementTests
{
    private const string End = "\n\r\n0\r\n\r\n";

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task The_host_of_the_first_request_names_the_node_and_no_byte_is_lost()
    {
        await using var farm = await WebFarm.StartAsync(3, TlsServer.Map, listen: (listen, _) => listen.UseBatonPlacement(ByHost));
        foreach (int node in new[] { 1, 2, 3, 2 })
        {
            using var client = await farm.ConnectAsync();
            string request = $"GET /?first HTTP/1.1\r\nConnection: keep-alive\r\nhost: n{node}.test:80\r\n\r\n";
            foreach (char c in request)
            {
                await client.SendAsync([(byte)c]);
            }

            // Later requests stay there, whatever they ask for.
            Assert.Contains($"hello by n{node}", await client.UntilAsync(End));
            await client.SendAsync(request.Replace($"n{node}.test", "n1.test", StringComparison.Ordinal));
            Assert.Contains($"hello by n{node}", await client.UntilAsync(End));
        }

        Assert.Empty(farm.Log.Lines);
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task The_host_of_the_tls_handshake_names_the_node_that_then_does_the_handshake()
    {
        await using var farm = await WebFarm.StartAsync(2, TlsServer.Map, listen: (listen, number) =>
        {
            listen.UseBatonPlacement(static opening => opening.IsTls ? opening.Host == "other.test" ? "n2" : "n1" : null);
            listen.UseBatonTls(number == 1 ? TestCertificates.Server : TestCertificates.Other);
        });
        foreach (var (host, node) in new[] { ("other.test", "n2"), ("farm.test", "n1") })
        {
            await using var tls = await TlsClients.HandshakeAsync((await farm.ConnectAsync()).Stream, options => options.TargetHost = host);

            Assert.Contains($"hello by {node}", await TlsClients.AskAsync(tls, $"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n", End));
            Assert.Equal("CN=" + host, tls.RemoteCertificate!.Subject);
        }

        Assert.Empty(farm.Log.Lines);
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task Behind_tls_the_first_request_names_the_node()
    {
        await using var farm = await WebFarm.StartAsync(2, TlsServer.Map, listen: (listen, _) =>
        {
            listen.UseBatonTls(TestCertificates.Server);
            listen.UseBatonPlacement(static opening => opening.Target == "/?two" ? "n2" : null);
        });
        foreach (var (target, node) in new[] { ("/?two", "n2"), ("/?one", "n1") })
        {
            await using var tls = await TlsClients.HandshakeAsync((await farm.ConnectAsync()).Stream);

            Assert.Contains($"hello by {node}", await TlsClients.AskAsync(tls, $"GET {target} HTTP/1.1\r\nHost: farm.test\r\n\r\n", End));
        }

        Assert.Empty(farm.Log.Lines);
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task Whoever_cannot_be_placed_is_served_where_he_came_in()
    {
        await using var farm = await WebFarm.StartAsync(2, TlsServer.Map, listen: (listen, _) => listen.UseBatonPlacement(ByHost));
        foreach (string head in new[] { "GET / HTTP/1.1\r\nHost: nowhere.test", "GET / HTTP/1.0", "GET / HTTP/1.1\r\nHost: n7.test" })
        {
            using var client = await farm.ConnectAsync();
            await client.SendAsync(head + "\r\n\r\n");

            Assert.Contains("hello by n1", await client.UntilAsync("hello by n1"));
        }

        using var bad = await farm.ConnectAsync();
        await bad.SendAsync("what is this\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 400", await bad.UntilAsync("\r\n"));
    }

    [Theory]
    [InlineData("GET /a?b HTTP/1.1\r\nHost: x.test:8080\r\n", "x.test", "GET", "/a?b")]
    [InlineData("GET / HTTP/1.1\nHOST:[2001:db8::1]:80\n", "[2001:db8::1]", "GET", "/")]
    [InlineData("GET / HTTP/1.1\r\nA: b\r\nHost:  y  \r\n", "y", "GET", "/")]
    [InlineData("POST http://z.test/p HTTP/1.0\r\n\r\n", null, "POST", "http://z.test/p")]
    [InlineData("GET / HTTP/1.1\r\nHost:\r\n\r\n", null, "GET", "/")]
    public void A_request_is_read_up_to_its_host(string head, string? host, string method, string target)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(head);

        Assert.True(ClientOpening.TryRead(bytes, out var opening));
        Assert.Equal((host, method, target, false), (opening!.Host, opening.Method, opening.Target, opening.IsTls));
        int enough = Enumerable.Range(1, bytes.Length).First(length => ClientOpening.TryRead(bytes.AsSpan(0, length), out _));
        Assert.Equal(bytes.Length, enough);
    }

    [Theory]
    [InlineData("hello\r\n")]
    [InlineData("GET /\r\n")]
    [InlineData("GET / FTP/1.1\r\n")]
    [InlineData(" / HTTP/1.1\r\n")]
    public void What_is_no_request_is_left_to_the_application(string text)
    {
        Assert.True(ClientOpening.TryRead(Encoding.ASCII.GetBytes(text), out var opening));
        Assert.Null(opening);
    }

    private static string? ByHost(ClientOpening opening) =>
        opening.Host?.Split('.')[0] is { Length: 2 } name && name[0] == 'n' ? name : null;
}
