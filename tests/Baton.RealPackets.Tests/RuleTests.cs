using System.Net.Sockets;
using Baton.Engine;
using Baton.Membership;

namespace Baton.RealPackets.Tests;

/// <summary>R29: whether connections move can depend on the state of A or of B.</summary>
public sealed class RuleTests(RealNetwork network)
{
    // Connections whose three MiB nobody reads weigh 48 each, so that processor time (all nodes here share one process's)
    // does not decide.
    private const int Loaded = 4;

    private static readonly MoveRuleOptions s_rule =
        new() { OverloadedAbove = 450, IdleUpTo = 20, MovesPerSecond = 1000, MinimumDwell = TimeSpan.FromMilliseconds(500) };

    [RealFact]
    public async Task When_A_is_overloaded_it_gives_connections_away()
    {
        await using var farm = await LoadedFarmAsync();
        await PlacementTests.QueueAsync(farm, farm.A, 8);

        await Wait.UntilAsync(async () => (await MovesAsync(farm)).Any(m => m.Role == HandoffRole.Source && m.From == farm.A.Id));

        Assert.All(await MovesAsync(farm), m => Assert.Equal(MoveOutcome.Moved, m.Outcome));
        await Wait.UntilAsync(async () => (await farm.A.Engine.EndpointsAsync()).Sum(e => e.ReceiveQueue) / 65536 <= 450);
        Assert.NotEmpty(await farm.A.Engine.EndpointsAsync());
    }

    [RealFact]
    public async Task When_B_becomes_idle_it_is_given_connections()
    {
        await using var farm = await LoadedFarmAsync(out var clients);
        foreach (var client in (await clients)[farm.B])
        {
            client.LingerState = new LingerOption(true, 0);
            client.Dispose();
        }

        await Wait.UntilAsync(async () => (await MovesAsync(farm)).Any(m => m.Role == HandoffRole.Source && m.To == farm.B.Id));

        await Wait.UntilAsync(async () => (await farm.B.Engine.EndpointsAsync()).Any(e => e.Application == "sitter"));
        Assert.All(await MovesAsync(farm), m => Assert.Equal(farm.B.Id, m.To));
    }

    [RealFact]
    public async Task When_neither_is_the_case_nothing_moves()
    {
        await using var farm = await LoadedFarmAsync();

        // For as long as it takes to tell each other their states ten times.
        var start = await farm.A.Engine.CountersAsync();
        await Wait.UntilAsync(async () => (await farm.A.Engine.CountersAsync()).LanFramesOut > start.LanFramesOut + 20);

        Assert.Empty(await MovesAsync(farm));
    }

    private Task<RealFarm> LoadedFarmAsync() => LoadedFarmAsync(out _);

    /// <summary>
    /// A farm whose nodes have the same, middling load. The rule begins when all of them know that of all: a node that is
    /// loaded last would be an idle one before.
    /// </summary>
    private Task<RealFarm> LoadedFarmAsync(out Task<Dictionary<RealNode, List<Socket>>> clients)
    {
        var loaded = new TaskCompletionSource<Dictionary<RealNode, List<Socket>>>();
        clients = loaded.Task;
        return LoadAsync(loaded);
    }

    private async Task<RealFarm> LoadAsync(TaskCompletionSource<Dictionary<RealNode, List<Socket>>> loaded)
    {
        var farm = await RealFarm.StartAsync(network, FarmSetup.WithWideWindows);
        try
        {
            await farm.ServeAsync("web", _ => new Sitter());
            var clients = new Dictionary<RealNode, List<Socket>>();
            foreach (var node in farm.Nodes)
            {
                clients.Add(node, await PlacementTests.QueueAsync(farm, node, Loaded));
            }

            await Wait.UntilAsync(() => farm.Nodes.TrueForAll(node => node.Engine.Members.All(m => m.State?.QueuedBytes >= Loaded * (3UL << 20))));
            foreach (var node in farm.Nodes)
            {
                await node.Engine.Shard.Call(shard => shard.Moves.Rule = new MoveRule(s_rule, shard.Now));
            }

            loaded.SetResult(clients);
            return farm;
        }
        catch
        {
            await farm.DisposeAsync();
            throw;
        }
    }

    private static async Task<List<HandoffEvent>> MovesAsync(RealFarm farm)
    {
        var moves = new List<HandoffEvent>();
        foreach (var node in farm.Nodes)
        {
            moves.AddRange(await node.Engine.HandoffsAsync());
        }

        return moves;
    }
}
