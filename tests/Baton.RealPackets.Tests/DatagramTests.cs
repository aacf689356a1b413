using System.Net.Sockets;
using System.Text;
using Baton.Engine;
using Baton.Link;
using Baton.Samples;
using Baton.Wire;

namespace Baton.RealPackets.Tests;

/// <summary>R24: for UDP what R12 to R23 say.</summary>
public sealed class DatagramTests(RealNetwork network)
{
    [RealFact]
    public async Task The_first_datagram_makes_an_endpoint_without_a_sequence_group()
    {
        await using var farm = await RealFarm.StartAsync(network);
        var client = farm.ConnectUdp();
        var flow = RealFarm.FlowOf(client);
        await client.SendAsync("first"u8.ToArray(), Wait.Patience());

        var endpoint = await farm.A.WaitForAsync(e => e.Flow == flow);
        Assert.True(endpoint.IsUnattached);
        Assert.Null(endpoint.Sequence);
        Assert.Equal("first".Length, endpoint.ReceiveQueue);
        var entry = await farm.A.EntryAsync(flow);
        Assert.Equal("local", entry!.Verdict);
        Assert.Equal(DropReason.None, ReferenceCodec.TryDecode(entry.Reference.Span, out var reference, out var flags, out _, out _));
        Assert.Equal(flow, reference.Flow);
        Assert.Equal(endpoint.Id, reference.Id);
        Assert.False(flags.HasFlag(ReferenceFlags.SequenceGroup));

        // It waits for an application as a connection would.
        Serve(farm, "udp");
        byte[] buffer = new byte[100];
        Assert.Equal("a 1 first", Encoding.ASCII.GetString(buffer, 0, await client.ReceiveAsync(buffer, Wait.Patience())));
        Assert.Equal("udp-echo on baton://udp", (await farm.A.SingleAsync()).Socket);
    }

    [RealFact]
    public async Task Flows_are_placed_with_their_first_datagram_and_A_identifies_the_owner_of_every_one()
    {
        await using var farm = await RealFarm.StartAsync(network);
        Serve(farm, "udp-spread");
        Socket[] clients = [farm.ConnectUdp(FarmSetup.UdpSpread), farm.ConnectUdp(FarmSetup.UdpSpread), farm.ConnectUdp(FarmSetup.UdpSpread)];
        for (int i = 0; i < clients.Length; i++)
        {
            Assert.Equal($"{RealNetwork.NodeNames[i]} 1 hello", await clients[i].AskDatagramAsync("hello"));
        }

        var trace = new PacketPathTests.Trace();
        await farm.A.Engine.TraceAsync(trace.Add);
        using var front = farm.Capture(farm.A.Front);
        using var lan = farm.Capture(farm.A.Lan);
        for (int round = 0; round < 5; round++)
        {
            for (int i = 0; i < clients.Length; i++)
            {
                Assert.Equal($"{RealNetwork.NodeNames[i]} {round + 2} {round}", await clients[i].AskDatagramAsync($"{round}"));
            }
        }

        await farm.A.Engine.TraceAsync(null);
        var came = front.Stop().In();
        var left = lan.Stop().Out();
        for (int i = 0; i < clients.Length; i++)
        {
            var flow = RealFarm.FlowOf(clients[i]);
            Assert.Equal(5, trace.Items.Count(t => t.Flow == flow && t.Owner == farm.Nodes[i].Id));
            Assert.Equal(5, came.FromClient(flow).Count);
            Assert.Equal(
                i == 0 ? [] : came.FromClient(flow).Select(p => p.Packet.ToArray()).ToList(),
                left.Forwarded(flow).Select(p => p.Inner).ToList());
        }
    }

    [RealFact]
    public async Task A_batch_of_the_clients_kernel_reaches_another_owner_as_its_datagrams()
    {
        const int SOL_UDP = 17, UDP_SEGMENT = 103;
        await using var farm = await RealFarm.StartAsync(network);
        Serve(farm, "udp-spread");
        await farm.ConnectUdp(FarmSetup.UdpSpread).AskDatagramAsync("at a");
        var client = farm.ConnectUdp(FarmSetup.UdpSpread);
        Assert.Equal("b 1 hello", await client.AskDatagramAsync("hello"));

        client.SetRawSocketOption(SOL_UDP, UDP_SEGMENT, BitConverter.GetBytes(5));
        await client.SendAsync("one..two..end"u8.ToArray(), Wait.Patience());
        byte[] buffer = new byte[100];
        foreach (string answer in (string[])["b 2 one..", "b 3 two..", "b 4 end"])
        {
            Assert.Equal(answer, Encoding.ASCII.GetString(buffer, 0, await client.ReceiveAsync(buffer, Wait.Patience())));
        }
    }

    [RealFact]
    public async Task A_flow_moves_and_the_next_owner_answers_directly_from_the_address_used()
    {
        await using var farm = await RealFarm.StartAsync(network);
        Serve(farm, "udp");
        var client = farm.ConnectUdp();
        var flow = RealFarm.FlowOf(client);
        Assert.Equal("a 1 one", await client.AskDatagramAsync("one"));

        await farm.MoveAsync(flow, farm.B);
        using var frontA = farm.Capture(farm.A.Front);
        using var frontB = farm.Capture(farm.B.Front);
        using var lan = farm.Capture(farm.A.Lan);
        Assert.Equal("b 2 two", await client.AskDatagramAsync("two"));

        Assert.Equal("forward to b", (await farm.A.EntryAsync(flow))!.Verdict);
        var answer = Assert.Single(frontB.Stop().Out().ToClient(flow));
        Assert.Equal(farm.A.ServiceAddress, answer.Source);
        Assert.Equal(farm.B.FrontMac, answer.Ethernet.Source);
        Assert.Empty(frontA.Stop().ToClient(flow));
        var forwarded = Assert.Single(lan.Stop().Out().Forwarded(flow));
        Assert.Equal(ReferenceFlags.Forwarded, forwarded.Flags);
        Assert.All(forwarded.ReferenceBytes[36..56], b => Assert.Equal(0, b));
        Assert.Equal((await farm.B.SingleAsync()).Id, forwarded.Reference.Id);

        await farm.MoveAsync(flow, farm.C);
        await farm.MoveAsync(flow, farm.A);
        Assert.Equal("a 3 three", await client.AskDatagramAsync("three"));
    }

    [RealFact]
    public async Task Datagrams_are_inside_byte_for_byte_up_to_full_size_and_reach_the_application_whole()
    {
        await using var farm = await RealFarm.StartAsync(network, new FarmSetup { Offloads = LinkOffloads.None });
        await using var atA = await farm.A.Engine.BindDatagramAsync(new BatonEndPoint("udp"), "application");
        await using var atB = await farm.B.Engine.BindDatagramAsync(new BatonEndPoint("udp"), "application");
        var client = farm.ConnectUdp();
        var flow = RealFarm.FlowOf(client);
        await client.SendAsync("first"u8.ToArray(), Wait.Patience());
        var here = await atA.AcceptAsync(Wait.Patience());
        await here.ReceiveAsync(new byte[100], Wait.Patience());
        await here.HandOffAsync("b", cancellationToken: Wait.Patience());
        await using var there = await atB.AcceptAsync(Wait.Patience());
        using var router = new RouterCapture(network);
        using var lan = farm.Capture(farm.A.Lan);

        byte[] received = new byte[2000];
        foreach (int length in (int[])[0, 1, 2, 3, 100, 1471, 1472])
        {
            byte[] datagram = new byte[length];
            new GeneratedStream((ulong)length).Fill(0, datagram);
            await client.SendAsync(datagram, Wait.Patience());
            Assert.Equal(length, await there.ReceiveAsync(received, Wait.Patience()));
            Assert.True(received.AsSpan(0, length).SequenceEqual(datagram));
        }

        await Wait.UntilAsync(() => router.Packets.FromClient(flow).Count(p => p.Ip.Ttl == 63) == 7);
        var inner = lan.Stop().Out().Forwarded(flow).Select(p => p.Inner).ToList();
        Assert.Equal(router.Packets.FromClient(flow).Where(p => p.Ip.Ttl == 63).Select(p => p.Packet.ToArray()).ToList(), inner);
        Assert.Equal(RealNetwork.FrontMtu, inner[^1].Length);
    }

    [RealFact]
    public async Task A_datagram_whose_reference_alone_was_altered_is_refused_and_one_to_no_service_never_forwarded()
    {
        await using var farm = await RealFarm.StartAsync(network);
        Serve(farm, "udp");
        var client = farm.ConnectUdp();
        var flow = RealFarm.FlowOf(client);
        Assert.Equal("a 1 one", await client.AskDatagramAsync("one"));
        await farm.MoveAsync(flow, farm.B);
        using var lan = farm.Capture(farm.A.Lan);
        Assert.Equal("b 2 two", await client.AskDatagramAsync("two"));
        var forwarded = Assert.Single(lan.Stop().Out().Forwarded(flow));
        var forger = await farm.JoinAsync("lan", "192.0.2.99");
        long before = (await farm.B.SingleAsync()).BytesIn;
        long drops = await DropsAsync(farm.B);

        int header = forwarded.Frame.AsSpan().IndexOf(forwarded.ReferenceBytes);
        int sent = 0;
        for (int at = 0; at < forwarded.ReferenceBytes.Length; at++)
        {
            if (at != ReferenceCodec.HopCountOffset)
            {
                byte[] frame = [.. forwarded.Frame];
                forger.Mac.CopyTo(frame.AsSpan(6));
                frame[header + at] ^= 1;
                forger.Send(frame);
                sent++;
            }
        }

        await Wait.UntilAsync(async () => await DropsAsync(farm.B) >= drops + sent);
        Assert.Equal(before, (await farm.B.SingleAsync()).BytesIn);

        // A port that is no service's: an ICMP error, and nothing on the lan.
        using var after = farm.Capture(farm.A.Lan);
        var stray = farm.ConnectUdp(9);
        await stray.SendAsync("?"u8.ToArray(), Wait.Patience());
        await Assert.ThrowsAsync<SocketException>(async () => await stray.ReceiveAsync(new byte[10], Wait.Patience()));
        Assert.DoesNotContain(after.Stop(), p => p.IsEncapsulated);
    }

    private static async Task<long> DropsAsync(RealNode node) =>
        (await node.Engine.CountersAsync()).Drops.Where(d => d.Key != nameof(DropReason.NotOurMac)).Sum(d => d.Value);

    private static void Serve(RealFarm farm, string service)
    {
        foreach (var node in farm.Nodes)
        {
            _ = new UdpEcho(node.Name, node.Engine).RunAsync(new BatonEndPoint(service), farm.Stopping);
        }
    }
}
