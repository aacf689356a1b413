using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Baton.Engine.Tests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Baton.Kestrel.Tests;

/// <summary>A WebSocket moves between two messages; its handler's state goes along, and the client notices nothing.</summary>
public sealed class WebSocketHandoffTests
{
    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task Messages_are_counted_on_across_the_nodes()
    {
        await using var farm = await WebFarm.StartAsync(3, Map);
        using var socket = await farm.WebSocketAsync("/count");

        Assert.Equal("n1 1 a", await AskAsync(socket, "a"));
        Assert.True((await farm.MoveAsync(1, 2)).Moved);
        Assert.Equal("n2 2 b", await AskAsync(socket, "b"));
        Assert.True((await farm.MoveAsync(2, 3)).Moved);
        Assert.Equal("n3 3 c", await AskAsync(socket, "c"));
        Assert.True((await farm.MoveAsync(3, 1)).Moved);
        Assert.Equal("n1 4 d", await AskAsync(socket, "d"));
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "done", WebFarm.Patience());

        Assert.Equal(WebSocketCloseStatus.NormalClosure, socket.CloseStatus);
        Assert.Empty(farm.Log.Lines);
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task Messages_on_their_way_during_moves_arrive_once_and_in_order()
    {
        await using var farm = await WebFarm.StartAsync(2, Map);
        using var socket = await farm.WebSocketAsync("/count");
        const int Messages = 400;
        var sending = Task.Run(async () =>
        {
            for (int i = 0; i < Messages; i++)
            {
                // Long ones come in several segments and fragments.
                string text = i % 10 == 0 ? $"{i} {new string('x', 20_000)}" : $"{i}";
                byte[] bytes = Encoding.UTF8.GetBytes(text);
                int half = bytes.Length / 2;
                await socket.SendAsync(bytes.AsMemory(0, half), WebSocketMessageType.Text, false, WebFarm.Patience());
                await socket.SendAsync(bytes.AsMemory(half), WebSocketMessageType.Text, true, WebFarm.Patience());
            }
        });
        int moves = 0;
        for (int i = 0; i < Messages; i++)
        {
            string[] answer = (await ReceiveAsync(socket)).Split(' ');
            Assert.Equal($"{i + 1}", answer[1]);
            Assert.Equal($"{i}", answer[2]);
            if (i % 50 == 25)
            {
                Assert.True((await farm.MoveAsync(moves % 2 + 1, 2 - moves % 2)).Moved);
                moves++;
            }
        }

        await sending;
        Assert.Equal(8, moves);
        Assert.Empty(farm.Log.Lines);
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task What_the_server_sends_by_itself_during_moves_arrives_once_and_in_order()
    {
        await using var farm = await WebFarm.StartAsync(2, Map);
        using var socket = await farm.WebSocketAsync("/tick");
        int moves = 0;
        for (int i = 0; i < 300; i++)
        {
            Assert.Equal($"{i}", (await ReceiveAsync(socket)).Split(' ')[1]);
            if (i % 60 == 30)
            {
                Assert.True((await farm.MoveAsync(moves % 2 + 1, 2 - moves % 2)).Moved);
                moves++;
            }
        }

        Assert.Equal(5, moves);
        Assert.Empty(farm.Log.Lines);
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task A_message_of_which_the_client_sends_half_waits_at_the_next_node_for_its_rest()
    {
        await using var farm = await WebFarm.StartAsync(2, Map);
        using var client = await farm.ConnectAsync();
        await client.SendAsync(
            "GET /count HTTP/1.1\r\nHost: farm\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 101", await client.UntilAsync("\r\n\r\n"));

        byte[] frame = [0x81, 0x85, 0, 0, 0, 0, .. "hello"u8];
        await client.SendAsync(frame[..8]);
        await Task.Delay(50);
        Assert.True((await farm.MoveAsync(1, 2)).Moved);
        await client.SendAsync(frame[8..]);

        Assert.Equal("\u0081\u000An2 1 hello", await client.UntilAsync("hello"));
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task A_socket_whose_compression_remembers_earlier_messages_stays()
    {
        await using var farm = await WebFarm.StartAsync(2, Map);
        var withContext = new WebSocketDeflateOptions();
        var without = new WebSocketDeflateOptions { ServerContextTakeover = false, ClientContextTakeover = false };
        using (var socket = await farm.WebSocketAsync("/count", o => o.DangerousDeflateOptions = without))
        {
            Assert.Equal("n1 1 a", await AskAsync(socket, "a"));
            Assert.True((await farm.MoveAsync(1, 2)).Moved);
            Assert.Equal("n2 2 b", await AskAsync(socket, "b"));
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, WebFarm.Patience());
        }

        using (var socket = await farm.WebSocketAsync("/count", o => o.DangerousDeflateOptions = withContext))
        {
            Assert.Equal("n1 1 a", await AskAsync(socket, "a"));
            var moving = farm.MoveAsync(1, 2);
            Assert.Equal("n1 2 b", await AskAsync(socket, "b"));
            Assert.False(moving.IsCompleted);
        }
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task A_node_that_answers_the_upgrade_otherwise_resets_the_connection()
    {
        await using var farm = await WebFarm.StartAsync(2, (app, node) =>
        {
            if (node == "n1")
            {
                Map(app, node);
            }
        });
        using var socket = await farm.WebSocketAsync("/count");
        Assert.Equal("n1 1 a", await AskAsync(socket, "a"));

        Assert.True((await farm.MoveAsync(1, 2)).Moved);

        await Assert.ThrowsAsync<WebSocketException>(() => ReceiveAsync(socket));
        Assert.Contains("answered with 101 before and with 404 here", Assert.Single(farm.Log.Lines));
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task A_handler_that_ends_without_reading_the_farewell_leaves_none_of_it_to_the_next()
    {
        await using var farm = await WebFarm.StartAsync(2, (app, node) =>
        {
            app.UseWebSockets();
            app.Map("/count", context => node == "n1" ? LeaveAsync(context) : CountAsync(context, node));
        });
        using var socket = await farm.WebSocketAsync("/count");

        Assert.True((await farm.MoveAsync(1, 2)).Moved);

        Assert.Equal("n2 42 a", await AskAsync(socket, "a"));

        // RFC 6455 §4.2.2 by hand. It looks once whether something has come, with a buffer too small for the farewell, and ends.
        static async Task LeaveAsync(HttpContext context)
        {
            var handoff = context.Features.Get<IHandoffFeature>()!;
            string key = context.Request.Headers.SecWebSocketKey + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
            context.Response.Headers.Upgrade = "websocket";
            context.Response.Headers.Connection = "Upgrade";
#pragma warning disable CA5350 // The handshake is made of SHA-1.
            context.Response.Headers.SecWebSocketAccept = Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key)));
#pragma warning restore CA5350
            var stream = await context.Features.Get<IHttpUpgradeFeature>()!.UpgradeAsync();
            _ = await stream.ReadAsync(new byte[1], context.RequestAborted);
            handoff.SetState(41);
        }
    }

    private static async Task<string> AskAsync(WebSocket socket, string text)
    {
        await socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, true, WebFarm.Patience());
        return await ReceiveAsync(socket);
    }

    private static async Task<string> ReceiveAsync(WebSocket socket)
    {
        byte[] buffer = new byte[64 << 10];
        int length = 0;
        while (true)
        {
            var part = await socket.ReceiveAsync(buffer.AsMemory(length), WebFarm.Patience());
            Assert.NotEqual(WebSocketMessageType.Close, part.MessageType);
            length += part.Count;
            if (part.EndOfMessage)
            {
                return Encoding.UTF8.GetString(buffer, 0, length);
            }
        }
    }

    private static void Map(WebApplication app, string node)
    {
        app.UseWebSockets();
        app.Map("/count", context => CountAsync(context, node));
        app.Map("/tick", context => TickAsync(context, node));
    }

    /// <summary>Answers each message with its number.</summary>
    internal static async Task CountAsync(HttpContext context, string node)
    {
        var handoff = context.Features.Get<IHandoffFeature>()!;
        int count = handoff.GetState(0);
        bool compress = context.Request.Headers.SecWebSocketExtensions.Count > 0;
        bool remember = !context.Request.Headers.SecWebSocketExtensions.ToString().Contains("no_context", StringComparison.Ordinal);
        using var socket = await context.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext
        {
            DangerousEnableCompression = compress,
            DisableServerContextTakeover = !remember,
        });
        byte[] buffer = new byte[64 << 10];
        int length = 0;
        while (true)
        {
            var part = await socket.ReceiveAsync(buffer.AsMemory(length), context.RequestAborted);
            if (part.MessageType == WebSocketMessageType.Close)
            {
                break;
            }

            length += part.Count;
            if (part.EndOfMessage)
            {
                string text = $"{node} {++count} {Encoding.UTF8.GetString(buffer, 0, length)}";
                await socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, true, context.RequestAborted);
                length = 0;
            }
        }

        handoff.SetState(count);
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, context.RequestAborted);
    }

    /// <summary>Sends numbers by itself until the client, or a move, ends it.</summary>
    private static async Task TickAsync(HttpContext context, string node)
    {
        var handoff = context.Features.Get<IHandoffFeature>()!;
        int count = handoff.GetState(0);
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        var closing = socket.ReceiveAsync(new byte[100], CancellationToken.None);
        while (!closing.IsCompleted)
        {
            await socket.SendAsync(Encoding.UTF8.GetBytes($"{node} {count++}"), WebSocketMessageType.Text, true, context.RequestAborted);
            await Task.Delay(1);
        }

        handoff.SetState(count);
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, context.RequestAborted);
    }
}
