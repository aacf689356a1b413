using Baton.Engine;
using Baton.Wire;

namespace Baton.RealPackets.Tests;

/// <summary>R28 and R31: a live connection is passed on, and comes back.</summary>
public sealed class HandoffTests(RealNetwork network)
{
    [Fact(Skip = RealNetwork.RootOnly, SkipUnless = nameof(RealNetwork.IsRoot), SkipType = typeof(RealNetwork))]
    public async Task One_client_socket_is_answered_first_by_A_then_by_B()
    {
        await using var farm = await RealFarm.StartAsync(network);
        await farm.ServeTagsAsync("web");
        var client = await farm.ConnectAsync();
        Assert.Equal("a 1 one", await client.AskAsync("one"));

        await farm.MoveAsync(RealFarm.FlowOf(client), farm.B);

        Assert.Equal("b 2 two", await client.AskAsync("two"));
    }
}
