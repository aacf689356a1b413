using Baton.Engine;

namespace Baton.Simulation.Tests;

/// <summary>What seeds have found in the engine, each as a scenario of its own.</summary>
public sealed class FoundDefectTests
{
    [Fact]
    public void A_node_sleeps_while_a_handoff_outlasts_the_time_for_its_application_to_answer()
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
                MoveTimeout = TimeSpan.FromMilliseconds(100),
            },
        }).Connect();
        var plan = new PatternPlan(1, 1_000_000);
        foreach (var node in farm.Nodes)
        {
            node.Bind("tcp", () => new PatternApplication(farm, node, plan));
        }

        var client = new PatternClient(farm, farm.Clients[0], farm["a"].ServiceAddress, 80, plan) { SendLimit = 10_000 };
        farm.RunUntil(() => client.Received >= 10_000, TimeSpan.FromSeconds(10));
        farm["b"].LanLink.IsPluggedIn = false;
        var move = farm["a"].Move(farm["b"]);

        // A node that wants to run at once again and again stops the farm's time, which throws.
        farm.RunUntil(() => move.Result is not null, TimeSpan.FromSeconds(30));
        Assert.False(move.Result!.Moved);
    }
}
