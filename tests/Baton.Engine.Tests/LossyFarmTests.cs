using Baton.Link;
using Baton.Simulation;

namespace Baton.Engine.Tests;

public sealed class LossyFarmTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(10);

    public static TheoryData<ulong> Seeds => [.. Enumerable.Range(1, 20).Select(seed => (ulong)seed)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Streams_stay_exact_while_connections_move_and_both_networks_lose_reorder_and_repeat(ulong seed)
    {
        var faults = new FaultProfile
        {
            Delay = TimeSpan.FromMilliseconds(1),
            Jitter = TimeSpan.FromMicroseconds(100),
            Loss = 0.01,
            Reordering = 0.01,
            Duplication = 0.01,
            Bandwidth = 200_000_000,
            QueueBytes = 200_000,
        };
        using var farm = new Farm(new FarmSettings { Seed = seed, Front = faults, Lan = faults with { Delay = TimeSpan.FromMicroseconds(50) } }).Connect();
        var plan = new PatternPlan(seed, 500_000);
        foreach (var node in farm.Nodes)
        {
            node.Bind("tcp", () => new PatternApplication(farm, node, plan));
        }

        var client = new PatternClient(farm, farm.Clients[0], farm["a"].ServiceAddress, 80, plan) { SendLimit = plan.Length / 2 };
        int moved = 0;
        for (int attempt = 0; (attempt < 10 || moved == 0) && !client.IsComplete; attempt++)
        {
            farm.RunFor(TimeSpan.FromMilliseconds(farm.Random.Next(40)));
            var owner = farm.Nodes.FirstOrDefault(node => node.Endpoints.Any(e => e.Application is not null));
            if (owner is null)
            {
                continue;
            }

            var target = farm.Nodes[(owner.Number + (int)farm.Random.Next(2)) % 3];
            var move = owner.Move(owner.Endpoints.First(e => e.Application is not null).Id, target);
            farm.RunUntil(() => move.Result is not null, Limit);
            moved += move.Result!.Moved ? 1 : 0;
        }

        client.SendLimit = long.MaxValue;
        client.Continue();
        farm.RunUntil(() => client.IsComplete, Limit);
        Assert.Empty(farm.Errors);
        Assert.Equal(plan.Length, plan.ReceivedByFarm);
        Assert.Equal(0, farm.Clients[0].ResetsSeen);
        Assert.True(moved > 0);
    }
}
