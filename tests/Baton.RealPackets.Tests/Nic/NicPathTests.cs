using Baton.Engine;
using Baton.Link;
using Baton.Testing;
using Baton.Wire;

namespace Baton.RealPackets.Tests;

/// <summary>What the interface forwards by itself on other networks than the usual one, and what it keeps from the host.</summary>
public sealed class NicPathTests
{
    [BpfTheory]
    [InlineData(true, RealNetwork.FrontMtu)]
    [InlineData(false, 9000)]
    [InlineData(true, 9000)]
    public async Task A_moved_connection_is_forwarded_in_the_interface(bool v6, int mtu)
    {
        await using var farm = await NicFarm.StartAsync(frontMtu: mtu);
        await farm.ServeAsync(_ => new Duplex());
        var socket = await farm.ConnectAsync(v6);
        var client = DuplexClient.Start(socket);
        await client.ProgressAsync(1 << 20);
        await NicFarm.MoveAsync(RealFarm.FlowOf(socket), farm.A, farm.B);
        await client.ProgressAsync(1 << 20);

        var before = await farm.A.Engine.CountersAsync();
        const int bytes = 8 << 20;
        await client.ProgressAsync(bytes);
        var after = await farm.A.Engine.CountersAsync();
        Assert.Equal((before.Local, before.Forwarded), (after.Local, after.Forwarded));

        // What the client has written and its kernel has not sent yet is at most its send buffer.
        long packets = (bytes - socket.SendBufferSize) / mtu;
        Assert.InRange(after.NicForwarded - before.NicForwarded, packets, long.MaxValue);
        await client.FinishAsync();
        Assert.Equal(0, after.ResetsSent + (await farm.B.Engine.CountersAsync()).ResetsSent);
    }

    [BpfFact]
    public async Task A_flood_of_syns_from_one_source_ends_in_the_interface_and_others_connect()
    {
        const int burst = 4, syns = 200;
        await using var farm = await NicFarm.StartAsync(new NicOptions { SynRate = 1, SynBurst = burst });
        await farm.ServeAsync(name => new TagServer(name));
        var before = await farm.ConnectAsync();
        var raw = farm.OpenRaw();
        var flooder = InetAddress.Parse("198.51.100.77");
        long created = (await farm.A.Engine.CountersAsync()).EndpointsCreated;
        for (ushort port = 1; port <= syns; port++)
        {
            var syn = new TcpHeader { SourcePort = port, DestinationPort = FarmSetup.Web, Flags = TcpFlags.Syn, Window = 1000 };
            Assert.True(raw.TrySend(FrameOffload.None, Frames.Tcp(raw.Address, farm.A.Front.Address, flooder, NicFarm.Service, syn, default), default));
            raw.Flush();
        }

        await Wait.UntilAsync(async () => await SeenAsync(farm, created) == syns);
        var counters = await farm.A.Engine.CountersAsync();
        Assert.InRange(counters.EndpointsCreated - created, burst, syns / 2);
        var after = await farm.ConnectAsync();
        Assert.Equal(("a 1 one", "a 1 two"), (await before.AskAsync("one"), await after.AskAsync("two")));
    }

    /// <summary>SYNs that made an endpoint, or were dropped in the interface.</summary>
    private static async ValueTask<long> SeenAsync(NicFarm farm, long created)
    {
        var counters = await farm.A.Engine.CountersAsync();
        return counters.EndpointsCreated - created + counters.Drops.GetValueOrDefault(nameof(DropReason.RateLimited));
    }
}
