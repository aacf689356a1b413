using System.Text;
using Baton.Simulation;
using Baton.Wire;

namespace Baton.Engine.Tests;

/// <summary>A farm whose channels and load datagrams are sealed.</summary>
public sealed class SealedFarmTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(AddressFamily.V4)]
    [InlineData(AddressFamily.V6)]
    public void A_connection_moves_over_sealed_channels_and_its_bytes_are_exact(AddressFamily lan)
    {
        using var farm = new Farm(new FarmSettings { Sealed = true, LanFamily = lan }).Connect();
        var plan = new PatternPlan(1, 300_000);
        var client = Serve(farm, plan);
        client.SendLimit = 100_000;
        foreach (string target in new[] { "b", "c", "a" })
        {
            farm.RunFor(TimeSpan.FromMilliseconds(5));
            Move(farm, target);
        }

        client.SendLimit = long.MaxValue;
        client.Continue();
        farm.RunUntil(() => client.IsComplete, Limit);
        Assert.Empty(farm.Errors);
        Assert.Equal(["a", "b", "c", "a"], plan.Served);
        Assert.All(farm.Nodes, node => Assert.DoesNotContain("MessageUnauthentic", node.Shard.Counters().Drops));
    }

    [Fact]
    public void Nothing_that_a_channel_carries_can_be_read_on_the_lan()
    {
        Assert.True(IsSeen("pattern", isSealed: false));
        Assert.False(IsSeen("pattern", isSealed: true));
    }

    [Theory]
    [InlineData("a")]
    [InlineData("b")]
    public void A_node_that_is_started_anew_gets_new_keys_at_once_and_its_channels_are_made_again(string which)
    {
        using var farm = new Farm(new FarmSettings { Sealed = true }).Connect();
        var node = farm[which];
        node.Crash();
        farm.RunFor(TimeSpan.FromMilliseconds(100));
        node.Restart();
        farm.RunUntil(
            () => farm.Nodes.All(peer => peer == node || (peer.Shard.IsChannelUp(node.Id) && node.Shard.IsChannelUp(peer.Id))),
            TimeSpan.FromSeconds(1));
        farm.RunUntil(() => farm.Nodes.All(peer => peer == node || (peer.Shard.Exchange.View.TryFind(node.Id, out var seen) && seen.State.Incarnation == 2)), TimeSpan.FromSeconds(1));
    }

    [Fact]
    public void A_node_without_keys_is_neither_heard_nor_spoken_to_and_counts_what_it_drops()
    {
        // c has none: it speaks as the nodes of a farm do that does not authenticate its members.
        using var farm = new Farm(new FarmSettings
        {
            Sealed = true,
            Adjust = options => options.Node == "c" ? Unsealed(options) : options,
        });
        farm.RunFor(TimeSpan.FromSeconds(5));
        Assert.True(farm["a"].Shard.IsChannelUp(farm["b"].Id) && farm["b"].Shard.IsChannelUp(farm["a"].Id));
        foreach (string name in new[] { "a", "b" })
        {
            Assert.False(farm[name].Sees(farm["c"]));
            Assert.False(farm[name].Shard.IsChannelUp(farm["c"].Id));
            Assert.False(farm["c"].Sees(farm[name]));
            Assert.False(farm["c"].Shard.IsChannelUp(farm[name].Id));
            Assert.True(farm[name].Shard.Counters().Drops["MessageUnauthentic"] >= 5);
            Assert.True(farm[name].Shard.Counters().PeersRefused["Unreachable"] is > 0 and < 20);
        }
    }

    [Fact]
    public void While_the_nodes_agree_on_keys_nothing_more_is_dropped_than_without_and_every_member_is_heard_at_once()
    {
        IReadOnlyDictionary<string, long> DropsOfA(bool isSealed)
        {
            using var farm = new Farm(new FarmSettings { Sealed = isSealed });
            farm.RunUntil(() => farm.Nodes.All(node => farm.Nodes.All(peer => peer == node || node.Sees(peer))), TimeSpan.FromMilliseconds(20));
            farm.RunFor(TimeSpan.FromSeconds(5));
            Assert.Empty(farm["a"].Shard.Counters().PeersRefused);
            return farm["a"].Shard.Counters().Drops;
        }

        Assert.Equal(DropsOfA(isSealed: false), DropsOfA(isSealed: true));
    }

    private static EngineOptions Unsealed(EngineOptions options) => new()
    {
        Node = options.Node,
        Members = options.Members,
        Services = options.Services,
        Front = options.Front,
        Lan = options.Lan,
        Keys = options.Keys,
        Seed = options.Seed,
    };

    private static bool IsSeen(string text, bool isSealed)
    {
        using var farm = new Farm(new FarmSettings { Sealed = isSealed }).Connect();
        byte[] wanted = Encoding.UTF8.GetBytes(text);
        bool seen = false;
        farm.Lan.Observer = (_, _, frame) => seen |= frame.IndexOf(wanted) >= 0;
        Serve(farm, new PatternPlan(1, 1000)).SendLimit = 10;
        farm.RunFor(TimeSpan.FromMilliseconds(5));
        Move(farm, "b");
        return seen;
    }

    private static PatternClient Serve(Farm farm, PatternPlan plan)
    {
        foreach (var node in farm.Nodes)
        {
            node.Bind("tcp", () => new PatternApplication(farm, node, plan));
        }

        farm.RunFor(TimeSpan.FromSeconds(1));
        return new PatternClient(farm, farm.Clients[0], farm["a"].ServiceAddress, 80, plan);
    }

    private static void Move(Farm farm, string target)
    {
        var owner = farm.Nodes.Single(node => node.Endpoints.Any(e => e.Activity == EndpointActivity.Active));
        var result = owner.Move(owner.Endpoints.Single(e => e.Activity == EndpointActivity.Active).Id, farm[target]);
        farm.RunUntil(() => result.Result is not null, Limit);
        Assert.True(result.Result!.Moved, result.Result.ToString());
    }
}
