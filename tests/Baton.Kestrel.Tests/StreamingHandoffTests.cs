using System.Net;
using System.Text;
using Baton.Engine;
using Baton.Engine.Tests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;

namespace Baton.Kestrel.Tests;

/// <summary>Responses that go on at the next node, connections that stay, and what becomes of them when a host stops.</summary>
public sealed class StreamingHandoffTests
{
    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task Server_sent_events_go_on_where_they_stopped()
    {
        await using var farm = await WebFarm.StartAsync(3, Map);
        using var client = farm.Client();
        using var response = await client.GetAsync("/events", HttpCompletionOption.ResponseHeadersRead, WebFarm.Patience());
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());

        int moves = 0;
        var nodes = new HashSet<string>();
        for (int i = 0; i < 300; i++)
        {
            string[] line = (await reader.ReadLineAsync(WebFarm.Patience()))!.Split(' ');
            Assert.Equal($"{i}", line[1]);
            nodes.Add(line[0]);
            if (i % 70 == 40)
            {
                Assert.True((await farm.MoveAsync(moves % 3 + 1, (moves + 1) % 3 + 1)).Moved);
                moves++;
            }
        }

        Assert.Null(await reader.ReadLineAsync(WebFarm.Patience()));
        Assert.Equal(4, moves);
        Assert.Equal(3, nodes.Count);
        Assert.Equal("n2", await client.GetStringAsync("/", WebFarm.Patience()));
        Assert.Empty(farm.Log.Lines);
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task A_download_of_known_length_goes_on_where_it_stopped()
    {
        await using var farm = await WebFarm.StartAsync(2, Map);
        using var client = farm.Client();
        using var response = await client.GetAsync("/file", HttpCompletionOption.ResponseHeadersRead, WebFarm.Patience());
        using var stream = await response.Content.ReadAsStreamAsync();
        Assert.Equal(FileLength, response.Content.Headers.ContentLength);

        byte[] first = new byte[1 << 20];
        await stream.ReadExactlyAsync(first, WebFarm.Patience());
        var moved = await farm.MoveAsync(1, 2);
        Assert.True(moved.Moved, $"{moved} {string.Join('\n', farm.Log.Lines)}");
        byte[] rest = new byte[FileLength - first.Length];
        await stream.ReadExactlyAsync(rest, WebFarm.Patience());

        Assert.Equal(0, await stream.ReadAsync(first, WebFarm.Patience()));
        byte[] whole = [.. first, .. rest];
        Assert.Equal(-1, Array.FindIndex([.. Enumerable.Range(0, FileLength)], at => whole[at] != At(at)));
        Assert.Equal("n2", await client.GetStringAsync("/", WebFarm.Patience()));
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task A_host_that_stops_gives_its_connections_to_the_others()
    {
        await using var farm = await WebFarm.StartAsync(2, Map, options => options.DrainTimeout = TimeSpan.FromSeconds(60));
        var clients = new List<RawClient>();
        for (int i = 0; i < 20; i++)
        {
            var client = await farm.ConnectAsync();
            clients.Add(client);
            await client.SendAsync(Get);
            await client.UntilAsync("\r\n\r\nn1");
        }

        // The first node stays home of its address, so that its engine goes on; only what Kestrel has leaves it.
        var lifecycle = farm.Nodes[0].Services.GetService(typeof(IEnumerable<IHostedService>)) as IEnumerable<IHostedService>;
        await lifecycle!.OfType<IHostedLifecycleService>().Single(s => s is DrainOnStop).StoppingAsync(WebFarm.Patience());
        await farm.UntilEndpointsAsync(1, 0);
        foreach (var client in clients)
        {
            await client.SendAsync(Get);
            Assert.DoesNotContain("close", await client.UntilAsync("\r\n\r\nn2"));
        }
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task A_connection_that_the_target_refuses_goes_on_here()
    {
        await using var farm = await WebFarm.StartAsync(2, Map);
        using var client = await farm.ConnectAsync();
        await client.SendAsync(Get + Get[..12]);
        await client.UntilAsync("\r\n\r\nn1");
        await farm.Nodes[1].StopAsync(WebFarm.Patience());

        var result = await farm.MoveAsync(1, 2);

        Assert.NotEqual(MoveOutcome.Moved, result.Outcome);
        await client.SendAsync(Get[12..]);
        Assert.StartsWith("HTTP/1.1 200 OK", await client.UntilAsync("\r\n\r\nn1"));
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task A_connection_of_http_2_stays()
    {
        await using var farm = await WebFarm.StartAsync(2, Map);
        using var client = await farm.ConnectAsync();
        await client.SendAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        await farm.UntilEndpointsAsync(1, 1);

        var moving = farm.MoveAsync(1, 2);

        Assert.False(moving.IsCompleted);
        Assert.Single(await farm.EngineOf(1).EndpointsAsync());
    }

    private const int FileLength = 8 << 20;

    private const string Get = "GET / HTTP/1.1\r\nHost: farm\r\n\r\n";

    private static byte At(int position) => (byte)(position * 31 >> 3);

    private static void Map(WebApplication app, string node)
    {
        app.MapGet("/", async context =>
        {
            context.Response.ContentLength = node.Length;
            await context.Response.WriteAsync(node);
        });
        app.MapGet("/events", async context =>
        {
            var handoff = context.Features.Get<IHandoffFeature>()!;
            context.Response.ContentType = "text/event-stream";
            for (int i = handoff.GetState(0); i < 300; i++)
            {
                if (handoff.Requested.IsCancellationRequested && context.Response.HasStarted)
                {
                    await handoff.ContinueElsewhereAsync(Encoding.ASCII.GetBytes($"{i}"));
                    return;
                }

                await context.Response.WriteAsync($"{node} {i}\n");
                await context.Response.Body.FlushAsync();
                await Task.Delay(1);
            }
        });
        app.MapGet("/file", async context =>
        {
            var handoff = context.Features.Get<IHandoffFeature>()!;
            int position = handoff.GetState(0);
            context.Response.ContentLength = FileLength - position;
            byte[] part = new byte[4096];
            while (position < FileLength)
            {
                if (handoff.Requested.IsCancellationRequested && context.Response.HasStarted)
                {
                    await handoff.ContinueElsewhereAsync(Encoding.ASCII.GetBytes($"{position}"));
                    return;
                }

                for (int i = 0; i < part.Length; i++)
                {
                    part[i] = At(position + i);
                }

                await context.Response.Body.WriteAsync(part);
                position += part.Length;
            }
        });
    }
}
