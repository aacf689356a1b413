using System.Globalization;
using System.Text;
using Baton.Engine;
using Baton.Link;
using Baton.Wire;

namespace Baton.RealPackets.Tests;

/// <summary>R12 to R16: the way of a packet at its home.</summary>
public sealed class PacketPathTests(RealNetwork network)
{
    [RealFact]
    public async Task Of_interleaved_flows_A_identifies_the_owner_of_every_packet()
    {
        await using var farm = await RealFarm.StartAsync(network);
        await farm.ServeTagsAsync("spread");
        var clients = new[]
        {
            await farm.ConnectAsync(FarmSetup.Spread), await farm.ConnectAsync(FarmSetup.Spread), await farm.ConnectAsync(FarmSetup.Spread),
        };
        foreach (var client in clients)
        {
            await client.AskAsync("settle");
        }

        foreach (var node in farm.Nodes)
        {
            await node.WaitForAsync(e => e.SendQueue == 0);
        }

        var trace = new Trace();
        await farm.A.Engine.TraceAsync(trace.Add);
        using var front = farm.Capture(farm.A.Front);
        using var lan = farm.Capture(farm.A.Lan);
        for (int round = 0; round < 5; round++)
        {
            for (int i = 0; i < clients.Length; i++)
            {
                Assert.Equal($"{RealNetwork.NodeNames[i]} {round + 2} {round}", await clients[i].AskAsync($"{round}"));
            }
        }

        await farm.A.Engine.TraceAsync(null);
        var came = front.Stop().In().Where(p => p.IsTcp).ToList();
        var left = lan.Stop().Out();
        Assert.Equal(came.Take(trace.Items.Count).Select(p => (p.Ip.FlowAtDestination(), p.Tcp.Sequence)), trace.Items.Select(t => (t.Flow, t.Sequence)));
        for (int i = 0; i < clients.Length; i++)
        {
            var flow = RealFarm.FlowOf(clients[i]);
            var node = farm.Nodes[i];
            var mine = trace.Items.Where(t => t.Flow == flow).ToList();
            Assert.All(mine, t => Assert.Equal(node.Id, t.Owner));
            Assert.All(mine, t => Assert.Equal(i == 0 ? VerdictKind.Local : VerdictKind.Forward, t.Verdict));
            Assert.Equal(5, came.FromClient(flow).Count(p => p.Payload.Length > 0));
            var forwarded = left.Forwarded(flow);
            Assert.All(forwarded, p => Assert.Equal(node.LanAddress, p.Destination));
            Assert.Equal(
                i == 0 ? [] : came.FromClient(flow).Select(p => p.Packet.ToArray()).ToList(),
                forwarded.Select(p => p.Inner).ToList());
        }
    }

    [RealFact]
    public async Task A_answers_arp_for_its_service_address_and_nobody_elses()
    {
        await using var farm = await RealFarm.StartAsync(network);
        var station = await farm.JoinAsync("front", "198.51.100.50");
        foreach (var node in farm.Nodes)
        {
            station.Send(Frames.Arp(
                station.Mac, MacAddress.Broadcast, new ArpPacket(ArpOperation.Request, station.Mac, station.Address, default, node.ServiceAddress)));
            await station.WaitForAsync(p => IsReply(p, node));
        }

        // Whatever else would have answered has had the time of two more exchanges.
        foreach (var node in farm.Nodes)
        {
            Assert.Equal(node.FrontMac, Assert.Single(station.Seen, p => IsReply(p, node)).Ethernet.Source);
        }

        static bool IsReply(CapturedPacket packet, RealNode node) =>
            packet.IsArp
            && ArpPacket.TryParse(packet.Frame.AsSpan(EthernetHeader.Length), out var arp) == DropReason.None
            && arp.Operation == ArpOperation.Reply
            && arp.SenderAddress == node.ServiceAddress;
    }

    [RealFact]
    public async Task A_frame_for_another_address_is_ignored()
    {
        await using var farm = await RealFarm.StartAsync(network);
        var station = await farm.JoinAsync("front", "198.51.100.50");
        var syn = new TcpHeader { SourcePort = 40000, DestinationPort = FarmSetup.Web, Sequence = new SeqNum(1), Flags = TcpFlags.Syn, Window = 1000 };
        int before = station.Seen.Count;

        // An address that is nobody's; B's service address; and A's own in a frame for another station, which a packet socket
        // does not even get.
        station.SendTcp(farm.A.FrontMac, InetAddress.Parse("198.51.100.77"), syn);
        station.SendTcp(farm.A.FrontMac, farm.B.ServiceAddress, syn);
        station.SendTcp(new MacAddress(0x02_00_00_00_99_99), farm.A.ServiceAddress, syn);

        await Wait.UntilAsync(async () => (await farm.A.Engine.CountersAsync()).Drops is var drops
            && drops.GetValueOrDefault(nameof(DropReason.IpNotOurAddress)) >= 1
            && drops.GetValueOrDefault(nameof(DropReason.NotHome)) >= 1
            && (NodeLinks.Kind == LinkKind.Packet || drops.GetValueOrDefault(nameof(DropReason.NotOurMac)) >= 1));
        foreach (var node in farm.Nodes)
        {
            Assert.Empty(await node.Engine.EndpointsAsync());
        }

        Assert.DoesNotContain(station.Seen.Skip(before), p => p.IsTcp);
    }

    [RealFact]
    public async Task A_local_packet_goes_to_the_stack_with_a_reference_and_a_wrong_one_is_refused()
    {
        await using var farm = await RealFarm.StartAsync(network);
        await farm.ServeTagsAsync("web");
        var client = await farm.ConnectAsync();
        var flow = RealFarm.FlowOf(client);
        var trace = new Trace();
        await farm.A.Engine.TraceAsync(trace.Add);
        Assert.Equal("a 1 one", await client.AskAsync("one"));
        await farm.A.Engine.TraceAsync(null);

        var endpoint = await farm.A.SingleAsync();
        var entry = await farm.A.EntryAsync(flow);
        var line = Assert.Single(trace.Items, t => t.Payload.SequenceEqual("one\n"u8));
        Assert.Equal(VerdictKind.Local, line.Verdict);
        Assert.Equal(entry!.Reference.Span, line.Reference);
        Assert.Equal(endpoint.Id, ReferenceCodec.Id(line.Reference));

        // The same reference but for one bit of its sequence group.
        byte[] wrong = entry.Reference.Span.ToArray();
        wrong[^13] ^= 1;
        await ReplaceAsync(EncodedReference.FromBytes(wrong));
        var ask = client.AskAsync("two");
        await Wait.UntilAsync(async () =>
            (await farm.A.Engine.CountersAsync()).Drops.GetValueOrDefault(nameof(DropReason.ReferenceMismatch)) > 0);
        Assert.Equal("one\n".Length, (await farm.A.SingleAsync()).BytesIn);

        await ReplaceAsync(entry.Reference);
        Assert.Equal("a 2 two", await ask);

        Task ReplaceAsync(EncodedReference reference) => farm.A.Engine.Shard.Call(shard =>
            shard.Flows.Remove(flow) && shard.Flows.TryAdd(flow, farm.A.Id, endpoint.Epoch, in reference) == Director.AddResult.Added);
    }

    [RealFact]
    public async Task The_kernel_knows_nothing_of_the_farms_connections()
    {
        await using var farm = await RealFarm.StartAsync(network);
        await farm.ServeTagsAsync("web");
        var before = farm.Nodes.Select(KernelTcp).ToList();
        using var clientSide = farm.Capture(farm.ClientSide);
        var client = await farm.ConnectAsync();
        foreach (var node in new[] { farm.B, farm.C, farm.A })
        {
            await client.AskAsync("hello");
            await farm.MoveAsync(RealFarm.FlowOf(client), node);
        }

        Assert.Equal("a 4 hello", await client.AskAsync("hello"));

        foreach (var node in farm.Nodes)
        {
            Assert.Empty(RealNetwork.Run(node.Namespace, "ss", "-H", "-a", "-t", "-u", "-n"));
        }

        Assert.DoesNotContain($":{FarmSetup.Web} ", RealNetwork.Run(null, "ss", "-H", "-a", "-t", "-n", "src", "198.51.100.0/24"), StringComparison.Ordinal);
        Assert.Equal(before, farm.Nodes.Select(KernelTcp));
        Assert.DoesNotContain(clientSide.Stop(), p => p.Has(TcpFlags.Rst));
    }

    [RealFact]
    public async Task The_reference_of_a_local_endpoint_carries_four_tuple_and_sequence_numbers()
    {
        await using var farm = await RealFarm.StartAsync(network);
        await farm.ServeTagsAsync("web");
        using var capture = farm.Capture(farm.A.Front);
        var client = await farm.ConnectAsync();
        await client.AskAsync("hello");

        var flow = RealFarm.FlowOf(client);
        var packets = capture.Stop();
        var syn = packets.FromClient(flow).First(p => p.Has(TcpFlags.Syn)).Tcp;
        var synAck = packets.ToClient(flow).First(p => p.Has(TcpFlags.Syn)).Tcp;
        Assert.Equal(
            DropReason.None,
            ReferenceCodec.TryDecode((await farm.A.EntryAsync(flow))!.Reference.Span, out var reference, out var flags, out _, out _));
        Assert.Equal(flow, reference.Flow);
        Assert.Equal((await farm.A.SingleAsync()).Id, reference.Id);
        Assert.Equal(farm.A.LanAddress, reference.OwnerAddress);
        Assert.True(flags.HasFlag(ReferenceFlags.SequenceGroup));
        var sequence = reference.Sequence!.Value;

        // As of the issue: the SYN had come, and nothing had been acknowledged.
        Assert.Equal(synAck.Sequence, sequence.Iss);
        Assert.Equal(syn.Sequence, sequence.Irs);
        Assert.Equal(synAck.Sequence, sequence.SndUna);
        Assert.InRange(sequence.SndNxt - synAck.Sequence, 0, 1);
        Assert.Equal(syn.Sequence + 1, sequence.RcvNxt);
    }

    [RealFact]
    public async Task Applications_bind_accept_receive_and_send_at_A_and_at_B_and_listings_name_their_sockets()
    {
        await using var farm = await RealFarm.StartAsync(network);
        await using var atA = await farm.A.Engine.BindAsync(new BatonEndPoint("web"), "application");
        await using var atB = await farm.B.Engine.BindAsync(new BatonEndPoint("web", 8181), "application");
        var client = await farm.ConnectAsync();
        byte[] buffer = new byte[100];

        var here = await atA.AcceptAsync(Wait.Patience());
        await client.SendAsync("one"u8.ToArray(), Wait.Patience());
        Assert.Equal("one", Encoding.ASCII.GetString(buffer, 0, await here.ReceiveAsync(buffer, Wait.Patience())));
        await here.SendAllAsync("1\n"u8.ToArray(), Wait.Patience());
        Assert.Equal("1", await client.ReadLineAsync());
        Assert.Equal("application on baton://web", (await here.DescribeAsync()).Socket);

        await here.HandOffAsync("b", cancellationToken: Wait.Patience());
        await using var there = await atB.AcceptAsync(Wait.Patience());
        Assert.Equal("a", there.HandedOverFrom);
        await client.SendAsync("two"u8.ToArray(), Wait.Patience());
        Assert.Equal("two", Encoding.ASCII.GetString(buffer, 0, await there.ReceiveAsync(buffer, Wait.Patience())));
        await there.SendAllAsync("2\n"u8.ToArray(), Wait.Patience());
        Assert.Equal("2", await client.ReadLineAsync());
        Assert.Equal("application on baton://web:8181", (await there.DescribeAsync()).Socket);
    }

    /// <summary>The kernel's own TCP segments and resets in a node's namespace.</summary>
    private static (long In, long Out, long Resets) KernelTcp(RealNode node)
    {
        string[] lines = NetworkNamespace.Run(node.Namespace, () => File.ReadAllLines("/proc/thread-self/net/snmp"));
        var tcp = lines.Where(line => line.StartsWith("Tcp:", StringComparison.Ordinal)).Select(line => line.Split(' ')).ToArray();
        long Value(string name) => long.Parse(tcp[1][Array.IndexOf(tcp[0], name)], CultureInfo.InvariantCulture);
        return (Value("InSegs"), Value("OutSegs"), Value("OutRsts"));
    }

    /// <summary>What a node's tracer saw.</summary>
    internal sealed class Trace
    {
        public List<(Flow Flow, SeqNum Sequence, VerdictKind Verdict, NodeId Owner, byte[] Reference, byte[] Payload, bool Forwarded)> Items { get; } = [];

        public void Add(in PacketTrace trace)
        {
            Assert.Equal(DropReason.None, IpPacket.TryParse(trace.Packet, out var packet));
            var payload = packet.Payload(trace.Packet);
            var header = default(TcpHeader);
            int length = UdpHeader.Length;
            if (packet.Protocol == IpProtocol.Tcp)
            {
                Assert.Equal(DropReason.None, TcpHeader.TryParse(payload, out header, out length));
            }

            Items.Add((
                packet.FlowAtDestination(), header.Sequence, trace.Verdict, trace.Owner,
                trace.Reference.ToArray(), payload[length..].ToArray(), trace.WasEncapsulated));
        }
    }
}
