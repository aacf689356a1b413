using System.Net;
using Baton.Engine.Tests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Baton.Kestrel.Tests;

/// <summary>An HTTP/1.1 connection moves between two requests and nothing extra is on the wire.</summary>
public sealed class Http11HandoffTests
{
    private const string Get = "GET / HTTP/1.1\r\nHost: farm\r\n\r\n";

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task A_kept_alive_connection_is_answered_by_each_node_it_moves_to()
    {
        await using var farm = await WebFarm.StartAsync(3, Map);
        using var client = await farm.ConnectAsync();

        await client.SendAsync(Get);
        Assert.EndsWith("\r\n\r\nn1", await client.UntilAsync("\r\n\r\nn1"));
        for (int from = 1; from <= 3; from++)
        {
            int to = from % 3 + 1;
            Assert.True((await farm.MoveAsync(from, to)).Moved);
            await client.SendAsync(Get);
            string answer = await client.UntilAsync($"\r\n\r\nn{to}");
            Assert.StartsWith("HTTP/1.1 200 OK\r\n", answer);
            Assert.DoesNotContain("close", answer);
        }

        Assert.Empty(farm.Log.Lines);
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task A_connection_that_has_said_nothing_yet_moves()
    {
        await using var farm = await WebFarm.StartAsync(2, Map);
        using var client = await farm.ConnectAsync();
        await farm.UntilEndpointsAsync(1, 1);

        Assert.True((await farm.MoveAsync(1, 2)).Moved);
        await client.SendAsync(Get);

        Assert.EndsWith("n2", await client.UntilAsync("\r\n\r\nn2"));
    }

    [Theory(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(10)]
    [InlineData(17)]
    [InlineData(25)]
    [InlineData(29)]
    public async Task Half_a_head_is_read_again_by_the_next_node(int sent)
    {
        await using var farm = await WebFarm.StartAsync(2, Map);
        using var client = await farm.ConnectAsync();
        await client.SendAsync(Get);
        await client.UntilAsync("\r\n\r\nn1");

        await client.SendAsync(Get[..sent]);
        await Task.Delay(50);
        Assert.True((await farm.MoveAsync(1, 2)).Moved);
        await client.SendAsync(Get[sent..]);

        string answer = await client.UntilAsync("\r\n\r\nn2");
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", answer);
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task Pipelined_requests_are_each_answered_once_and_in_order_whoever_answers()
    {
        await using var farm = await WebFarm.StartAsync(2, Map);
        using var client = await farm.ConnectAsync();
        string requests = string.Concat(Enumerable.Range(0, 20).Select(i => $"GET /slow?{i} HTTP/1.1\r\nHost: farm\r\n\r\n"));

        await client.SendAsync(requests);
        await client.UntilAsync("?3 by n1");
        Assert.True((await farm.MoveAsync(1, 2)).Moved);
        for (int i = 4; i < 20; i++)
        {
            string answer = await client.UntilAsync($"?{i} by n");
            Assert.Equal(1, answer.Split("HTTP/1.1 200 OK").Length - 1);
        }

        await client.UntilAsync("2");
        Assert.Empty(farm.Log.Lines);
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task A_request_that_runs_is_answered_before_the_connection_moves_with_the_body_it_left_unread()
    {
        await using var farm = await WebFarm.StartAsync(2, Map);
        using var client = await farm.ConnectAsync();

        await client.SendAsync("POST /unread HTTP/1.1\r\nHost: farm\r\nContent-Length: 10\r\n\r\n01234");
        await client.UntilAsync("unread by n1");
        var moving = farm.MoveAsync(1, 2);
        await Task.Delay(50);
        Assert.False(moving.IsCompleted);
        await client.SendAsync("56789" + Get);

        Assert.True((await moving).Moved);
        string answer = await client.UntilAsync("\r\n\r\nn2");
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", answer);
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task A_client_of_dot_net_posts_and_gets_across_moves()
    {
        await using var farm = await WebFarm.StartAsync(2, Map);
        using var client = farm.Client();
        byte[] body = new byte[300_000];
        new Random(7).NextBytes(body);

        for (int i = 0; i < 6; i++)
        {
            int at = i % 2 + 1;
            var response = await client.PostAsync("/echo", new ByteArrayContent(body), WebFarm.Patience());
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.Equal($"n{at}", Assert.Single(response.Headers.GetValues("Node")));
            Assert.Equal(body, await response.Content.ReadAsByteArrayAsync());
            Assert.True((await farm.MoveAsync(at, 3 - at)).Moved);
        }
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task A_connection_that_its_client_closes_is_closed_and_one_in_a_request_tells_the_handler()
    {
        var aborted = new TaskCompletionSource();
        await using var farm = await WebFarm.StartAsync(1, (app, node) =>
        {
            app.MapGet("/", context => SayAsync(context, node));
            app.MapGet("/wait", async context =>
            {
                context.RequestAborted.Register(aborted.SetResult);
                await context.Response.WriteAsync("waiting");
                await Task.Delay(Timeout.Infinite, context.RequestAborted);
            });
        });
        using (var client = await farm.ConnectAsync())
        {
            await client.SendAsync("GET / HTTP/1.1\r\nHost: farm\r\nConnection: close\r\n\r\n");
            Assert.Contains("\r\n\r\nn1", await client.ToEndAsync());
        }

        using (var client = await farm.ConnectAsync())
        {
            await client.SendAsync("GET /wait HTTP/1.1\r\nHost: farm\r\n\r\n");
            await client.UntilAsync("waiting");
        }

        await aborted.Task.WaitAsync(WebFarm.Patience());
    }

    private static void Map(WebApplication app, string node)
    {
        app.MapGet("/", context => SayAsync(context, node));
        app.MapGet("/slow", async context =>
        {
            await Task.Delay(20);
            await SayAsync(context, $"{context.Request.QueryString} by {node}");
        });
        app.MapPost("/unread", context => SayAsync(context, $"unread by {node}"));
        app.MapPost("/echo", async context =>
        {
            context.Response.Headers["Node"] = node;
            await context.Request.Body.CopyToAsync(context.Response.Body);
        });
    }

    private static async Task SayAsync(HttpContext context, string text)
    {
        context.Response.ContentLength = text.Length;
        await context.Response.WriteAsync(text);
    }
}
