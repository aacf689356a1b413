using Baton.Engine;
using Baton.Link;
using Baton.Testing;
using Baton.Wire;

namespace Baton.RealPackets.Tests;

/// <summary>R26: the first device that a client's packet meets is the interface, which knows where each connection lives.</summary>
public sealed class NicModeTests
{
    private const ushort ClientPort = 5353;

    private static readonly Flow s_datagrams = new(
        IpProtocol.Udp, new(NicFarm.Service, FarmSetup.Udp, InetAddress.Parse(NicNetwork.Client), ClientPort));

    [BpfTheory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task The_interface_forwards_a_moved_connection_and_the_host_sees_none_of_its_packets(int shards)
    {
        await using var farm = await NicFarm.StartAsync(shards: shards);
        Assert.Equal("front: its program forwards by itself what other nodes own, since front and lan are both xdp", farm.A.Links.Reason);
        await farm.ServeAsync(_ => new Duplex());
        var socket = await farm.ConnectAsync();
        var flow = RealFarm.FlowOf(socket);
        var client = DuplexClient.Start(socket);
        await client.ProgressAsync(1 << 20);
        Assert.Equal(0, (await farm.A.Engine.CountersAsync()).NicForwarded);

        await NicFarm.MoveAsync(flow, farm.A, farm.B);
        await client.ProgressAsync(1 << 20);
        long received = ClientsFrames(farm.A);
        var before = await farm.A.Engine.CountersAsync();
        const int bytes = 32 << 20;
        await client.ProgressAsync(bytes);
        var after = await farm.A.Engine.CountersAsync();

        Assert.Equal(received, ClientsFrames(farm.A));
        Assert.Equal((before.Local, before.Forwarded), (after.Local, after.Forwarded));
        Assert.True(after.NicForwarded - before.NicForwarded > bytes / RealNetwork.FrontMtu, $"{before.NicForwarded}, then {after.NicForwarded}");

        // Back again: they come up, with the endpoint's id and epoch, and none is forwarded any more.
        await NicFarm.MoveAsync(flow, farm.B, farm.A);
        await client.ProgressAsync(4 << 20);
        before = await farm.A.Engine.CountersAsync();
        await client.ProgressAsync(4 << 20);
        after = await farm.A.Engine.CountersAsync();
        Assert.True(after.Local > before.Local);
        Assert.Equal(before.NicForwarded, after.NicForwarded);
        Assert.Equal(0, after.NicStale);
        await client.FinishAsync();
        Assert.Equal(0, after.ResetsSent + (await farm.B.Engine.CountersAsync()).ResetsSent);

        // Closed: the directory has forgotten the flow, and the interface with it.
        await Wait.UntilAsync(() => farm.A.Entries == 0);
    }

    [BpfFact]
    public async Task What_the_interface_forwards_is_byte_for_byte_what_the_host_would()
    {
        await using var farm = await NicFarm.StartAsync();
        var raw = farm.OpenRaw();
        await MoveDatagramsAsync(farm, raw);
        using var capture = new Capture(farm.B.Lan);
        var payloads = new int[] { 0, 1, 18, 500, 1471, 1472 }.Select(length => Enumerable.Range(0, length).Select(i => (byte)(i * 7)).ToArray()).ToList();

        // The same frames twice: the flow stands in the map, and not.
        foreach (byte[] payload in payloads)
        {
            SendDatagram(farm, raw, payload);
        }

        await Wait.UntilAsync(async () => (await farm.A.Engine.CountersAsync()).NicForwarded == payloads.Count);
        Assert.Equal(0, (await farm.A.Engine.CountersAsync()).Forwarded);
        Assert.True(farm.A.Nic.Remove(s_datagrams));
        foreach (byte[] payload in payloads)
        {
            SendDatagram(farm, raw, payload);
        }

        await Wait.UntilAsync(async () => (await farm.A.Engine.CountersAsync()).Forwarded == payloads.Count);
        await Wait.UntilAsync(async () => (await farm.B.Engine.CountersAsync()).Decapsulated == 2 * payloads.Count);
        var frames = capture.Stop().In().Forwarded(s_datagrams).Select(packet => Convert.ToHexString(packet.Frame)).ToList();
        Assert.Equal(2 * payloads.Count, frames.Count);
        Assert.Equal(frames[payloads.Count..], frames[..payloads.Count]);
    }

    [BpfFact]
    public async Task A_flow_that_the_interface_has_no_room_for_is_the_hosts_and_counted()
    {
        await using var farm = await NicFarm.StartAsync(new NicOptions { Flows = 1, Endpoints = 1 });
        await farm.ServeAsync(name => new TagServer(name));
        var first = await farm.ConnectAsync();
        var second = await farm.ConnectAsync();
        Assert.Equal(("a 1 one", "a 1 one"), (await first.AskAsync("one"), await second.AskAsync("one")));
        Assert.Equal(1, farm.A.Entries);
        Assert.True((await farm.A.Engine.CountersAsync()).NicOverflows >= 2);

        await NicFarm.MoveAsync(RealFarm.FlowOf(first), farm.A, farm.B);
        await NicFarm.MoveAsync(RealFarm.FlowOf(second), farm.A, farm.B);
        Assert.Equal(("b 2 two", "b 2 two"), (await first.AskAsync("two"), await second.AskAsync("two")));
        var counters = await farm.A.Engine.CountersAsync();
        Assert.True(counters.Forwarded > 0);
        Assert.True(counters.NicForwarded > 0);
    }

    [BpfFact]
    public async Task When_another_nodes_Ethernet_address_changes_the_interface_follows()
    {
        await using var farm = await NicFarm.StartAsync();
        var raw = farm.OpenRaw();
        await MoveDatagramsAsync(farm, raw);
        var elsewhere = new MacAddress(0x02_00_00_00_00_77);
        Assert.Equal(farm.B.Lan.Address, NextHop(farm.A));

        using var lan = PacketLink.Open(new PacketOptions { Name = "lan", Namespace = farm.Network["switch"] });
        SayWhereBIs(farm, lan, elsewhere);
        await Wait.UntilAsync(() => NextHop(farm.A) == elsewhere);
        SayWhereBIs(farm, lan, farm.B.Lan.Address);
        await Wait.UntilAsync(() => NextHop(farm.A) == farm.B.Lan.Address);

        SendDatagram(farm, raw, [1, 2, 3]);
        await Wait.UntilAsync(async () => (await farm.B.Engine.CountersAsync()).Decapsulated > 0);
    }

    [BpfFact]
    public async Task A_home_that_has_given_its_address_away_forwards_nothing_on_the_interface()
    {
        await using var farm = await NicFarm.StartAsync();
        await farm.ServeAsync(_ => new Duplex());
        var socket = await farm.ConnectAsync();
        var client = DuplexClient.Start(socket);
        await NicFarm.MoveAsync(RealFarm.FlowOf(socket), farm.A, farm.B);
        await client.ProgressAsync(1 << 20);
        Assert.Equal(1, farm.A.Entries);

        // The client goes on sending to A, as a router does that has not heard yet: the host forwards what it knows.
        Assert.True(await farm.A.Engine.Shard.Call(shard => shard.YieldHome(NicFarm.Service, new NodeId(2))));
        await Wait.UntilAsync(() => farm.A.Entries == 0);
        long forwarded = (await farm.A.Engine.CountersAsync()).NicForwarded;
        await Wait.UntilAsync(() => farm.B.Entries == 1);
        farm.Network.Ip("client", "neighbour", "replace", NicFarm.Service.ToString(), "lladdr", farm.B.Front.Address.ToString(), "dev", "front");
        await client.ProgressAsync(1 << 20);

        Assert.Equal(forwarded, (await farm.A.Engine.CountersAsync()).NicForwarded);
        await client.FinishAsync();
        await Wait.UntilAsync(() => farm.B.Entries == 0);
    }

    [BpfFact]
    public async Task When_the_interface_knows_another_endpoint_than_the_directory_the_directory_is_right()
    {
        await using var farm = await NicFarm.StartAsync();
        await farm.ServeAsync(name => new TagServer(name));
        var socket = await farm.ConnectAsync();
        Assert.Equal("a 1 one", await socket.AskAsync("one"));
        Assert.Equal(0, (await farm.A.Engine.CountersAsync()).NicStale);

        var flow = RealFarm.FlowOf(socket);
        var entry = (await farm.A.Engine.ForwardingEntriesAsync()).Single(e => e.Flow == flow);
        Assert.True(farm.A.Nic.TryWrite(flow, VerdictKind.Local, entry.Owner, entry.Epoch + 1, entry.Reference, 50_000));

        Assert.Equal("a 2 two", await socket.AskAsync("two"));
        Assert.True((await farm.A.Engine.CountersAsync()).NicStale > 0);
    }

    [BpfFact]
    public async Task What_is_not_the_farms_is_the_kernels_also_after_the_node_was_killed()
    {
        using var network = new NicNetwork();
        await using (var node = NodeProcess.Start(network["a"], "a", "xdp"))
        {
            await Wait.UntilAsync(() => network.Shown("a", "front").Contains("baton_nic", StringComparison.Ordinal));
            Assert.Equal(0, Ping(network, NicNetwork.KernelOfA));
            await Wait.UntilAsync(() => Ping(network, "198.51.100.11") == 0, "the node's own stack answers");
            await node.KillAsync();
        }

        // Within a second nothing of the node's is left on the interface.
        var killed = MonotonicClock.Now;
        await Wait.UntilAsync(() => !network.Shown("a", "front").Contains("prog/xdp", StringComparison.Ordinal));
        Assert.Equal(0, Ping(network, NicNetwork.KernelOfA));
        Assert.True(MonotonicClock.Now - killed < TimeSpan.FromSeconds(1));
    }

    /// <summary>
    /// Frames of clients' flows that went to A's XDP sockets. What neighbours ask and say goes there too, more of it the longer
    /// a test takes; a client's frame among that would be counted by the host.
    /// </summary>
    private static long ClientsFrames(NicNode a) => a.Nic.Front.Count(NicVerdict.Local) + a.Nic.Front.Count(NicVerdict.Unknown);

    private static int Ping(NicNetwork network, string address) => RealNetwork.TryRun(network["client"], "ping", "-c", "1", "-W", "1", address).Status;

    private static MacAddress NextHop(NicNode node)
    {
        Assert.True(node.Nic.Front.Maps.NextHops.TryRead(2, out var hop));
        return EthernetHeader.TryParse(hop.Headers, out var ethernet) ? ethernet.Destination : default;
    }

    /// <summary>The flow's first datagram made an endpoint at A; it goes to B.</summary>
    private static async Task MoveDatagramsAsync(NicFarm farm, PacketLink raw)
    {
        // The client's kernel has no such socket: who answers is not asked for.
        SendDatagram(farm, raw, [0]);
        await NicFarm.MoveAsync(s_datagrams, farm.A, farm.B);
        await Wait.UntilAsync(() => farm.A.Nic.Front.Maps.NextHops.TryRead(2, out var hop) && hop.Mtu > 0);
    }

    private static void SendDatagram(NicFarm farm, PacketLink raw, byte[] payload)
    {
        byte[] frame = Frames.Udp(raw.Address, farm.A.Front.Address, InetAddress.Parse(NicNetwork.Client), NicFarm.Service, ClientPort, FarmSetup.Udp, payload);
        Assert.True(raw.TrySend(FrameOffload.None, frame, default));
        raw.Flush();
    }

    /// <summary>ARP of B's that only A hears.</summary>
    private static void SayWhereBIs(NicFarm farm, PacketLink lan, MacAddress mac)
    {
        var b = InetAddress.Parse("192.0.2.2");
        byte[] frame = Frames.Arp(mac, farm.A.Lan.Address, new ArpPacket(ArpOperation.Reply, mac, b, mac, b));
        Assert.True(lan.TrySend(FrameOffload.None, frame, default));
        lan.Flush();
    }
}
