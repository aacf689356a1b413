using System.Net.Sockets;
using Baton.Link;

namespace Baton.Engine.Tests;

/// <summary>Nodes of several shards on real threads and devices of several queues, with the kernel's TCP as the client.</summary>
[Collection(nameof(Alone))]
public sealed class ShardSocketTests
{
    private static readonly BatonEndPoint Tcp = new("tcp");

    [Theory(Skip = KernelFarm.RootOnly, SkipUnless = nameof(KernelFarm.IsRoot), SkipType = typeof(KernelFarm))]
    [InlineData(LinkKind.Tap, 2)]
    [InlineData(LinkKind.Tap, 4)]
    [InlineData(LinkKind.Packet, 2)]
    [InlineData(LinkKind.Packet, 4)]
    [InlineData(LinkKind.Xdp, 2)]
    [InlineData(LinkKind.Xdp, 4)]
    public async Task Every_shard_serves_its_part_of_the_kernels_connections(LinkKind kind, int shards)
    {
        const int Clients = 32;
        await using var farm = await KernelFarm.StartAsync(kind, [shards]);
        var node = farm.Nodes[0];
        await using var listener = await node.BindAsync(Tcp, "echo");
        var sockets = new List<Socket>();
        var echoes = new List<Task>();
        for (int i = 0; i < Clients; i++)
        {
            sockets.Add(await farm.ConnectAsync());
            echoes.Add(EchoAsync(await listener.AcceptAsync(Patience())));
        }

        var endpoints = await node.EndpointsAsync();
        Assert.Equal(Clients, endpoints.Count);
        Assert.Equal(shards, endpoints.Select(endpoint => node.Shard.Steering.OfEndpoint(endpoint.Id)).Distinct().Count());
        await Task.WhenAll(sockets.Select((socket, i) => ExchangeAsync(socket, (byte)i)));
        var counters = await node.CountersAsync();
        Assert.Equal((Clients, Clients, Clients), (counters.Endpoints, counters.Flows, (int)counters.EndpointsCreated));
        Assert.Equal(0, counters.ResetsSent);
        Assert.NotNull(await node.FindAsync(endpoints[^1].Id));

        sockets.ForEach(socket => socket.Shutdown(SocketShutdown.Send));
        await Task.WhenAll(echoes);
        foreach (var socket in sockets)
        {
            Assert.Equal(0, await socket.ReceiveAsync(new byte[1], Patience()));
            socket.Dispose();
        }
    }

    [Theory(Skip = KernelFarm.RootOnly, SkipUnless = nameof(KernelFarm.IsRoot), SkipType = typeof(KernelFarm))]
    [InlineData(LinkKind.Tap)]
    [InlineData(LinkKind.Packet)]
    [InlineData(LinkKind.Xdp)]
    public async Task Connections_move_between_nodes_of_several_shards_while_kernel_clients_use_them(LinkKind kind)
    {
        const int Clients = 12;
        await using var farm = await KernelFarm.StartAsync(kind, [2, 3]);
        var listeners = new List<Listener>();
        foreach (var node in farm.Nodes)
        {
            listeners.Add(await node.BindAsync(Tcp, "echo"));
            _ = AcceptAsync(listeners[^1]);
        }

        var sockets = new List<Socket>();
        for (int i = 0; i < Clients; i++)
        {
            sockets.Add(await farm.ConnectAsync());
        }

        var exchanges = Task.WhenAll(sockets.Select((socket, i) => ExchangeAsync(socket, (byte)i)));
        while (!exchanges.IsCompleted)
        {
            for (int from = 0; from < 2; from++)
            {
                string target = $"n{2 - from}";
                await Task.WhenAll((await farm.Nodes[from].EndpointsAsync()).Select(endpoint => farm.Nodes[from].MoveAsync(endpoint.Id, target).AsTask()));
            }
        }

        await exchanges;
        Assert.Equal(Clients, await CountAsync(farm.Nodes[0]) + await CountAsync(farm.Nodes[1]));
        Assert.True((await farm.Nodes[0].CountersAsync()).HandoffsOut >= Clients);

        // A drain leaves nothing in any shard.
        var drained = await farm.Nodes[0].DrainAsync(cancellationToken: Patience());
        Assert.Equal((0, 0), (drained.Remaining, drained.Addresses));
        Assert.Equal(Clients, await CountAsync(farm.Nodes[1]));
        await Task.WhenAll(sockets.Select((socket, i) => ExchangeAsync(socket, (byte)i)));
        foreach (var socket in sockets)
        {
            socket.Dispose();
        }

        foreach (var listener in listeners)
        {
            await listener.DisposeAsync();
        }
    }

    private static async Task<int> CountAsync(BatonEngine node) => (await node.EndpointsAsync()).Count(endpoint => endpoint.State == "ESTABLISHED");

    private static async Task AcceptAsync(Listener listener)
    {
        try
        {
            while (true)
            {
                _ = EchoAsync(await listener.AcceptAsync());
            }
        }
        catch (ObjectDisposedException)
        {
        }
    }

    private static async Task EchoAsync(Connection connection)
    {
        byte[] buffer = new byte[4096];
        while (true)
        {
            try
            {
                int length = await connection.ReceiveAsync(buffer, connection.MoveRequested);
                if (length == 0)
                {
                    await connection.DisposeAsync();
                    return;
                }

                await connection.SendAllAsync(buffer.AsMemory(0, length));
            }
            catch (OperationCanceledException)
            {
                if (await HasLeftAsync(connection))
                {
                    return;
                }
            }
            catch (ConnectionClosedException)
            {
                return;
            }
        }
    }

    private static async Task<bool> HasLeftAsync(Connection connection)
    {
        try
        {
            await connection.HandOffAsync(connection.RequestedMove!.Target);
            return true;
        }
        catch (HandOffRejectedException)
        {
            return false;
        }
    }

    /// <summary>200 times a message that is answered in kind.</summary>
    private static async Task ExchangeAsync(Socket socket, byte fill)
    {
        byte[] message = new byte[1000];
        byte[] answer = new byte[1000];
        for (int round = 0; round < 200; round++)
        {
            message.AsSpan().Fill((byte)(fill + round));
            await socket.SendAsync(message);
            for (int received = 0; received < answer.Length;)
            {
                int length = await socket.ReceiveAsync(answer.AsMemory(received), Patience());
                Assert.NotEqual(0, length);
                received += length;
            }

            Assert.Equal(message, answer);
        }
    }

    private static CancellationToken Patience() => new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token;
}
