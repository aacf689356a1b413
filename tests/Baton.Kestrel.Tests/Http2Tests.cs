using System.Net;
using System.Text;
using System.Threading.Channels;
using Baton.Engine;
using Baton.Engine.Tests;
using Baton.Kestrel.Tests.Tls;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Baton.Kestrel.Tests;

/// <summary>HTTP/2 works over the farm as gRPC uses it: streams both ways, with trailers. Its connections stay and are drained by GOAWAY.</summary>
public sealed class Http2Tests
{
    [Theory(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Streams_of_one_connection_flow_both_ways_at_once_and_end_with_trailers(bool tls)
    {
        await using var farm = await StartAsync(1, tls);
        using var client = Client(farm, tls);

        await Task.WhenAll(Enumerable.Range(0, 10).Select(async stream =>
        {
            using var talk = await Talk.BeginAsync(client);
            for (int i = 0; i < 50; i++)
            {
                // Beyond the stream's window now and then, so that flow control has its turn.
                string text = i % 25 == 24 ? new string((char)('a' + stream), 100_000) : $"{stream}.{i}";
                Assert.Equal(text, await talk.AskAsync(text));
            }

            Assert.Equal("50 by n1", await talk.EndAsync());
        }));
        Assert.Equal(1, farm.Connections);
        Assert.Empty(farm.Log.Lines);
    }

    [Theory(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    [InlineData(false)]
    [InlineData(true)]
    public async Task In_a_drain_open_streams_are_finished_and_new_ones_go_to_another_node(bool tls)
    {
        await using var farm = await StartAsync(2, tls, "handshake");
        using var client = Client(farm, tls);
        using var talk = await Talk.BeginAsync(client);
        Assert.Equal("before", await talk.AskAsync("before"));
        string here = await client.GetStringAsync("/", WebFarm.Patience());

        var draining = farm.EngineOf(here == "n1" ? 1 : 2).DrainAsync(cancellationToken: WebFarm.Patience()).AsTask();

        // Once GOAWAY is there the client opens another connection.
        string answer;
        while ((answer = await client.GetStringAsync("/", WebFarm.Patience())) == here)
        {
            await Task.Delay(5, WebFarm.Patience());
        }

        Assert.Equal(here == "n1" ? "n2" : "n1", answer);
        Assert.Equal("after", await talk.AskAsync("after"));
        Assert.False(draining.IsCompleted);
        Assert.Equal($"2 by {here}", await talk.EndAsync());
        await draining;
        Assert.Equal(2, farm.Connections);
    }

    private static Task<WebFarm> StartAsync(int nodes, bool tls, string placement = "first-request") => WebFarm.StartAsync(nodes, Map, placement: placement, listen: (listen, _) =>
    {
        listen.Protocols = HttpProtocols.Http2;
        if (tls)
        {
            listen.UseBatonTls(TestCertificates.Server);
        }
    });

    private static HttpClient Client(WebFarm farm, bool tls) => new(new SocketsHttpHandler
    {
        SslOptions = TlsClients.Options(),
        ConnectCallback = async (_, _) => (await farm.ConnectAsync()).Stream,
    })
    {
        BaseAddress = new Uri(tls ? "https://farm.test/" : "http://farm.test/"),
        DefaultRequestVersion = HttpVersion.Version20,
        DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };

    private static void Map(WebApplication app, string node)
    {
        app.MapGet("/", context => context.Response.WriteAsync(node));
        app.MapPost("/talk", async context =>
        {
            await context.Response.Body.FlushAsync();
            using var reader = new StreamReader(context.Request.Body, Encoding.ASCII);
            int count = 0;
            while (await reader.ReadLineAsync() is { } line)
            {
                await context.Response.WriteAsync(line + "\n");
                count++;
            }

            context.Response.AppendTrailer("said", $"{count} by {node}");
        });
    }

    /// <summary>A request and its response that go on at the same time, in lines.</summary>
    private sealed class Talk : IDisposable
    {
        private readonly Lines _lines = new();
        private HttpResponseMessage _response = null!;
        private StreamReader _reader = null!;

        public static async Task<Talk> BeginAsync(HttpClient client)
        {
            var talk = new Talk();
            var request = new HttpRequestMessage(HttpMethod.Post, "/talk")
            {
                Content = talk._lines,
                Version = client.DefaultRequestVersion,
                VersionPolicy = client.DefaultVersionPolicy,
            };
            talk._response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, WebFarm.Patience());
            talk._reader = new StreamReader(await talk._response.Content.ReadAsStreamAsync(), Encoding.ASCII);
            return talk;
        }

        public async Task<string?> AskAsync(string line)
        {
            await _lines.Writer.WriteAsync(line);
            return await _reader.ReadLineAsync(WebFarm.Patience());
        }

        public async Task<string> EndAsync()
        {
            _lines.Writer.Complete();
            Assert.Null(await _reader.ReadLineAsync(WebFarm.Patience()));
            return Assert.Single(_response.TrailingHeaders.GetValues("said"));
        }

        public void Dispose()
        {
            _lines.Writer.TryComplete();
            _reader.Dispose();
            _response.Dispose();
        }
    }

    /// <summary>A request's body, of lines as they come.</summary>
    private sealed class Lines : HttpContent
    {
        private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();

        public ChannelWriter<string> Writer => _lines.Writer;

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            // The client keeps the request's head back until something is flushed.
            await stream.FlushAsync();
            await foreach (string line in _lines.Reader.ReadAllAsync())
            {
                await stream.WriteAsync(Encoding.ASCII.GetBytes(line + "\n"));
                await stream.FlushAsync();
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
