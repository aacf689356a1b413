using System.Net.Sockets;
using System.Text;
using Baton.Engine;
using Baton.Samples;
using Baton.Wire;

namespace Baton.RealPackets.Tests;

/// <summary>R6 to R11: who serves a connection, and how it gets there.</summary>
public sealed class PlacementTests(RealNetwork network)
{
    [RealTheory]
    [InlineData("spread", FarmSetup.Spread)]
    [InlineData("least", FarmSetup.Least)]
    [InlineData("weighted", FarmSetup.Weighted)]
    public async Task Three_hundred_connections_have_one_owner_each_and_follow_the_policy(string service, ushort port)
    {
        await using var farm = await RealFarm.StartAsync(network, new FarmSetup { Weights = [1, 2, 3] });
        await farm.ServeTagsAsync(service);

        var clients = await ConnectAllAsync(farm, port, 300);

        var owners = new Dictionary<Flow, string>();
        foreach (var node in farm.Nodes)
        {
            Assert.All(await node.Engine.EndpointsAsync(), e => Assert.True(owners.TryAdd(e.Flow, node.Name), $"{e.Flow} has two owners"));
        }

        Assert.Equal(300, owners.Count);
        foreach (var (client, answer) in clients)
        {
            Assert.Equal($"{owners[RealFarm.FlowOf(client)]} 1 hello", answer);
        }

        int[] counts = [.. RealNetwork.NodeNames.Select(name => owners.Values.Count(owner => owner == name))];
        (int Least, int Most)[] expected = service switch
        {
            "spread" => [(100, 100), (100, 100), (100, 100)],

            // Loads that are some milliseconds old, and chance.
            "least" => [(50, 150), (50, 150), (50, 150)],

            // 50, 100 and 150, give or take more than five standard deviations.
            _ => [(15, 85), (55, 145), (105, 195)],
        };
        Assert.All(counts.Zip(expected), c => Assert.InRange(c.First, c.Second.Least, c.Second.Most));
    }

    [RealTheory]
    [InlineData("a", "connections")]
    [InlineData("a", "queue")]
    [InlineData("a", "draining")]
    [InlineData("b", "connections")]
    [InlineData("b", "queue")]
    [InlineData("b", "draining")]
    public async Task Changing_only_one_nodes_state_shifts_new_connections_away_and_back(string name, string what)
    {
        await using var farm = await RealFarm.StartAsync(network, FarmSetup.WithWideWindows);
        await farm.ServeTagsAsync("least");
        await farm.ServeAsync("web", _ => new Sitter());
        var node = farm.Nodes.Single(n => n.Name == name);
        await Wait.UntilAsync(async () => await ShareAsync(farm, name) > 0);

        // Processor time, which all nodes of one process share, weighs at most 100 connections.
        var burden = new List<Socket>();
        switch (what)
        {
            case "connections":
                for (int i = 0; i < 150; i++)
                {
                    burden.Add(await farm.ConnectAsync(home: node));
                }

                break;
            case "queue":
                burden.AddRange(await QueueAsync(farm, node, 4));
                break;
            default:
                await node.Engine.DrainAsync(cancellationToken: Wait.Patience());
                break;
        }

        await Wait.UntilAsync(async () => await ShareAsync(farm, name) == 0);
        foreach (var client in burden)
        {
            client.LingerState = new LingerOption(true, 0);
            client.Dispose();
        }

        await node.Engine.ResumeAsync();
        await Wait.UntilAsync(async () => await ShareAsync(farm, name) > 0);
    }

    [RealFact]
    public async Task A_connection_placed_at_A_is_bound_to_As_application_without_a_handoff()
    {
        await using var farm = await RealFarm.StartAsync(network);
        await farm.ServeTagsAsync("spread");
        using var lan = farm.Capture(farm.A.Lan);

        var client = await farm.ConnectAsync(FarmSetup.Spread);
        Assert.Equal("a 1 hello", await client.AskAsync("hello"));

        var endpoint = await farm.A.SingleAsync();
        Assert.Equal("tag", endpoint.Application);
        Assert.Equal("local", endpoint.HomeVerdict);
        foreach (var node in farm.Nodes)
        {
            var counters = await node.Engine.CountersAsync();
            Assert.Empty(await node.Engine.HandoffsAsync());
            Assert.Equal(0, counters.Forwarded + counters.Decapsulated);
        }

        var packets = lan.Stop();
        Assert.DoesNotContain(packets, p => p.IsEncapsulated);

        // The channels are silent but for keeping alive.
        Assert.DoesNotContain(packets, p => p.IsTcp && p.Payload.Length > 1);
    }

    [RealFact]
    public async Task A_connection_placed_at_B_migrates_and_B_answers()
    {
        await using var farm = await RealFarm.StartAsync(network);
        await farm.ServeTagsAsync("spread");
        using var clientSide = farm.Capture(farm.ClientSide);

        // One node after the other: the second connection is B's.
        await farm.ConnectAsync(FarmSetup.Spread);
        var client = await farm.ConnectAsync(FarmSetup.Spread);
        Assert.Equal("b 1 hello", await client.AskAsync("hello"));

        var flow = RealFarm.FlowOf(client);
        var endpoint = await farm.B.WaitForAsync(e => e.SendQueue == 0);
        Assert.Equal(flow, endpoint.Flow);
        Assert.Equal("tag", endpoint.Application);
        Assert.Equal(farm.B.Id, endpoint.Owner);
        Assert.Null(await farm.A.FindAsync(flow));
        var packets = clientSide.Stop().Of(flow);
        Assert.Equal(packets.Sequence(flow), endpoint.Sequence);
        Assert.DoesNotContain(packets, p => p.Has(TcpFlags.Rst));
        Assert.Single(packets.FromClient(flow), p => p.Has(TcpFlags.Syn));
    }

    [RealFact]
    public async Task Migration_leaves_a_reference_to_B_at_A_and_removing_it_stops_the_forwarding()
    {
        await using var farm = await RealFarm.StartAsync(network);
        await farm.ServeTagsAsync("web");
        var client = await farm.ConnectAsync();
        await client.AskAsync("one");
        var flow = RealFarm.FlowOf(client);
        Assert.Equal("local", (await farm.A.EntryAsync(flow))!.Verdict);

        await farm.MoveAsync(flow, farm.B);

        var entry = await farm.A.EntryAsync(flow);
        Assert.Equal("forward to b", entry!.Verdict);
        Assert.Equal(farm.B.Id, entry.Owner);
        var endpoint = await farm.B.SingleAsync();
        Assert.Equal(endpoint.Id, ReferenceCodec.Id(entry.Reference.Span));
        Assert.Equal("b 2 two", await client.AskAsync("two"));
        await Wait.UntilAsync(async () => (await farm.B.SingleAsync()).SendQueue == 0);

        Assert.True(await farm.A.Engine.RemoveForwardingEntryAsync(flow));
        long forwarded = (await farm.A.Engine.CountersAsync()).Forwarded;
        using var lan = farm.Capture(farm.A.Lan);
        await client.SendAsync("three\n"u8.ToArray(), Wait.Patience());

        // A knows nothing of the flow any more, and says so.
        await Assert.ThrowsAsync<SocketException>(async () => await client.ReceiveAsync(new byte[10], Wait.Patience()));
        Assert.Equal(forwarded, (await farm.A.Engine.CountersAsync()).Forwarded);
        Assert.Empty(lan.Stop().Forwarded(flow));
        Assert.Equal(endpoint.Sequence!.Value.RcvNxt + "two\n".Length, (await farm.B.SingleAsync()).Sequence!.Value.RcvNxt);
    }

    [RealFact]
    public async Task At_the_handshake_a_connection_is_placed_before_it_has_said_anything()
    {
        await using var farm = await RealFarm.StartAsync(network);
        await farm.ServeTagsAsync("spread");
        await farm.ConnectAsync(FarmSetup.Spread);
        var second = await farm.ConnectAsync(FarmSetup.Spread);
        var third = await farm.ConnectAsync(FarmSetup.Spread);

        Assert.Equal(RealFarm.FlowOf(second), (await farm.B.WaitForAsync(e => e.Application == "tag")).Flow);
        Assert.Equal(RealFarm.FlowOf(third), (await farm.C.WaitForAsync(e => e.Application == "tag")).Flow);
        Assert.Equal(0, (await farm.B.SingleAsync()).BytesIn);
    }

    [RealTheory]
    [InlineData("at-a", "a")]
    [InlineData("at-b", "b")]
    [InlineData("at-c", "c")]
    public async Task The_first_requests_bytes_decide_and_none_is_lost(string content, string holder)
    {
        await using var farm = await RealFarm.StartAsync(network);
        const ulong Length = 400_000;
        var contents = RealNetwork.NodeNames.Select((node, i) => new Content(node, (ulong)i + 1, Length)).ToDictionary(c => "at-" + c.Node);
        foreach (var node in farm.Nodes)
        {
            var local = new LocalApplications(node.Engine);
            local.Add(new Dispatcher(node.Name, contents, local));
            local.Add(new Streamer());
            _ = local.RunAsync("dispatcher", new BatonEndPoint("web"), farm.Stopping);
        }

        var client = await farm.ConnectAsync();
        string request = $"GET /content/{content} HTTP/1.1\r\nHost: farm\r\n\r\n";
        await client.SendAsync(Encoding.ASCII.GetBytes(request[..15]), Wait.Patience());
        await farm.A.WaitForAsync(e => e.ReceiveQueue == 15);
        Assert.Empty(await farm.A.Engine.HandoffsAsync());
        await client.SendAsync(Encoding.ASCII.GetBytes(request[15..]), Wait.Patience());

        var head = new List<string>();
        while (head is [] || head[^1].Length > 1)
        {
            head.Add(await client.ReadLineAsync());
        }

        Assert.StartsWith("HTTP/1.1 200", head[0], StringComparison.Ordinal);
        byte[] expected = new byte[Length];
        byte[] received = new byte[Length];
        new GeneratedStream(contents[content].Key).Fill(0, expected);
        for (int at = 0; at < received.Length;)
        {
            int length = await client.ReceiveAsync(received.AsMemory(at), Wait.Patience());
            Assert.NotEqual(0, length);
            at += length;
        }

        Assert.True(received.AsSpan().SequenceEqual(expected));
        Assert.Equal(holder == "a" ? 0 : 1, (await farm.A.Engine.CountersAsync()).HandoffsOut);
        var server = farm.Nodes.Single(n => n.Name == holder);
        Assert.True((await server.Engine.CountersAsync()).FrontFramesOut > 5);
    }

    private static async Task<List<(Socket Client, string Answer)>> ConnectAllAsync(RealFarm farm, ushort port, int count)
    {
        var clients = new List<(Socket, string)>();
        while (clients.Count < count)
        {
            var batch = await Task.WhenAll(Enumerable.Range(0, Math.Min(20, count - clients.Count)).Select(async _ =>
            {
                var client = await farm.ConnectAsync(port);
                return (client, await client.AskAsync("hello"));
            }));
            clients.AddRange(batch);
        }

        return clients;
    }

    /// <summary>How many of thirty new connections a node serves; they end at once.</summary>
    private static async Task<int> ShareAsync(RealFarm farm, string name)
    {
        var clients = await ConnectAllAsync(farm, FarmSetup.Least, 30);
        foreach (var (client, _) in clients)
        {
            client.LingerState = new LingerOption(true, 0);
            client.Dispose();
        }

        await Wait.UntilAsync(async () =>
        {
            foreach (var node in farm.Nodes)
            {
                if ((await node.Engine.EndpointsAsync()).Any(e => e.Service == "least"))
                {
                    return false;
                }
            }

            return true;
        });
        return clients.Count(c => c.Answer.StartsWith(name, StringComparison.Ordinal));
    }

    /// <summary>Connections whose bytes nobody reads: three MiB each.</summary>
    internal static async Task<List<Socket>> QueueAsync(RealFarm farm, RealNode node, int count)
    {
        var clients = new List<Socket>();
        for (int i = 0; i < count; i++)
        {
            var client = await farm.ConnectAsync(home: node);
            clients.Add(client);
            byte[] bytes = new byte[3 << 20];
            for (int sent = 0; sent < bytes.Length;)
            {
                sent += await client.SendAsync(bytes.AsMemory(sent), Wait.Patience());
            }
        }

        foreach (var flow in clients.Select(RealFarm.FlowOf))
        {
            await farm.OwnerAsync(flow);
            await Wait.UntilAsync(async () => (await farm.OwnerAsync(flow)).Endpoint.ReceiveQueue == 3 << 20);
        }

        return clients;
    }
}
