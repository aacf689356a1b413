using Baton.Simulation;
using Baton.Wire;

namespace Baton.Engine.Tests;

/// <summary>Connections whose SYN was answered by a cookie are placed, served and moved like any other.</summary>
public sealed class SynCookieFarmTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(AddressFamily.V4)]
    [InlineData(AddressFamily.V6)]
    public void A_connection_made_of_a_cookie_is_placed_served_and_moved(AddressFamily family)
    {
        using var farm = new Farm(new FarmSettings { Family = family, Adjust = WithoutHandshakes }).Connect();
        PatternPlan[] plans = [.. Enumerable.Range(0, 3).Select(i => new PatternPlan((ulong)i, 200_000))];
        int accepted = 0;
        foreach (var node in farm.Nodes)
        {
            node.Bind("placed", () => new PatternApplication(farm, node, plans[accepted++ % plans.Length]));
        }

        var plan = new PatternPlan(9, 500_000);
        foreach (var node in farm.Nodes)
        {
            node.Bind("tcp", () => new PatternApplication(farm, node, plan));
        }

        var client = new PatternClient(farm, farm.Clients[0], farm["a"].ServiceAddress, 80, plan) { SendLimit = 10_000 };
        farm.RunUntil(() => client.Received >= 10_000, Limit);
        Assert.Equal(1, farm["a"].Shard.Stack.SynCookiesAccepted);
        Assert.Equal("local", Assert.Single(farm["a"].Shard.ForwardingEntries()).Verdict);
        var move = farm["a"].Move(farm["b"]);
        farm.RunUntil(() => move.Result is not null, Limit);
        Assert.True(move.Result!.Moved, move.Result.ToString());
        client.SendLimit = long.MaxValue;
        client.Continue();
        farm.RunUntil(() => client.IsComplete, Limit);

        // By round-robin the placed ones go to all three nodes, at the handshake.
        var clients = plans.Select(p => new PatternClient(farm, farm.Clients[0], farm["a"].ServiceAddress, 81, p)).ToArray();
        farm.RunUntil(() => clients.All(c => c.IsComplete), Limit);
        Assert.Equal(4, farm["a"].Shard.Stack.SynCookiesAccepted);
        Assert.Equal(["a", "b", "c"], plans.Select(p => Assert.Single(p.Served)).Order(StringComparer.Ordinal));
        var counters = farm["a"].Shard.Counters();
        Assert.Equal((4L, 0L), (counters.SynCookiesAccepted, counters.SynCookiesRefused));
        Assert.InRange(counters.SynCookiesSent, 4, 8);
        Assert.Equal(0, farm.Clients[0].ResetsSeen);
        Assert.Empty(farm.Errors);
    }

    private static EngineOptions WithoutHandshakes(EngineOptions options) => new()
    {
        Node = options.Node,
        Members = options.Members,
        Services = options.Services,
        Front = options.Front,
        Lan = options.Lan,
        Keys = options.Keys,
        Seed = options.Seed,
        Limits = new EngineLimits { HalfOpen = 0 },
    };
}
