using System.Net;
using System.Net.Security;
using System.Net.WebSockets;
using System.Security.Authentication;
using System.Text;
using Baton.Engine;
using Baton.Engine.Tests;
using Baton.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Baton.Kestrel.Tests.Tls;

/// <summary>TLS 1.3 connections move with their keys and record numbers, and the client notices nothing.</summary>
public sealed class TlsHandoffTests
{
    private const string Get = "GET / HTTP/1.1\r\nHost: farm.test\r\n\r\n";

    private static int Handoffs => Environment.GetEnvironmentVariable("BATON_TLS_HANDOFFS") is { } count
        ? int.Parse(count, System.Globalization.CultureInfo.InvariantCulture)
        : QuickForm.Or(1000, quick: 200);

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task An_https_connection_is_answered_by_each_node_it_moves_to()
    {
        await using var farm = await StartAsync(3);
        await using var tls = await TlsClients.HandshakeAsync((await farm.ConnectAsync()).Stream);
        string end = "\n\r\n0\r\n\r\n";
        Assert.Contains("hello by n1", await TlsClients.AskAsync(tls, Get, end));
        for (int from = 1; from <= 3; from++)
        {
            int to = from % 3 + 1;
            Assert.True((await farm.MoveAsync(from, to)).Moved);
            string answer = await TlsClients.AskAsync(tls, Get, end);
            Assert.StartsWith("HTTP/1.1 200 OK\r\n", answer);
            Assert.Contains($"hello by n{to}", answer);
        }

        Assert.Empty(farm.Log.Lines);
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task One_connection_is_handed_off_many_times_while_bytes_flow_both_ways()
    {
        await using var farm = await StartAsync(2);
        using var client = Client(farm);
        byte[] body = new byte[40_000];
        new Random(5).NextBytes(body);
        int requests = 0;
        using var done = new CancellationTokenSource();
        var traffic = Task.Run(async () =>
        {
            while (!done.IsCancellationRequested)
            {
                var response = await client.PostAsync("/echo", new ByteArrayContent(body), WebFarm.Patience());
                Assert.Equal(body, await response.Content.ReadAsByteArrayAsync());
                Interlocked.Increment(ref requests);
            }
        });
        while (Volatile.Read(ref requests) == 0)
        {
            await Task.Delay(1, WebFarm.Patience());
        }

        for (int i = 0; i < Handoffs; i++)
        {
            Assert.True((await farm.MoveAsync(i % 2 + 1, 2 - i % 2)).Moved, $"handoff {i}");
        }

        await done.CancelAsync();
        await traffic;
        Assert.Equal(1, farm.Connections);
        Assert.True(requests >= Handoffs / 20, $"{requests} requests");
        Assert.Empty(farm.Log.Lines);
    }

    [Theory(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task A_secure_websocket_is_counted_on_across_the_nodes(string version)
    {
        await using var farm = await StartAsync(3);
        using var socket = new ClientWebSocket();

        // As browsers do: over HTTP/2 where that is offered (RFC 8441), else over a connection of HTTP/1.1.
        socket.Options.HttpVersion = Version.Parse(version);
        socket.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionOrLower;
        using var invoker = new HttpMessageInvoker(Handler(farm));
        await socket.ConnectAsync(new Uri("wss://farm.test/count"), invoker, WebFarm.Patience());
        for (int i = 0; i < 30; i++)
        {
            await socket.SendAsync(Encoding.UTF8.GetBytes($"{i}"), WebSocketMessageType.Text, true, WebFarm.Patience());
            byte[] buffer = new byte[100];
            var received = await socket.ReceiveAsync(buffer, WebFarm.Patience());
            Assert.Equal($"n{i % 3 + 1} {i + 1} {i}", Encoding.UTF8.GetString(buffer, 0, received.Count));
            Assert.True((await farm.MoveAsync(i % 3 + 1, (i + 1) % 3 + 1, farm.LastPort)).Moved);
        }

        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "done", WebFarm.Patience());
        Assert.Equal(WebSocketCloseStatus.NormalClosure, socket.CloseStatus);
        Assert.Empty(farm.Log.Lines);
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task Half_a_record_waits_at_the_next_node_for_its_rest()
    {
        await using var farm = await StartAsync(2);
        var below = new HoldingStream((await farm.ConnectAsync()).Stream);
        await using var tls = await TlsClients.HandshakeAsync(below);
        string end = "\n\r\n0\r\n\r\n";
        await TlsClients.AskAsync(tls, Get, end);
        for (int i = 0; i < 6; i++)
        {
            // 1, 4, 5, 6 ... bytes of the record: within its header, behind it, within what is protected.
            below.HoldAfter = new[] { 1, 4, 5, 6, 30, 56 }[i];
            await tls.WriteAsync(Encoding.ASCII.GetBytes(Get), WebFarm.Patience());
            Assert.True((await farm.MoveAsync(i % 2 + 1, 2 - i % 2)).Moved);
            await below.ReleaseAsync();

            Assert.Contains($"hello by n{2 - i % 2}", await TlsClients.UntilAsync(tls, end));
        }

        Assert.Empty(farm.Log.Lines);
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task Half_a_head_and_pipelined_requests_in_one_record_are_read_by_the_next_node()
    {
        await using var farm = await StartAsync(2);
        await using var tls = await TlsClients.HandshakeAsync((await farm.ConnectAsync()).Stream);
        string end = "\n\r\n0\r\n\r\n";
        await TlsClients.AskAsync(tls, Get + Get[..20], end);

        Assert.True((await farm.MoveAsync(1, 2)).Moved);
        Assert.Contains("hello by n2", await TlsClients.AskAsync(tls, Get[20..] + Get + Get[..9], end));
        await TlsClients.UntilAsync(tls, end);
        Assert.True((await farm.MoveAsync(2, 1)).Moved);

        Assert.Contains("hello by n1", await TlsClients.AskAsync(tls, Get[9..], end));
        Assert.Empty(farm.Log.Lines);
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task Facts_of_the_handshake_and_the_clients_certificate_move_along()
    {
        await using var farm = await StartAsync(2, options =>
        {
            options.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
            options.ClientCertificateValidation = static (certificate, _, _) => certificate.Subject == "CN=a client";
        });
        await using var tls = await TlsClients.HandshakeAsync(
            (await farm.ConnectAsync()).Stream, options => options.ClientCertificates = [TestCertificates.Client]);
        string ask = Get.Replace("GET / ", "GET /facts ", StringComparison.Ordinal);
        string end = "\n\r\n0\r\n\r\n";
        string before = await TlsClients.AskAsync(tls, ask, end);
        Assert.True((await farm.MoveAsync(1, 2)).Moved);
        string after = await TlsClients.AskAsync(tls, ask, end);

        Assert.Contains("https HTTP/1.1 Tls13 TLS_", before);
        Assert.Contains("farm.test CN=a client by n1", before);
        Assert.Equal(Body(before).Replace("n1", "n2", StringComparison.Ordinal), Body(after));

        static string Body(string answer) => answer[answer.IndexOf("https ", StringComparison.Ordinal)..];
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task Keys_are_renewed_by_openssl_between_moves()
    {
        await using var farm = await StartAsync(2);
        using var client = new OpenSslClient(
            "ip", "netns", "exec", farm.Namespace, "openssl", "s_client", "-connect", "198.51.100.101:80", "-servername", "farm.test");
        for (int i = 0; i < 6; i++)
        {
            await client.AskAsync(Get, $"hello by n{i % 2 + 1}\n\r\n0\r\n\r\n");
            await client.RenewAsync(both: i % 3 != 0);
            Assert.True((await farm.MoveAsync(i % 2 + 1, 2 - i % 2)).Moved);
        }

        await client.AskAsync(Get, "hello by n1\n\r\n0\r\n\r\n");
        await client.EndAsync();
        Assert.DoesNotContain("alert", client.Said);
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task A_client_of_TLS_1_2_is_served_and_stays()
    {
        await using var farm = await StartAsync(2);
        await using var tls = await TlsClients.HandshakeAsync(
            (await farm.ConnectAsync()).Stream, options => options.EnabledSslProtocols = SslProtocols.Tls12);
        string end = "\n\r\n0\r\n\r\n";
        Assert.Contains("hello by n1", await TlsClients.AskAsync(tls, Get, end));

        var moving = farm.MoveAsync(1, 2);

        Assert.Contains("hello by n1", await TlsClients.AskAsync(tls, Get, end));
        Assert.False(moving.IsCompleted);
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task A_connection_that_no_node_takes_goes_on_where_it_is()
    {
        await using var farm = await StartAsync(2, perNode: number => number == 1);
        await using var tls = await TlsClients.HandshakeAsync((await farm.ConnectAsync()).Stream);
        string end = "\n\r\n0\r\n\r\n";
        for (int i = 0; i < 3; i++)
        {
            Assert.Contains("hello by n1", await TlsClients.AskAsync(tls, Get + Get[..10], end));
            Assert.False((await farm.MoveAsync(1, 2)).Moved);
            Assert.Contains("hello by n1", await TlsClients.AskAsync(tls, Get[10..], end));
        }
    }

    private static Task<WebFarm> StartAsync(int nodes, Action<BatonTlsOptions>? configure = null, Func<int, bool>? perNode = null) =>
        WebFarm.StartAsync(nodes, Map, listen: (listen, number) => listen.UseBatonTls(options =>
        {
            options.ServerCertificate = TestCertificates.Server;
            configure?.Invoke(options);
        }), serves: perNode);

    private static void Map(WebApplication app, string node)
    {
        TlsServer.Map(app, node);
        app.UseWebSockets();
        app.Map("/count", context => WebSocketHandoffTests.CountAsync(context, node));
    }

    private static SocketsHttpHandler Handler(WebFarm farm) => new()
    {
        SslOptions = TlsClients.Options(),
        ConnectCallback = async (_, _) => (await farm.ConnectAsync()).Stream,
    };

    private static HttpClient Client(WebFarm farm) => new(Handler(farm)) { BaseAddress = new Uri("https://farm.test/") };

    /// <summary>Holds what is written from a number of bytes on, until it is released.</summary>
    private sealed class HoldingStream(Stream inner) : DelegatingStream(inner)
    {
        private byte[] _held = [];

        public int? HoldAfter { get; set; }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int now = HoldAfter ?? buffer.Length;
            _held = [.. _held, .. buffer[now..].Span];
            await Inner.WriteAsync(buffer[..now], cancellationToken);
        }

        public async Task ReleaseAsync()
        {
            HoldAfter = null;
            await Inner.WriteAsync(_held);
            _held = [];
        }
    }
}
