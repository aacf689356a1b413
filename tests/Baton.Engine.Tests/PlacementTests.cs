using Baton.Simulation;
using Baton.Wire;

namespace Baton.Engine.Tests;

/// <summary>A node can say why a connection is where it is.</summary>
public sealed class PlacementTests
{
    /// <summary>Of the service that is placed at the handshake.</summary>
    private const ushort Port = 81;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);

    [Fact]
    public void What_was_known_at_the_handshake_and_at_each_move_is_told_in_order()
    {
        using var farm = new Farm(new FarmSettings()).Connect();
        var plan = new PatternPlan(1, 10_000);
        foreach (var node in farm.Nodes)
        {
            node.Bind("placed", () => new PatternApplication(farm, node, plan));
        }

        var client = new PatternClient(farm, farm.Clients[0], farm["a"].ServiceAddress, Port, plan) { SendLimit = 1000 };
        farm.RunUntil(() => client.Received >= 1000 && plan.ReceivedByFarm == 1000, s_limit);
        var at = client.Endpoint.Flow.Tuple;
        var owner = farm.Nodes.Single(node => node.Endpoints.Count == 1);
        var other = farm.Nodes.First(node => node != owner);
        var move = owner.Move(other);
        farm.RunUntil(() => move.Result is not null, s_limit);

        var placed = Assert.Single(farm["a"].Shard.ExplainPlacement(at.LocalAddress, at.LocalPort), p => p.Cause is null);
        Assert.Equal(owner.Name, placed.Selected);
        Assert.Equal(["a", "b", "c"], placed.Candidates.Select(c => c.Node).Order());
        Assert.All(placed.Candidates, c => Assert.False(c.Draining));
        var moved = Assert.Single(owner.Shard.ExplainPlacement(at.LocalAddress, at.LocalPort), p => p.Cause is not null);
        Assert.Equal((MoveCause.Operator, other.Name), (moved.Cause, moved.Selected));
        Assert.Empty(farm["a"].Shard.ExplainPlacement(at.LocalAddress, (ushort)(at.LocalPort + 1)));
    }

    [Fact]
    public void A_node_that_drains_gives_what_waits_for_its_first_request_to_another_one_at_once()
    {
        using var farm = new Farm(new FarmSettings()).Connect();
        var plan = new PatternPlan(1, 10_000);
        foreach (var node in farm.Nodes)
        {
            node.Bind("tcp", () => new PatternApplication(farm, node, plan));
        }

        farm.RunFor(TimeSpan.FromSeconds(1));
        farm["a"].Shard.SetDraining(true);
        int served = 0;
        farm.AfterStep = () => served += farm["a"].Endpoints.Count(e => e.Application is not null);
        var client = new PatternClient(farm, farm.Clients[0], farm["a"].ServiceAddress, 80, plan);
        farm.RunUntil(() => client.IsComplete, TimeSpan.FromSeconds(60));

        Assert.Equal(0, served);
        var at = client.Endpoint.Flow.Tuple;
        var placed = Assert.Single(farm["a"].Shard.ExplainPlacement(at.LocalAddress, at.LocalPort), p => p.Cause is null);
        Assert.NotEqual("a", placed.Selected);
    }

    [Fact]
    public void Only_the_last_placements_are_kept()
    {
        using var farm = new Farm(new FarmSettings { Adjust = options => options with { Limits = new EngineLimits { Placements = 2 } } }).Connect();
        var clients = Enumerable.Range(0, 3)
            .Select(i => new PatternClient(farm, farm.Clients[0], farm["a"].ServiceAddress, Port, new PatternPlan((ulong)i, 1000)))
            .ToList();
        farm.RunFor(TimeSpan.FromSeconds(1));

        Assert.Equal(2, clients.Sum(client => farm["a"].Shard.ExplainPlacement(client.Endpoint.Flow.Tuple.LocalAddress, client.Endpoint.Flow.Tuple.LocalPort).Count));
    }
}
