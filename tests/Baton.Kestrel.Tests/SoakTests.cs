using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Baton.Engine;
using Baton.Engine.Tests;
using Baton.Kestrel.Tests.Tls;

namespace Baton.Kestrel.Tests;

/// <summary>Good and bad clients of every kind at once, while connections are moved to and fro.</summary>
public sealed class SoakTests
{
    private const string Get = "GET / HTTP/1.1\r\nHost: farm.test\r\n\r\n";
    private const string Post = "POST /read HTTP/1.1\r\nHost: farm.test\r\nContent-Length: 10\r\n\r\n";
    private const int PlainPort = 80;
    private const int TlsPort = 81;
    private const int Rounds = 15;

    private static readonly byte[] s_hello = [22, 3, 1, 0, 4, 1, 0, 0, 0];

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task Good_clients_are_served_among_bad_ones_and_in_the_end_nothing_is_left()
    {
        await using var bad = await BadClients.StartAsync(limits => limits.RequestHeadersTimeout = TimeSpan.FromSeconds(30));
        using var over = new CancellationTokenSource();
        var moves = new StrongBox<int>();
        var moving = MoveAsync(bad.Farm, moves, over.Token);

        // Each kind of client once a round, all at once.
        Func<RawClient, Task>[] plain =
        [
            client => Task.CompletedTask,
            client => client.SendAsync("GE"),
            client => client.SendAsync(Get[..^1]),
            client => client.SendAsync(Post + "half"),
            client => client.SendAsync(Get + "G(T / HTTP/1.1\r\n\r\n"),
            SendTooMuchAsync,
            client => client.SendAsync("GET /mebibyte HTTP/1.1\r\nHost: farm.test\r\n\r\n"),
            client => client.SendAsync(string.Concat(Enumerable.Repeat(Get, 50))),
            client => client.SendAsync(s_hello),
            client => SendBehindHandshakeAsync(client, [0x82, 0xFE]),
            client => SendBehindHandshakeAsync(client, [0x82, 0xFE, 0x7F, 0xFF, 1, 2, 3, 4, 5]),
            client => SendBehindHandshakeAsync(client, [0x82, 0xFF, 0, 0, 1, 0, 0, 0, 0, 0, 1, 2, 3, 4, .. new byte[100_000]]),
            client => SendBehindHandshakeAsync(client, [0x83, 0x80, 0, 0, 0, 0]),
            AskAndCheckAsync,
            TalkAndCheckAsync,
        ];
        Func<RawClient, Task>[] tls =
        [
            client => client.SendAsync(Get),
            client => client.SendAsync(s_hello[..5]),
            client => client.SendAsync(s_hello),
            HandshakeAndVanishAsync,
            AskOverTlsAndCheckAsync,
        ];
        for (int round = 0; round < Rounds; round++)
        {
            bool resets = round % 2 == 0;
            await Task.WhenAll(
            [
                .. plain.Select(kind => RunAsync(bad.Farm, PlainPort, kind, resets)),
                .. tls.Select(kind => RunAsync(bad.Farm, TlsPort, kind, resets)),
            ]);
        }

        await over.CancelAsync();
        await moving;
        await bad.UntilNothingIsLeftAsync();
        Assert.True(Volatile.Read(ref moves.Value) > Rounds, "connections were moved meanwhile");
    }

    private static async Task RunAsync(WebFarm farm, int port, Func<RawClient, Task> kind, bool resets)
    {
        using var client = await farm.ConnectAsync(port);
        await kind(client);
        if (!resets)
        {
            try
            {
                client.Socket.Shutdown(SocketShutdown.Send);
                await client.ToEndAsync();
            }
            catch (SocketException)
            {
                // The server has had enough before.
            }
        }

        client.Socket.LingerState = new(true, 0);
    }

    private static async Task SendTooMuchAsync(RawClient client)
    {
        try
        {
            await client.SendAsync($"GET / HTTP/1.1\r\nBad: {new string('a', 40_000)}\r\n\r\n");
        }
        catch (SocketException)
        {
            // The server has had enough before all of it was sent.
        }
    }

    private static async Task SendBehindHandshakeAsync(RawClient client, byte[] frames)
    {
        await client.SendAsync(RawBytes.HandshakeCases.Good);
        await client.UntilAsync("\r\n\r\n");
        await client.SendAsync(frames);
    }

    private static async Task AskAndCheckAsync(RawClient client)
    {
        for (int i = 0; i < 20; i++)
        {
            await client.SendAsync(i % 2 == 0 ? Get : Post + "0123456789");
            Assert.StartsWith("HTTP/1.1 200 OK\r\n", await client.UntilAsync(i % 2 == 0 ? "hello\r\n0\r\n\r\n" : "read\r\n0\r\n\r\n"));
        }
    }

    private static async Task TalkAndCheckAsync(RawClient client)
    {
        await client.SendAsync(RawBytes.HandshakeCases.Good);
        await client.UntilAsync("\r\n\r\n");
        for (int i = 0; i < 20; i++)
        {
            await client.SendAsync(RawBytes.WebSocketFrame.Frame(RawBytes.WebSocketFrame.Text, "hello"));
            Assert.Equal("\u0081\u0005taken", await client.UntilAsync("taken"));
        }
    }

    private static async Task HandshakeAndVanishAsync(RawClient client) => await TlsClients.HandshakeAsync(client.Stream);

    private static async Task AskOverTlsAndCheckAsync(RawClient client)
    {
        var tls = await TlsClients.HandshakeAsync(client.Stream);
        for (int i = 0; i < 20; i++)
        {
            Assert.StartsWith("HTTP/1.1 200 OK\r\n", await TlsClients.AskAsync(tls, Get, "hello\r\n0\r\n\r\n"));
        }
    }

    /// <summary>Moves connections to and fro, and counts how often one has moved.</summary>
    private static async Task MoveAsync(WebFarm farm, StrongBox<int> moves, CancellationToken over)
    {
        while (!over.IsCancellationRequested)
        {
            foreach (int from in (int[])[1, 2])
            {
                // One that is in the middle of something moves later, or has moved when it is asked for again.
                var asked = (await farm.EngineOf(from).EndpointsAsync()).Select(endpoint => MoveAsync(farm.EngineOf(from), endpoint.Id, $"n{3 - from}", moves));
                await Task.WhenAny(Task.WhenAll(asked), Task.Delay(20, CancellationToken.None));
            }

            await Task.Yield();
        }
    }

    private static async Task MoveAsync(BatonEngine engine, Baton.Wire.EndpointId id, string target, StrongBox<int> moves)
    {
        try
        {
            if ((await engine.MoveAsync(id, target, WebFarm.Patience())).Moved)
            {
                Interlocked.Increment(ref moves.Value);
            }
        }
        catch (Exception ended) when (ended is BatonException or OperationCanceledException)
        {
            // It has ended before it could move.
        }
    }
}
