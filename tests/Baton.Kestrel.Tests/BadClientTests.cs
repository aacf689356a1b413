using System.Net.Sockets;
using Baton.Engine;
using Baton.Engine.Tests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Baton.Kestrel.Tests;

/// <summary>
/// Clients that are slow, lie or vanish: what becomes of each is as over sockets, a move does not help them, and nothing
/// of them is left. What they may say in one piece is in the tables of raw bytes.
/// </summary>
public sealed class BadClientTests
{
    private const string Handshake = RawBytes.HandshakeCases.Good;
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(1.1);

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task A_head_that_comes_a_byte_at_a_time_is_answered_408_after_its_time()
    {
        await using var bad = await BadClients.StartAsync(limits => limits.RequestHeadersTimeout = s_limit);
        using var client = await bad.Farm.ConnectAsync();

        string answer = await DripAsync(client, "GET / HTTP/1.1\r\n", "Bad: bad\r\n");

        Assert.StartsWith("HTTP/1.1 408 Request Timeout\r\n", answer);
        await bad.UntilNothingIsLeftAsync();
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task A_move_in_the_middle_of_a_slow_head_gives_its_client_no_more_than_the_time_once_again()
    {
        await using var bad = await BadClients.StartAsync(limits => limits.RequestHeadersTimeout = s_limit, onlySecond: true);
        using var client = await bad.Farm.ConnectAsync();
        await client.SendAsync("GET / HTTP/1.1\r\nBad: ");

        Assert.True((await bad.Farm.MoveAsync(1, 2)).Moved);
        string answer = await DripAsync(client, "bad\r\n", "Bad: bad\r\n");

        Assert.StartsWith("HTTP/1.1 408 Request Timeout\r\n", answer);
        await bad.UntilNothingIsLeftAsync();
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task A_body_that_comes_too_slowly_is_answered_408()
    {
        await using var bad = await BadClients.StartAsync(limits => limits.MinRequestBodyDataRate = new(1e6, s_limit));
        using var client = await bad.Farm.ConnectAsync();

        string answer = await DripAsync(client, "POST /read HTTP/1.1\r\nHost: farm\r\nContent-Length: 1000000\r\n\r\n", "bad");

        Assert.StartsWith("HTTP/1.1 408 Request Timeout\r\n", answer);
        await bad.UntilNothingIsLeftAsync();
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task A_client_that_does_not_take_its_answer_is_reset_and_the_handler_ends()
    {
        await using var bad = await BadClients.StartAsync(limits => limits.MinResponseDataRate = new(1e6, s_limit));
        using var client = await bad.Farm.ConnectAsync();

        await client.SendAsync("GET /endless HTTP/1.1\r\nHost: farm\r\n\r\n");

        await bad.EndlessEnded.Task.WaitAsync(WebFarm.Patience());
        await Assert.ThrowsAnyAsync<SocketException>(client.ToEndAsync);
        await bad.UntilNothingIsLeftAsync();
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task A_kept_alive_connection_that_asks_for_nothing_is_closed_after_its_time_wherever_it_is()
    {
        await using var bad = await BadClients.StartAsync(limits => limits.KeepAliveTimeout = s_limit, onlySecond: true);
        using var stays = await bad.Farm.ConnectAsync();
        await stays.SendAsync("GET / HTTP/1.1\r\nHost: farm\r\n\r\n");
        await stays.UntilAsync("0\r\n\r\n");
        Assert.True((await bad.Farm.MoveAsync(1, 2)).Moved);

        Assert.Empty(await stays.ToEndAsync());
        stays.Socket.LingerState = new(true, 0);
        stays.Dispose();
        await bad.UntilNothingIsLeftAsync();
    }

    [Theory(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    [InlineData(1L << 40)]
    [InlineData(long.MaxValue)]
    [InlineData(60_000L)]
    public async Task A_frame_that_announces_more_than_it_has_holds_no_more_than_what_came_and_ends_with_its_client(long announced)
    {
        await using var bad = await BadClients.StartAsync(_ => { });
        using var client = await bad.Farm.ConnectAsync();
        await client.SendAsync(Handshake);
        await client.UntilAsync("\r\n\r\n");
        byte[] length = BitConverter.GetBytes(announced);
        Array.Reverse(length);

        // The application takes a long frame in parts; one that could be whole soon waits for its end.
        await client.SendAsync((byte[])[0x82, 0xFF, .. length, 0, 0, 0, 0]);
        int sent = (int)Math.Min(announced - 1, 4 << 20);
        for (int at = 0; at < sent; at += 32_768)
        {
            await client.SendAsync(new byte[Math.Min(32_768, sent - at)]);
        }

        if (announced > 65_536)
        {
            var patience = WebFarm.Patience();
            while (Volatile.Read(ref bad.WebSocketBytes) < sent)
            {
                await Task.Delay(5, patience);
            }
        }

        Assert.InRange(bad.Pool.Rented, 0, 200);
        client.Socket.LingerState = new(true, 0);
        client.Dispose();
        await bad.UntilNothingIsLeftAsync();
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task Clients_that_reset_in_the_middle_of_a_handoff_leave_nothing_at_either_node()
    {
        await using var bad = await BadClients.StartAsync(_ => { });
        for (int round = 0; round < 40; round++)
        {
            using var client = await bad.Farm.ConnectAsync();
            await client.SendAsync(round % 3 == 0 ? Handshake : "GET / HTTP/1.1\r\nHost: farm\r\n\r\nGET / HTTP");
            await client.UntilAsync(round % 3 == 0 ? "\r\n\r\n" : "hello");
            client.Socket.LingerState = new(true, 0);
            var endpoint = (await bad.Farm.EngineOf(1).EndpointsAsync()).Single(e => e.Flow.Tuple.RemotePort == client.Port);
            var moving = bad.Farm.EngineOf(1).MoveAsync(endpoint.Id, "n2", WebFarm.Patience()).AsTask();

            // From before the handoff's first message to after its last.
            Thread.SpinWait(round * 2000);
            client.Dispose();
            try
            {
                await moving;
            }
            catch (BatonException)
            {
                // It ended before it could move.
            }
        }

        await bad.UntilNothingIsLeftAsync();
    }

    /// <summary>Sends <paramref name="first"/>, then a byte of <paramref name="rest"/> every 20 ms until the server answers; sees it close.</summary>
    private static async Task<string> DripAsync(RawClient client, string first, string rest)
    {
        await client.SendAsync(first);
        var answer = client.UntilAsync("\r\n\r\n");
        for (int at = 0; !answer.IsCompleted; at++)
        {
            try
            {
                await client.SendAsync([(byte)rest[at % rest.Length]]);
            }
            catch (SocketException)
            {
                // The byte before has met a closed connection; its answer was there before that.
                break;
            }

            await Task.WhenAny(answer, Task.Delay(20));
        }

        try
        {
            Assert.Empty(await client.ToEndAsync());
        }
        catch (SocketException)
        {
            // The last byte has met a closed connection.
        }

        client.Socket.LingerState = new(true, 0);
        client.Dispose();
        return await answer;
    }
}
