using Baton.Testing;

namespace Baton.RealPackets.Tests;

/// <summary>What others' tools say of a farm that passes on a connection: tshark's experts read every capture.</summary>
public sealed class ExpertTests(RealNetwork network)
{
    /// <summary>As <c>baton capture</c> and the demonstration cut packets.</summary>
    private const int SnapLength = 160;

    private const int Handoffs = 3;

    [RealTheory]
    [InlineData(0)]
    [InlineData(SnapLength)]
    public async Task Of_a_connection_that_moves_tshark_finds_nothing_malformed_and_no_warning_that_is_not_explained(int snapLength)
    {
        Assert.SkipUnless(Tshark.IsInstalled, Tshark.Needed);
        await using var farm = await RealFarm.StartAsync(network, new FarmSetup { Delay = TimeSpan.FromMilliseconds(1) });
        using var order = network.KeepOrder();
        await farm.ServeAsync("web", _ => new Duplex());
        var atClient = farm.Capture(farm.ClientSide, snapLength);
        var atNodes = farm.Nodes.SelectMany(node => new[] { farm.Capture(node.Front, snapLength), farm.Capture(node.Lan, snapLength) }).ToList();
        var socket = await farm.ConnectAsync();
        var client = DuplexClient.Start(socket);
        for (int i = 1; i <= Handoffs; i++)
        {
            await client.ProgressAsync(1 << 20);
            await farm.MoveAsync(RealFarm.FlowOf(socket), farm.Nodes[i % 3]);
        }

        await client.ProgressAsync(1 << 20);
        await client.FinishAsync();

        await Task.WhenAll(
        [
            Tshark.AssertExplainedAsync(atClient.StopFile(), "client", FarmSetup.Web),
            .. atNodes.Select(capture => Tshark.AssertExplainedAsync(capture.StopFile(), "node", FarmSetup.Web)),
        ]);
    }
}
