using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Baton.Engine.Tests;

/// <summary>The asynchronous API on real threads, TAP devices and the kernel's TCP as the client.</summary>
[Collection(nameof(Alone))]
public sealed class SocketTests
{
    private static readonly BatonEndPoint Tcp = new("tcp");

    [Fact(Skip = KernelFarm.RootOnly, SkipUnless = nameof(KernelFarm.IsRoot), SkipType = typeof(KernelFarm))]
    public async Task A_kernel_client_is_echoed_until_it_closes()
    {
        await using var farm = await KernelFarm.StartAsync(1);
        await using var listener = await farm.Nodes[0].BindAsync(Tcp, "echo");
        using var client = await farm.ConnectAsync();
        await using var connection = await listener.AcceptAsync(Patience());
        var echo = EchoAsync(connection);

        await client.SendAsync(Encoding.ASCII.GetBytes("hello"));
        byte[] buffer = new byte[100];
        Assert.Equal("hello", Encoding.ASCII.GetString(buffer, 0, await client.ReceiveAsync(buffer, Patience())));
        client.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, await client.ReceiveAsync(buffer, Patience()));
        await echo;
    }

    [Fact(Skip = KernelFarm.RootOnly, SkipUnless = nameof(KernelFarm.IsRoot), SkipType = typeof(KernelFarm))]
    public async Task A_connection_is_handed_off_while_a_kernel_client_downloads()
    {
        await using var farm = await KernelFarm.StartAsync(3);
        const int Total = 64 << 20;
        var servers = farm.Nodes.Select(async node =>
        {
            await using var listener = await node.BindAsync(Tcp, "stream");
            while (true)
            {
                var connection = await listener.AcceptAsync(Patience());
                if (await StreamAsync(connection, Total))
                {
                    return;
                }
            }
        }).ToArray();
        using var client = await farm.ConnectAsync();

        byte[] buffer = new byte[256 << 10];
        long received = 0;
        int at = 0;
        while (await client.ReceiveAsync(buffer, Patience()) is > 0 and var length)
        {
            for (int i = 0; i < length; i++)
            {
                Assert.Equal((byte)((received + i) * 31 >> 3), buffer[i]);
            }

            received += length;
            if (received > Total / 4 * (at + 1) && at < 3)
            {
                var endpoint = Assert.Single(await farm.Nodes[at % 3].EndpointsAsync());
                var moved = await farm.Nodes[at % 3].MoveAsync(endpoint.Id, $"n{(at + 1) % 3 + 1}");
                Assert.True(moved.Moved, moved.ToString());
                at++;
            }
        }

        Assert.Equal(Total, received);
        Assert.Equal(3, at);
        await Task.WhenAny(servers);
    }

    [Fact(Skip = KernelFarm.RootOnly, SkipUnless = nameof(KernelFarm.IsRoot), SkipType = typeof(KernelFarm))]
    public async Task A_cancelled_receive_has_consumed_nothing()
    {
        await using var farm = await KernelFarm.StartAsync(1);
        await using var listener = await farm.Nodes[0].BindAsync(Tcp, "echo");
        using var client = await farm.ConnectAsync();
        await using var connection = await listener.AcceptAsync(Patience());
        byte[] buffer = new byte[16];
        using var cancellation = new CancellationTokenSource();

        var receive = connection.ReceiveAsync(buffer, cancellation.Token);
        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await receive);
        await client.SendAsync(new byte[] { 1, 2, 3 });
        Assert.Equal(3, await connection.ReceiveAsync(buffer, Patience()));
    }

    [Fact(Skip = KernelFarm.RootOnly, SkipUnless = nameof(KernelFarm.IsRoot), SkipType = typeof(KernelFarm))]
    public async Task A_detached_endpoint_is_attached_again_and_nothing_is_lost()
    {
        await using var farm = await KernelFarm.StartAsync(1);
        await using var listener = await farm.Nodes[0].BindAsync(Tcp, "first");
        using var client = await farm.ConnectAsync();
        var first = await listener.AcceptAsync(Patience());
        await client.SendAsync("abcdef"u8.ToArray());
        byte[] buffer = new byte[16];
        Assert.Equal(6, await first.PeekAsync(buffer, 6, Patience()));
        await first.AdvanceAsync(2);

        var id = await first.DetachAsync("note"u8.ToArray(), unread: "x"u8.ToArray());
        Assert.True((await farm.Nodes[0].FindAsync(id))!.IsUnattached);
        await Assert.ThrowsAsync<EndpointLeftException>(async () => await first.ReceiveAsync(buffer));
        await using var second = await farm.Nodes[0].AttachAsync(id, "second");

        Assert.True(second.HandedOver);
        Assert.Equal("note", Encoding.ASCII.GetString(second.Context.Span));
        Assert.Equal(5, await second.ReceiveAsync(buffer, Patience()));
        Assert.Equal("xcdef", Encoding.ASCII.GetString(buffer, 0, 5));
        await second.SendAllAsync("done"u8.ToArray());
        Assert.Equal(4, await client.ReceiveAsync(buffer, Patience()));
    }

    [Fact(Skip = KernelFarm.RootOnly, SkipUnless = nameof(KernelFarm.IsRoot), SkipType = typeof(KernelFarm))]
    public async Task A_datagram_flow_moves_with_its_kernel_client()
    {
        await using var farm = await KernelFarm.StartAsync(2);
        await using var here = await farm.Nodes[0].BindDatagramAsync(new BatonEndPoint("udp"), "echo");
        await using var there = await farm.Nodes[1].BindDatagramAsync(new BatonEndPoint("udp"), "echo");
        using var client = farm.ConnectUdp();
        byte[] buffer = new byte[100];

        await client.SendAsync("one"u8.ToArray());
        var first = await here.AcceptAsync(Patience());
        Assert.Equal(3, await first.ReceiveAsync(buffer, Patience()));
        await first.SendAsync("1"u8.ToArray(), Patience());
        Assert.Equal(1, await client.ReceiveAsync(buffer, Patience()));
        await client.SendAsync("two"u8.ToArray());
        var result = await first.HandOffAsync("n2", "context"u8.ToArray(), Patience());
        Assert.True(result.Moved, result.ToString());

        await using var second = await there.AcceptAsync(Patience());
        Assert.Equal("context", Encoding.ASCII.GetString(second.Context.Span));
        Assert.Equal("n1", second.HandedOverFrom);
        Assert.Equal(3, await second.ReceiveAsync(buffer, Patience()));
        Assert.Equal("two", Encoding.ASCII.GetString(buffer, 0, 3));
        await second.SendAsync("2"u8.ToArray(), Patience());
        Assert.Equal(1, await client.ReceiveAsync(buffer, Patience()));
    }

    [Fact(Skip = KernelFarm.RootOnly, SkipUnless = nameof(KernelFarm.IsRoot), SkipType = typeof(KernelFarm))]
    public async Task The_engine_connects_to_a_kernel_server_and_says_when_it_is_refused()
    {
        await using var farm = await KernelFarm.StartAsync(1);
        using var server = farm.Listen(7777);

        await using var connection = await farm.Nodes[0].ConnectAsync(new IPEndPoint(IPAddress.Parse("198.51.100.200"), 7777), "client", Patience());
        using var accepted = await server.AcceptAsync(Patience());
        await connection.SendAllAsync("hi"u8.ToArray(), Patience());
        Assert.Equal(2, await accepted.ReceiveAsync(new byte[10], Patience()));

        var refused = await Assert.ThrowsAsync<BatonException>(async () =>
            await farm.Nodes[0].ConnectAsync(new IPEndPoint(IPAddress.Parse("198.51.100.200"), 7778), "client", Patience()));
        Assert.Contains("refused", refused.Message, StringComparison.Ordinal);
    }

    [Fact(Skip = KernelFarm.RootOnly, SkipUnless = nameof(KernelFarm.IsRoot), SkipType = typeof(KernelFarm))]
    public async Task Members_answer_queries()
    {
        await using var farm = await KernelFarm.StartAsync(2);
        farm.Nodes[1].OnQuery = (from, request, _) => new(Encoding.ASCII.GetBytes($"{from.Name} {request.Length}"));

        var answer = await farm.Nodes[0].QueryAsync("n2", new byte[100_000], Patience());

        Assert.Equal("n1 100000", Encoding.ASCII.GetString(answer.Span));
        await Assert.ThrowsAsync<BatonException>(async () => await farm.Nodes[1].QueryAsync("n1", default, Patience()));
    }

    private static CancellationToken Patience() => new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token;

    private static async Task EchoAsync(Connection connection)
    {
        byte[] buffer = new byte[1024];
        while (await connection.ReceiveAsync(buffer, Patience()) is > 0 and var length)
        {
            await connection.SendAllAsync(buffer.AsMemory(0, length), Patience());
        }

        await connection.ShutdownAsync();
    }

    /// <summary>Sends a known stream from where the context says on; true when it is at its end, false when it was handed off.</summary>
    private static async Task<bool> StreamAsync(Connection connection, long total)
    {
        long sent = connection.HandedOver ? BitConverter.ToInt64(connection.Context.Span) : 0;
        byte[] buffer = new byte[64 << 10];
        while (sent < total)
        {
            int length = (int)Math.Min(buffer.Length, total - sent);
            for (int i = 0; i < length; i++)
            {
                buffer[i] = (byte)((sent + i) * 31 >> 3);
            }

            try
            {
                sent += await connection.SendAsync(buffer.AsMemory(0, length), connection.MoveRequested);
            }
            catch (OperationCanceledException)
            {
                await connection.HandOffAsync(connection.RequestedMove!.Target, BitConverter.GetBytes(sent));
                return false;
            }
        }

        await connection.DisposeAsync();
        return true;
    }
}
