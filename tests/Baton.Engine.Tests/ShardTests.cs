using Baton.Link;
using Baton.Simulation;
using Baton.Stack;
using Baton.Wire;

namespace Baton.Engine.Tests;

/// <summary>A node of several shards is one node, to its clients, its peers and whoever looks at it.</summary>
public sealed class ShardTests
{
    private const int Connections = 32;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(1, 2)]
    [InlineData(2, 3)]
    [InlineData(3, 4)]
    public void Every_shard_serves_its_part_of_the_connections(ulong seed, int shards)
    {
        using var farm = Start(seed, shards);
        var plans = new Dictionary<Flow, PatternPlan>();
        Bind(farm, plans);
        var clients = Connect(farm, plans, "tcp");
        farm.RunUntil(() => clients.TrueForAll(client => client.Received > 0), Limit);

        var node = farm["a"];
        Assert.Equal(Connections, node.FlowCount);
        foreach (var shard in node.Shard.Shards)
        {
            Assert.InRange(shard.DescribeAll().Count, 1, Connections - shards + 1);
            Assert.All(shard.DescribeAll(), endpoint => Assert.Same(shard, node.ShardOf(endpoint.Flow)));
            Assert.All(shard.DescribeAll(), endpoint => Assert.Equal(shard.Index, shard.Steering.OfEndpoint(endpoint.Id)));
        }

        // The link's own spreading knows nothing of the shards.
        Assert.True(node.Counters.CrossedShards > Connections);
        farm.RunUntil(() => node.Shard.MeasureState().LiveConnections == Connections, Limit);
        farm.RunUntil(() => clients.TrueForAll(client => client.IsComplete), Limit);
        farm.RunUntil(() => node.FlowCount == 0, TimeSpan.FromMinutes(5));
        Assert.Empty(farm.Errors);
        Assert.Equal(0, farm.Clients[0].ResetsSeen);
        Assert.DoesNotContain(nameof(DropReason.ShardBusy), node.Counters.Drops);
    }

    [Fact]
    public void Connections_are_placed_at_the_handshake_from_and_to_any_shard()
    {
        using var farm = Start(4, 3);
        var plans = new Dictionary<Flow, PatternPlan>();
        Bind(farm, plans);
        var clients = Connect(farm, plans, "placed");
        farm.RunUntil(() => clients.TrueForAll(client => client.IsComplete), Limit);

        Assert.All(farm.Nodes, node => Assert.InRange(plans.Values.Count(plan => plan.Served[0] == node.Name), 2, Connections - 4));
        Assert.True(farm["a"].Counters.HandoffsOut > 8);
        Assert.Equal(0, farm["a"].Counters.HandoffsFailed);
        Assert.Empty(farm.Errors);
        Assert.Equal(0, farm.Clients[0].ResetsSeen);
    }

    [Fact]
    public void A_drain_empties_every_shard_and_then_gives_the_addresses_away()
    {
        using var farm = Start(5, 4);
        var plans = new Dictionary<Flow, PatternPlan>();
        Bind(farm, plans);
        var clients = Connect(farm, plans, "tcp");
        farm.RunUntil(() => clients.TrueForAll(client => client.Received > 0), Limit);

        DrainProgress? last = null;
        farm["a"].Shard.Drain(progress => last = progress);
        farm["a"].Touch();
        farm.RunUntil(() => last is { Remaining: 0, Addresses: 0 }, Limit);
        farm.RunFor(TimeSpan.FromSeconds(1));

        Assert.Equal(Connections, last!.Total);
        Assert.Empty(farm["a"].Endpoints);
        Assert.All(farm["a"].Shard.Shards, shard => Assert.True(shard.IsDraining));
        farm["a"].Crash();
        farm.RunUntil(() => clients.TrueForAll(client => client.IsComplete), Limit);
        Assert.Empty(farm.Errors);
        Assert.Equal(0, farm.Clients[0].ResetsSeen);
    }

    [Fact]
    public void Datagram_flows_live_in_their_shards_and_move()
    {
        using var farm = Start(6, 4);
        foreach (var node in farm.Nodes)
        {
            node.BindUdp("udp", () => new EchoApplication(node));
        }

        var sockets = Enumerable.Range(0, 16).Select(n => farm.Clients[0].ConnectUdp(farm["a"].ServiceAddress, 53, (ushort)(4000 + n))).ToArray();
        Assert.All(sockets, socket => Assert.Equal("a1x", Ask(farm, socket, "x")));
        Assert.All(farm["a"].Shard.Shards, shard => Assert.NotEmpty(shard.DescribeAll()));
        foreach (var endpoint in farm["a"].Endpoints)
        {
            var move = farm["a"].Move(endpoint.Id, farm["b"]);
            farm.RunUntil(() => move.Result is not null, Limit);
            Assert.True(move.Result!.Moved, move.Result.ToString());
        }

        Assert.All(sockets, socket => Assert.Equal("b2y", Ask(farm, socket, "y")));
        Assert.Empty(farm["a"].Endpoints);
    }

    [Fact]
    public void A_datagram_in_fragments_finds_its_shard_when_it_is_whole()
    {
        using var farm = Start(7, 4);
        farm["a"].BindUdp("udp", () => new EchoApplication(farm["a"]));
        string text = new('z', 2000);
        for (ushort port = 5000; port < 5012; port++)
        {
            Assert.Equal("a1" + text, Ask(farm, farm.Clients[0].ConnectUdp(farm["a"].ServiceAddress, 53, port), text));
        }

        Assert.All(farm["a"].Shard.Shards, shard => Assert.NotEmpty(shard.DescribeAll()));
    }

    [Fact]
    public void A_shard_stands_still_while_the_one_that_watches_the_leases_does()
    {
        using var farm = Start(8, 2);
        farm["a"].BindUdp("udp", () => new EchoApplication(farm["a"]));
        var sockets = Enumerable.Range(0, 8).Select(n => farm.Clients[0].ConnectUdp(farm["a"].ServiceAddress, 53, (ushort)(6000 + n))).ToArray();
        Assert.All(sockets, socket => Assert.Equal("a1x", Ask(farm, socket, "x")));

        // Time goes on for the second shard alone.
        var shard = farm["a"].Shard.Shards[1];
        var socket = sockets.First(socket => farm["a"].ShardOf(new Flow(IpProtocol.Udp, socket.Flow.Tuple.Reversed)) == shard);
        farm["a"].Crash();
        farm["a"].FrontLink.IsPluggedIn = true;
        socket.Send(farm.Now, "y"u8);
        farm.Clients[0].Touch();
        farm.RunFor(TimeSpan.FromMilliseconds(350));
        Assert.True(farm["a"].FrontLink.Waiting + farm["a"].FrontQueues[0].Waiting > 0);
        long before = shard.Counters().FrontFramesIn + shard.Counters().FrontFramesOut;
        Assert.Equal(farm.Now + TimeSpan.FromMilliseconds(1), shard.Run(farm.Now));
        Assert.Equal(before, shard.Counters().FrontFramesIn + shard.Counters().FrontFramesOut);
    }

    [Fact]
    public void Networks_with_different_numbers_of_queues_are_refused()
    {
        using var farm = new Farm(new FarmSettings());
        var options = farm["a"].Shard.Options;
        var wrong = options with { Front = options.Front with { FurtherQueues = [farm["a"].FrontLink.AddQueue()] } };
        Assert.Contains("the front has 2 queues and the lan 1", Assert.Throws<ArgumentException>(() => Make(wrong)).Message);
    }

    private static void Make(EngineOptions options) => new Shard(options, Instant.Zero).Dispose();

    private static Farm Start(ulong seed, int shards)
    {
        var farm = new Farm(new FarmSettings { Seed = seed, Shards = number => number == 2 ? 1 : shards }).Connect();
        farm.RunFor(TimeSpan.FromSeconds(1));
        return farm;
    }

    private static void Bind(Farm farm, Dictionary<Flow, PatternPlan> plans)
    {
        foreach (var node in farm.Nodes)
        {
            node.Bind("tcp", () => new Serving(farm, node, plans));
            node.Bind("placed", () => new Serving(farm, node, plans));
        }
    }

    private static List<PatternClient> Connect(Farm farm, Dictionary<Flow, PatternPlan> plans, string service)
    {
        var clients = new List<PatternClient>();
        for (int i = 0; i < Connections; i++)
        {
            var plan = new PatternPlan((ulong)i, 200_000);
            var client = new PatternClient(farm, farm.Clients[0], farm["a"].ServiceAddress, service == "tcp" ? (ushort)80 : (ushort)81, plan);
            plans.Add(new Flow(IpProtocol.Tcp, client.Endpoint.Flow.Tuple.Reversed), plan);
            clients.Add(client);
        }

        return clients;
    }

    private static string Ask(Farm farm, UdpEndpoint client, string question)
    {
        client.Send(farm.Now, System.Text.Encoding.ASCII.GetBytes(question));
        farm.Clients[0].Touch();
        byte[] buffer = new byte[4096];
        int length = 0;
        farm.RunUntil(() => client.TryReceive(buffer, out length, out _, out _), Limit);
        return $"{(char)buffer[0]}{buffer[1]}{System.Text.Encoding.ASCII.GetString(buffer, 2, length - 2)}";
    }
}
