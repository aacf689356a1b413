using Baton.Membership;
using Baton.Simulation;
using Baton.Stack;
using Baton.Wire;

namespace Baton.Engine.Tests;

public sealed class LifeTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public void A_datagram_flow_moves_with_its_context_and_the_client_notices_nothing()
    {
        using var farm = new Farm(new FarmSettings()).Connect();
        foreach (var node in farm.Nodes)
        {
            node.BindUdp("udp", () => new EchoApplication(node));
        }

        var client = farm.Clients[0].ConnectUdp(farm["a"].ServiceAddress, 53, 4000);
        Assert.Equal("a1x", Ask(farm, client, "x"));
        Assert.Equal("a2y", Ask(farm, client, "y"));
        Assert.Null(farm["a"].Endpoint.Sequence);
        Assert.Equal(5353, farm["a"].Endpoint.OwnerPort);
        foreach (string target in new[] { "b", "c", "a" })
        {
            var owner = farm.Nodes.Single(node => node.Endpoints.Count == 1);
            var move = owner.Move(farm[target]);
            farm.RunUntil(() => move.Result is not null, Limit);
            Assert.True(move.Result!.Moved, move.Result.ToString());
        }

        Assert.Equal("a3z", Ask(farm, client, "z"));
        Assert.Equal(new Epoch(4), farm["a"].Endpoint.Epoch);
    }

    [Fact]
    public void A_node_that_begins_or_ends_to_drain_is_seen_to_by_its_own_callers_at_once()
    {
        using var farm = new Farm(new FarmSettings()).Connect();
        var shard = farm["a"].Shard;
        foreach (var (draining, status) in new[] { (true, MemberStatus.Draining), (false, MemberStatus.Reachable) })
        {
            shard.SetDraining(draining);

            Assert.True(shard.Members.TryFind(shard.Farm.Self.Id, out var self));
            Assert.Equal((status, draining), (self.Status, self.State.Draining));
            farm.RunUntil(() => farm["b"].Shard.Members.StatusOf(shard.Farm.Self.Id) == status, Limit);
        }
    }

    [Fact]
    public void Only_the_detached_endpoint_of_two_becomes_unattached_and_another_application_goes_on()
    {
        using var farm = new Farm(new FarmSettings { Clients = 2 }).Connect();
        PatternPlan[] plans = [new(1, 200_000), new(2, 200_000)];
        var attachments = new List<Attachment>();
        int accepted = 0;
        farm["a"].Bind("tcp", () => new Listening(new PatternApplication(farm, farm["a"], plans[accepted++]), attachments));
        var clients = plans.Select((plan, i) =>
        {
            var client = new PatternClient(farm, farm.Clients[i], farm["a"].ServiceAddress, 80, plan) { SendLimit = 50_000 };
            farm.RunUntil(() => plan.ReceivedByFarm == 50_000 && client.Received == plan.Length, Limit);
            return client;
        }).ToArray();

        byte[] context = [.. BitConverter.GetBytes(200_000L).Reverse(), .. BitConverter.GetBytes(50_000L).Reverse()];
        attachments[0].Detach(context);
        farm["a"].Touch();
        farm.RunFor(TimeSpan.FromMilliseconds(10));
        Assert.Equal([true, false], farm["a"].Endpoints.Select(e => e.IsUnattached));
        foreach (var client in clients)
        {
            client.SendLimit = long.MaxValue;
            client.Continue();
        }

        farm.RunUntil(() => clients[1].IsComplete, Limit);
        Assert.False(clients[0].IsComplete);
        Assert.Equal(LeaveReason.Detached, plans[0].Leaves.Single());

        farm["a"].Shard.Attach(attachments[0].Id, "another", new PatternApplication(farm, farm["a"], plans[0]));
        farm["a"].Touch();
        farm.RunUntil(() => clients[0].IsComplete, Limit);
        Assert.Empty(farm.Errors);
    }

    [Fact]
    public void A_drained_node_gives_all_its_connections_away_and_none_breaks()
    {
        using var farm = new Farm(new FarmSettings { Clients = 2 }).Connect();
        var plans = new List<PatternPlan>();
        var byFlow = new Dictionary<Flow, PatternPlan>();
        foreach (var node in farm.Nodes)
        {
            node.Bind("tcp", () => new Routing(farm, node, byFlow));
        }

        var clients = new List<PatternClient>();
        for (int i = 0; i < 20; i++)
        {
            var plan = new PatternPlan((ulong)i, 100_000);
            var client = new PatternClient(farm, farm.Clients[i % 2], farm["a"].ServiceAddress, 80, plan) { SendLimit = 10_000 };
            byFlow.Add(new Flow(IpProtocol.Tcp, client.Endpoint.Flow.Tuple.Reversed), plan);
            clients.Add(client);
            plans.Add(plan);
        }

        farm.RunUntil(() => plans.TrueForAll(plan => plan.ReceivedByFarm == 10_000), Limit);
        DrainProgress? last = null;
        farm["a"].Shard.Drain(progress => last = progress);
        farm["a"].Touch();
        farm.RunUntil(() => last is { Remaining: 0 }, Limit);

        Assert.Equal(20, last!.Moved);
        Assert.Empty(farm["a"].Endpoints);
        Assert.Equal(20, farm["b"].Endpoints.Count + farm["c"].Endpoints.Count);
        clients.ForEach(client =>
        {
            client.SendLimit = long.MaxValue;
            client.Continue();
        });
        farm.RunUntil(() => clients.TrueForAll(client => client.IsComplete), Limit);
        Assert.Empty(farm.Errors);
        Assert.Equal(0, farm.Clients.Sum(client => client.ResetsSeen));
        farm.RunUntil(() => farm["a"].Shard.Flows.Count == 0, TimeSpan.FromMinutes(5));
    }

    [Fact]
    public void A_handoff_whose_target_dies_is_rolled_back_and_the_connection_goes_on()
    {
        using var farm = new Farm(new FarmSettings()).Connect();
        var plan = new PatternPlan(3, 400_000);
        foreach (var node in farm.Nodes)
        {
            node.Bind("tcp", () => new PatternApplication(farm, node, plan));
        }

        var client = new PatternClient(farm, farm.Clients[0], farm["a"].ServiceAddress, 80, plan) { SendLimit = 100_000 };
        farm.RunUntil(() => plan.ReceivedByFarm == 100_000, Limit);
        farm["b"].LanLink.IsPluggedIn = false;
        var move = farm["a"].Move(farm["b"]);
        farm.RunUntil(() => move.Result is not null, Limit);

        Assert.False(move.Result!.Moved);
        client.SendLimit = long.MaxValue;
        client.Continue();
        farm.RunUntil(() => client.IsComplete, Limit);
        Assert.Empty(farm.Errors);
        Assert.Equal(["a"], plan.Served);
        Assert.Equal(0, farm.Clients[0].ResetsSeen);
    }

    [Fact]
    public void Connections_are_asked_to_move_when_the_node_is_overloaded_and_not_otherwise()
    {
        Assert.True(MovesBy(new MoveRuleOptions { OverloadedAbove = 4, MinimumGap = 2, MinimumDwell = TimeSpan.Zero }) > 0);
        Assert.True(MovesBy(new MoveRuleOptions { IdleUpTo = 1, MinimumGap = 2, MinimumDwell = TimeSpan.Zero }) > 0);
        Assert.Equal(0, MovesBy(new MoveRuleOptions { OverloadedAbove = 1000, MinimumGap = 2, MinimumDwell = TimeSpan.Zero }));
    }

    private static int MovesBy(MoveRuleOptions rule)
    {
        using var farm = new Farm(new FarmSettings
        {
            Adjust = options => new EngineOptions
            {
                Node = options.Node,
                Members = options.Members,
                Services = options.Services,
                Front = options.Front,
                Lan = options.Lan,
                Keys = options.Keys,
                Seed = options.Seed,
                Rule = rule,
            },
        }).Connect();
        var byFlow = new Dictionary<Flow, PatternPlan>();
        foreach (var node in farm.Nodes)
        {
            node.Bind("tcp", () => new Routing(farm, node, byFlow));
        }

        for (int i = 0; i < 8; i++)
        {
            var plan = new PatternPlan((ulong)i, 100_000);
            var client = new PatternClient(farm, farm.Clients[0], farm["a"].ServiceAddress, 80, plan) { SendLimit = 10_000 };
            byFlow.Add(new Flow(IpProtocol.Tcp, client.Endpoint.Flow.Tuple.Reversed), plan);
        }

        farm.RunFor(TimeSpan.FromSeconds(3));
        Assert.Empty(farm.Errors);
        return farm["b"].Endpoints.Count + farm["c"].Endpoints.Count;
    }

    private static string? Ask(Farm farm, UdpEndpoint client, string text)
    {
        client.Send(farm.Now, System.Text.Encoding.ASCII.GetBytes(text));
        farm.Clients[0].Touch();
        farm.RunUntil(() => client.WaitingDatagrams > 0, Limit);
        byte[] buffer = new byte[100];
        client.TryReceive(buffer, out int length, out _, out _);
        return $"{(char)buffer[0]}{buffer[1]}{System.Text.Encoding.ASCII.GetString(buffer, 2, length - 2)}";
    }

    /// <summary>The application of whichever flow it is attached to.</summary>
    private sealed class Routing(Farm farm, FarmNode node, Dictionary<Flow, PatternPlan> plans) : IEndpointApplication
    {
        private PatternApplication? _inner;

        public void OnAttached(Attachment attachment)
        {
            _inner = new PatternApplication(farm, node, plans[attachment.Facts.Flow]);
            _inner.OnAttached(attachment);
        }

        public void OnReadable(Attachment attachment) => _inner!.OnReadable(attachment);

        public void OnWritable(Attachment attachment) => _inner!.OnWritable(attachment);

        public void OnMoveRequested(Attachment attachment, MoveRequest request) => _inner!.OnMoveRequested(attachment, request);

        public void OnHandOffFailed(Attachment attachment, MoveResult result) => _inner!.OnHandOffFailed(attachment, result);

        public void OnLeft(Attachment attachment, LeaveReason reason) => _inner!.OnLeft(attachment, reason);
    }
}
