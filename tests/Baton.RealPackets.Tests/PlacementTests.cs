using Baton.Engine;
using Baton.Wire;

namespace Baton.RealPackets.Tests;

/// <summary>R6 to R11: who serves a connection, and how it gets there.</summary>
public sealed class PlacementTests(RealNetwork network)
{
    [RealFact]
    public async Task A_connection_placed_at_A_is_bound_to_As_application_without_a_handoff()
    {
        await using var farm = await RealFarm.StartAsync(network);
        await farm.ServeTagsAsync("web");
        using var lan = farm.Capture(farm.A.Lan);

        var client = await farm.ConnectAsync();
        Assert.Equal("a 1 hello", await client.AskAsync("hello"));

        var endpoint = await farm.A.SingleAsync();
        Assert.Equal("tag", endpoint.Application);
        Assert.Equal("local", endpoint.HomeVerdict);
        foreach (var node in farm.Nodes)
        {
            var counters = await node.Engine.CountersAsync();
            Assert.Empty(await node.Engine.HandoffsAsync());
            Assert.Equal(0, counters.Forwarded + counters.Decapsulated);
        }

        Assert.DoesNotContain(lan.Stop(), p => p.IsEncapsulated);
    }

    [RealFact]
    public async Task A_connection_placed_at_B_migrates_and_B_answers()
    {
        await using var farm = await RealFarm.StartAsync(network);
        await farm.ServeTagsAsync("spread");
        using var clientSide = farm.Capture(farm.ClientSide);

        // One node after the other: the second connection is B's.
        await farm.ConnectAsync(FarmSetup.Spread);
        var client = await farm.ConnectAsync(FarmSetup.Spread);
        Assert.Equal("b 1 hello", await client.AskAsync("hello"));

        var flow = RealFarm.FlowOf(client);
        var endpoint = await farm.B.SingleAsync();
        Assert.Equal(flow, endpoint.Flow);
        Assert.Equal("tag", endpoint.Application);
        Assert.Null(await farm.A.FindAsync(flow));
        await Wait.UntilAsync(async () => (await farm.B.SingleAsync()).SendQueue == 0);
        var packets = clientSide.Stop().Where(p => p.IsTcp && p.Ip.FlowAtSource() == flow || p.IsTcp && p.Ip.FlowAtDestination() == flow).ToList();
        var syn = packets.Single(p => p.Has(TcpFlags.Syn) && !p.Has(TcpFlags.Ack)).Tcp;
        var synAck = packets.Single(p => p.Has(TcpFlags.Syn | TcpFlags.Ack)).Tcp;
        var sequence = (await farm.B.SingleAsync()).Sequence!.Value;
        Assert.Equal(syn.Sequence, sequence.Irs);
        Assert.Equal(synAck.Sequence, sequence.Iss);
        Assert.Equal(syn.Sequence + 1 + "hello\n".Length, sequence.RcvNxt);
        Assert.Equal(synAck.Sequence + 1 + "b 1 hello\n".Length, sequence.SndUna);
        Assert.DoesNotContain(packets, p => p.Has(TcpFlags.Rst));
    }
}
