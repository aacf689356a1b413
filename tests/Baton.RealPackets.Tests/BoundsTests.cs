using System.Net.Sockets;
using Baton.Engine;
using Baton.Testing;
using Baton.Wire;

namespace Baton.RealPackets.Tests;

/// <summary>R35: what can grow is bounded, and goes when its reason is gone.</summary>
public sealed class BoundsTests(RealNetwork network)
{
    private static int Rounds => QuickForm.Or(20, quick: 2);

    [RealFact]
    public async Task Unattached_endpoints_are_limited_and_go_when_their_time_is_over()
    {
        await using var farm = await RealFarm.StartAsync(network, new FarmSetup
        {
            Limits = new EngineLimits { UnattachedEndpoints = 5, UnattachedTimeout = TimeSpan.FromSeconds(2) },
        });
        var station = await farm.JoinAsync("front", "198.51.100.50");
        for (ushort port = 40000; port < 40012; port++)
        {
            station.SendTcp(farm.A.FrontMac, farm.A.ServiceAddress, new TcpHeader
            {
                SourcePort = port,
                DestinationPort = FarmSetup.Web,
                Sequence = new SeqNum(1),
                Flags = TcpFlags.Syn,
                Window = 1000,
            });
        }

        await Wait.UntilAsync(async () =>
            (await farm.A.Engine.CountersAsync()).Drops.GetValueOrDefault(nameof(DropReason.EndpointTableFull)) >= 7);
        var counters = await farm.A.Engine.CountersAsync();
        Assert.Equal(5, counters.Unattached);
        Assert.Equal(5, counters.Flows);

        await Wait.UntilAsync(async () => await IsEmptyAsync(farm));
        Assert.True((await farm.A.Engine.CountersAsync()).Drops[nameof(DropReason.UnattachedTooLong)] >= 1);
    }

    [RealFact]
    public async Task The_directory_is_limited()
    {
        await using var farm = await RealFarm.StartAsync(network, new FarmSetup { Limits = new EngineLimits { Flows = 16 } });
        await farm.ServeTagsAsync("web");
        var station = await farm.JoinAsync("front", "198.51.100.50");
        for (ushort port = 40000; port < 40040; port++)
        {
            station.SendTcp(farm.A.FrontMac, farm.A.ServiceAddress, new TcpHeader
            {
                SourcePort = port,
                DestinationPort = FarmSetup.Web,
                Sequence = new SeqNum(1),
                Flags = TcpFlags.Syn,
                Window = 1000,
            });
        }

        await Wait.UntilAsync(async () =>
            (await farm.A.Engine.CountersAsync()).Drops.GetValueOrDefault(nameof(DropReason.FlowTableFull)) >= 1);
        Assert.InRange((await farm.A.Engine.CountersAsync()).Flows, 16, 32);
    }

    [RealFact]
    public async Task Held_packets_are_limited_and_what_is_too_much_is_counted()
    {
        Gate? gate = null;
        await using var farm = await RealFarm.StartAsync(network, new FarmSetup
        {
            Limits = new EngineLimits { HeldPackets = 4 },
            LanOf = (name, link) => name == "b" ? gate = new Gate(link) : link,
        });
        await farm.ServeTagsAsync("web");
        var client = await farm.ConnectAsync();
        await client.AskAsync("one");
        var endpoint = await farm.A.SingleAsync();

        // B takes STATE and says nothing any more: A stays frozen until it has noticed.
        gate!.CloseAfter(1);
        var move = farm.A.Engine.MoveAsync(endpoint.Id, "b", Wait.Patience()).AsTask();
        int lines = 0;
        while (!move.IsCompleted && lines < 200)
        {
            await client.SendAsync(System.Text.Encoding.ASCII.GetBytes($"{lines++}\n"), Wait.Patience());
            await Task.Delay(2);
        }

        Assert.False((await move).Moved);
        Assert.True((await farm.A.Engine.CountersAsync()).Drops.GetValueOrDefault(nameof(DropReason.HeldQueueFull)) > 0);

        // What was dropped the client has sent again.
        for (int i = 0; i < lines; i++)
        {
            Assert.Equal($"a {i + 2} {i}", await client.ReadLineAsync());
        }
    }

    [RealTheory]
    [InlineData("fin")]
    [InlineData("rst")]
    public async Task A_forwarding_entry_goes_with_its_connection(string end)
    {
        await using var farm = await RealFarm.StartAsync(network, new FarmSetup { Limits = Short });
        await farm.ServeTagsAsync("web");
        var client = await farm.ConnectAsync();
        var flow = RealFarm.FlowOf(client);
        await client.AskAsync("one");
        await farm.MoveAsync(flow, farm.B);
        await client.AskAsync("two");
        Assert.Equal("forward to b", (await farm.A.EntryAsync(flow))!.Verdict);

        if (end == "rst")
        {
            client.LingerState = new LingerOption(true, 0);
        }

        client.Dispose();

        await Wait.UntilAsync(async () => await IsEmptyAsync(farm));
    }

    [RealFact]
    public async Task Idle_datagram_flows_go_with_their_entries()
    {
        await using var farm = await RealFarm.StartAsync(network, new FarmSetup
        {
            Limits = Short with { DatagramIdle = TimeSpan.FromSeconds(2), UnattachedTimeout = TimeSpan.FromSeconds(2) },
        });
        var client = farm.ConnectUdp();
        await client.SendAsync("one"u8.ToArray(), Wait.Patience());
        await farm.A.WaitForAsync(e => e.Service == "udp");
        await farm.MoveAsync(RealFarm.FlowOf(client), farm.B);
        Assert.Single(await farm.A.Engine.ForwardingEntriesAsync());

        await Wait.UntilAsync(async () => await IsEmptyAsync(farm));
    }

    [RealFact]
    public async Task A_soak_of_connections_that_come_move_and_go_ends_at_zero()
    {
        await using var farm = await RealFarm.StartAsync(network, new FarmSetup { Limits = Short });
        await farm.ServeTagsAsync("spread");
        var random = new Random(1);
        for (int round = 0; round < Rounds; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 25).Select(async _ =>
            {
                var client = await farm.ConnectAsync(FarmSetup.Spread, farm.Nodes[random.Next(3)]);
                await client.AskAsync("one");
                await farm.MoveAsync(RealFarm.FlowOf(client), await OtherAsync(farm, RealFarm.FlowOf(client)));
                await client.AskAsync("two");
                if (random.Next(4) == 0)
                {
                    client.LingerState = new LingerOption(true, 0);
                }

                client.Dispose();
            }));
        }

        await Wait.UntilAsync(async () => await IsEmptyAsync(farm));
        long created = 0;
        foreach (var node in farm.Nodes)
        {
            created += (await node.Engine.CountersAsync()).EndpointsCreated;
        }

        Assert.Equal(25 * Rounds, created);
    }

    /// <summary>Tombstones that do not outlive a test.</summary>
    private static EngineLimits Short => new() { TombstoneTime = TimeSpan.FromMilliseconds(500) };

    private static async Task<RealNode> OtherAsync(RealFarm farm, Flow flow)
    {
        var (node, _) = await farm.OwnerAsync(flow);
        return farm.Nodes[(farm.Nodes.IndexOf(node) + 1) % 3];
    }

    private static async Task<bool> IsEmptyAsync(RealFarm farm)
    {
        foreach (var node in farm.Nodes)
        {
            var c = await node.Engine.CountersAsync();
            if (c.Endpoints + c.Unattached + c.Flows + c.Tombstones != 0)
            {
                return false;
            }
        }

        return true;
    }
}
