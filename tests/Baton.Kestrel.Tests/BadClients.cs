using System.Net.WebSockets;
using Baton.Engine;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Baton.Kestrel.Tests;

/// <summary>Two nodes that count what they hold, and an application that is there to be misused: HTTP at port 80, HTTPS at port 81.</summary>
internal sealed class BadClients : IAsyncDisposable
{
    /// <summary>Bytes that WebSockets' handlers have received.</summary>
    public long WebSocketBytes;

    private BadClients()
    {
    }

    public WebFarm Farm { get; private set; } = null!;

    public CountingPool Pool { get; } = new();

    /// <summary>Set when a handler that writes without an end was ended.</summary>
    public TaskCompletionSource EndlessEnded { get; } = new();

    /// <param name="configure">Sets the limits of both nodes, or of the second alone.</param>
    /// <param name="onlySecond">So that nothing is late at the first, whatever else the machine does, before a connection has moved.</param>
    public static async Task<BadClients> StartAsync(Action<KestrelServerLimits> configure, bool onlySecond = false)
    {
        var bad = new BadClients();
        int node = 0;
        bad.Farm = await WebFarm.StartAsync(2, bad.Map, options => options.MemoryPoolFactory = () => bad.Pool, kestrel: kestrel =>
        {
            if (++node == 2 || !onlySecond)
            {
                configure(kestrel.Limits);
            }

            kestrel.Listen(new BatonEndPoint("h2"), listen => listen.UseBatonTls(Tls.TestCertificates.Server));
        });
        return bad;
    }

    /// <summary>Waits until both nodes have no endpoint, no byte in a queue, no lent and no pooled buffer.</summary>
    public async Task UntilNothingIsLeftAsync()
    {
        foreach (int node in (int[])[1, 2])
        {
            await Farm.UntilEndpointsAsync(node, 0);
            var patience = WebFarm.Patience();
            while (await Farm.EngineOf(node).CountersAsync() is { QueuedBytes: not 0 } or { LentBuffers: not 0 })
            {
                await Task.Delay(5, patience);
            }
        }

        await Pool.UntilNoneIsRentedAsync();
    }

    public ValueTask DisposeAsync() => Farm.DisposeAsync();

    private void Map(WebApplication app, string node)
    {
        app.UseWebSockets();
        app.MapGet("/", context => context.Response.WriteAsync("hello"));
        app.MapGet("/mebibyte", context => context.Response.Body.WriteAsync(new byte[1 << 20]).AsTask());
        app.MapPost("/read", async context =>
        {
            await context.Request.Body.CopyToAsync(Stream.Null);
            await context.Response.WriteAsync("read");
        });
        app.MapGet("/endless", async context =>
        {
            try
            {
                while (true)
                {
                    await context.Response.Body.WriteAsync(new byte[65_536], context.RequestAborted);
                }
            }
            finally
            {
                EndlessEnded.TrySetResult();
            }
        });
        app.Map("/ws", ReceiveAsync);
    }

    private async Task ReceiveAsync(HttpContext context)
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        byte[] buffer = new byte[8192];
        while (true)
        {
            try
            {
                var part = await socket.ReceiveAsync(buffer.AsMemory(), default);
                Interlocked.Add(ref WebSocketBytes, part.Count);
                if (part.MessageType == WebSocketMessageType.Close)
                {
                    await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, default);
                    return;
                }

                if (part.EndOfMessage)
                {
                    await socket.SendAsync("taken"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, default);
                }
            }
            catch (WebSocketException)
            {
                return;
            }
        }
    }
}
