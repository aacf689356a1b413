using Baton.Link;
using Baton.Simulation;
using Baton.Tcp;

namespace Baton.Engine.Tests;

public sealed class MoveTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    [InlineData(3, 1)]
    [InlineData(4, 4)]
    [InlineData(5, 4)]
    public void A_connection_moves_round_the_farm_while_data_flow_both_ways(ulong seed, int shards)
    {
        // Slow enough that data are under way at each move.
        var front = new FaultProfile { Delay = TimeSpan.FromMilliseconds(1), Bandwidth = 400_000_000, QueueBytes = 200_000 };
        using var farm = new Farm(new FarmSettings { Seed = seed, Front = front, Shards = number => Math.Min(shards, number + 1) }).Connect();
        var plan = new PatternPlan(seed, 10_000_000);
        foreach (var node in farm.Nodes)
        {
            node.Bind("tcp", () => new PatternApplication(farm, node, plan));
        }

        var client = new PatternClient(farm, farm.Clients[0], farm["a"].ServiceAddress, 80, plan);
        string[] trip = ["a", "b", "c", "a"];
        for (int i = 1; i < trip.Length; i++)
        {
            long mark = plan.Length * i / trip.Length;
            farm.RunUntil(() => client.Received >= mark, Limit);
            var move = farm[trip[i - 1]].Move(farm[trip[i]]);
            farm.RunUntil(() => move.Result is not null, Limit);
            Assert.True(move.Result!.Moved, move.Result.ToString());
        }

        farm.RunUntil(() => client.IsComplete, Limit);

        Assert.Empty(farm.Errors);
        Assert.Equal(trip, plan.Served);
        Assert.Equal(plan.Length, plan.ReceivedByFarm);
        Assert.Equal(0, farm.Clients[0].ResetsSeen);
        Assert.Equal([LeaveReason.Moved, LeaveReason.Moved, LeaveReason.Moved], plan.Leaves.Take(3));
    }

    [Fact]
    public void A_handoff_that_overran_its_budget_has_twice_as_much_the_next_time()
    {
        // No handoff is through within 20 us: the lan takes longer.
        var budget = TimeSpan.FromMicroseconds(20);
        using var farm = new Farm(new FarmSettings { Adjust = options => options with { HandoffBudget = budget } }).Connect();
        var plan = new PatternPlan(6, 100_000);
        foreach (var node in farm.Nodes)
        {
            node.Bind("tcp", () => new PatternApplication(farm, node, plan));
        }

        var client = new PatternClient(farm, farm.Clients[0], farm["a"].ServiceAddress, 80, plan) { SendLimit = 10_000 };
        farm.RunUntil(() => plan.ReceivedByFarm == 10_000, Limit);
        var frozen = new List<double>();
        for (int tries = 1; farm["a"].Endpoints.Count == 1; tries++)
        {
            Assert.True(tries < 16, "it never gets away");
            var move = farm["a"].Move(farm["b"]);
            farm.RunUntil(() => move.Result is not null, Limit);
            if (move.Result!.Outcome == MoveOutcome.Aborted)
            {
                frozen.Add(move.Result.Event!.FrozenMicroseconds);
            }
        }

        Assert.NotEmpty(frozen);
        Assert.All(frozen.Index(), run => Assert.True(run.Item >= budget.TotalMicroseconds * (1 << run.Index), string.Join(' ', frozen)));
        client.SendLimit = long.MaxValue;
        client.Continue();
        farm.RunUntil(() => client.IsComplete, Limit);
        Assert.Empty(farm.Errors);
    }

    [Fact]
    public void The_home_forwards_to_the_new_owner_until_the_connection_ends()
    {
        using var farm = new Farm(new FarmSettings()).Connect();
        var plan = new PatternPlan(5, 100_000);
        foreach (var node in farm.Nodes)
        {
            node.Bind("tcp", () => new PatternApplication(farm, node, plan));
        }

        var client = new PatternClient(farm, farm.Clients[0], farm["a"].ServiceAddress, 80, plan) { SendLimit = 10_000 };
        farm.RunUntil(() => client.Received >= 10_000 && plan.ReceivedByFarm == 10_000, Limit);
        var before = farm["a"].Endpoint;
        var move = farm["a"].Move(farm["b"]);
        farm.RunUntil(() => move.Result is not null, Limit);
        farm.RunFor(TimeSpan.FromMilliseconds(5));

        Assert.True(move.Result!.Moved, move.Result.ToString());
        Assert.Empty(farm["a"].Endpoints);
        var entry = Assert.Single(farm["a"].Shard.ForwardingEntries());
        Assert.Equal("forward to b", entry.Verdict);
        var after = farm["b"].Endpoint;
        Assert.Equal(before.Flow, after.Flow);
        Assert.Equal(before.Sequence!.Value.Iss, after.Sequence!.Value.Iss);
        Assert.Equal(before.Epoch + 1, after.Epoch);
        Assert.NotEqual(before.Id, after.Id);
        Assert.Equal("pattern", after.Application);

        client.SendLimit = long.MaxValue;
        client.Continue();
        farm.RunUntil(() => client.IsComplete, Limit);
        Assert.True(farm["b"].Shard.Counters().Decapsulated > 0);
        farm.RunUntil(() => farm["a"].Shard.Flows.Count == 0, TimeSpan.FromMinutes(5));
        Assert.Empty(farm["b"].Endpoints);
        Assert.Empty(farm.Errors);
    }

    [Fact]
    public void A_move_to_a_node_without_the_application_is_refused_and_the_connection_goes_on()
    {
        using var farm = new Farm(new FarmSettings()).Connect();
        var plan = new PatternPlan(6, 500_000);
        farm["a"].Bind("tcp", () => new PatternApplication(farm, farm["a"], plan));
        var client = new PatternClient(farm, farm.Clients[0], farm["a"].ServiceAddress, 80, plan);
        farm.RunUntil(() => client.Received >= 100_000, Limit);

        var move = farm["a"].Move(farm["b"]);
        farm.RunUntil(() => move.Result is not null, Limit);

        Assert.Equal(MoveOutcome.Rejected, move.Result!.Outcome);
        farm.RunUntil(() => client.IsComplete, Limit);
        Assert.Empty(farm.Errors);
        Assert.Equal(["a"], plan.Served);
    }

    [Fact]
    public void An_endpoint_is_handed_off_at_the_handshake_to_the_node_that_the_policy_selects()
    {
        using var farm = new Farm(new FarmSettings()).Connect();
        var plans = new List<PatternPlan>();
        foreach (var node in farm.Nodes)
        {
            node.Bind("placed", () => new PatternApplication(farm, node, plans[^1]));
        }

        var clients = new List<PatternClient>();
        for (ulong i = 0; i < 6; i++)
        {
            plans.Add(new PatternPlan(i, 20_000));
            var client = new PatternClient(farm, farm.Clients[0], farm["a"].ServiceAddress, 81, plans[^1]);
            farm.RunUntil(() => client.IsComplete, Limit);
        }

        Assert.Empty(farm.Errors);
        Assert.All(plans, plan => Assert.Single(plan.Served));
        Assert.Equal([2, 2, 2], farm.Nodes.Select(node => plans.Count(plan => plan.Served[0] == node.Name)));
        Assert.Equal(0, farm.Clients[0].ResetsSeen);
    }
}
