using Baton.Engine;
using Baton.Wire;

namespace Baton.RealPackets.Tests;

/// <summary>R1 to R5: the first packet makes an endpoint, which is what the wire shows.</summary>
public sealed class EstablishingTests(RealNetwork network)
{
    [RealFact]
    public async Task A_syn_only_leaves_one_unattached_endpoint()
    {
        await using var farm = await RealFarm.StartAsync(network);
        await farm.ServeTagsAsync("web");
        var station = farm.Join("front", "198.51.100.50");

        station.SendTcp(farm.A.FrontMac, farm.A.ServiceAddress, new TcpHeader
        {
            SourcePort = 40000,
            DestinationPort = FarmSetup.Web,
            Sequence = new SeqNum(1000),
            Flags = TcpFlags.Syn,
            Window = 65535,
        });

        var answer = await station.WaitForAsync(p => p.Has(TcpFlags.Syn | TcpFlags.Ack));
        Assert.Equal(new SeqNum(1001), answer.Tcp.Acknowledgment);
        var endpoint = await farm.A.SingleAsync();
        Assert.True(endpoint.IsUnattached);
        Assert.Equal("SYN-RECEIVED", endpoint.State);
        Assert.Equal("web", endpoint.Service);
        Assert.Equal(answer.Tcp.Sequence, endpoint.Sequence!.Value.Iss);
        Assert.Equal(new SeqNum(1000), endpoint.Sequence!.Value.Irs);
        Assert.Equal(1, (await farm.A.Engine.CountersAsync()).Unattached);
        Assert.Empty(await farm.B.Engine.EndpointsAsync());
        Assert.Empty(await farm.C.Engine.EndpointsAsync());
    }
}
