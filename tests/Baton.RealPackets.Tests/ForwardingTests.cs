using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using Baton.Link;
using Baton.Wire;

namespace Baton.RealPackets.Tests;

/// <summary>R17 to R23 and R25: packets of connections that live elsewhere.</summary>
public sealed class ForwardingTests(RealNetwork network)
{
    private const int HopCountOffset = ReferenceCodec.HopCountOffset;

    [RealFact]
    public async Task Each_packet_of_a_moved_connection_is_forwarded_once_and_those_of_no_connection_never()
    {
        await using var farm = await RealFarm.StartAsync(network);
        await farm.ServeTagsAsync("web");
        var client = await farm.ConnectAsync();
        var flow = RealFarm.FlowOf(client);
        await client.AskAsync("one");
        await farm.MoveAsync(flow, farm.B);
        await client.AskAsync("two");
        await farm.B.WaitForAsync(e => e.SendQueue == 0);
        using var front = farm.Capture(farm.A.Front);
        using var atA = farm.Capture(farm.A.Lan);
        using var atB = farm.Capture(farm.B.Lan);
        using var atC = farm.Capture(farm.C.Lan);

        for (int i = 0; i < 10; i++)
        {
            await client.AskAsync($"line {i}");
        }

        // A segment of a connection that nobody knows: RST, and nothing on the lan.
        var station = await farm.JoinAsync("front", "198.51.100.50");
        station.SendTcp(farm.A.FrontMac, farm.A.ServiceAddress, new TcpHeader
        {
            SourcePort = 40000,
            DestinationPort = FarmSetup.Web,
            Sequence = new SeqNum(1),
            Acknowledgment = new SeqNum(777),
            Flags = TcpFlags.Ack,
        });
        var reset = await station.WaitForAsync(p => p.Has(TcpFlags.Rst));
        Assert.Equal(new SeqNum(777), reset.Tcp.Sequence);

        await farm.B.WaitForAsync(e => e.SendQueue == 0);
        var came = front.Stop().In().FromClient(flow).Select(p => p.Packet.ToArray()).ToList();
        var sent = atA.Stop().Where(p => p.IsEncapsulated).ToList();
        Assert.True(came.Count >= 10);
        Assert.Equal(came, sent.Select(p => p.Inner).ToList());
        Assert.All(sent, p => Assert.Equal((farm.A.LanAddress, farm.B.LanAddress), (p.Source, p.Destination)));
        Assert.Equal(came, atB.Stop().In().Forwarded(flow).Select(p => p.Inner).ToList());
        Assert.DoesNotContain(atC.Stop(), p => p.IsEncapsulated);
    }

    [RealFact]
    public async Task A_tombstone_forwards_a_late_packet_again_with_one_hop_less()
    {
        await using var farm = await RealFarm.StartAsync(network);
        await farm.ServeTagsAsync("web");
        var client = await farm.ConnectAsync();
        var flow = RealFarm.FlowOf(client);
        await client.AskAsync("one");
        await farm.MoveAsync(flow, farm.B);
        using var early = farm.Capture(farm.A.Lan);
        await client.AskAsync("two");
        var late = early.Stop().Out().Forwarded(flow)[0];
        await farm.MoveAsync(flow, farm.C);
        await client.AskAsync("three");

        // A frame that the lan has kept for so long: A still believed B to be the owner.
        using var atB = farm.Capture(farm.B.Lan);
        using var atC = farm.Capture(farm.C.Lan);
        var station = await farm.JoinAsync("lan", "192.0.2.99");
        station.Send(WithSource(late.Frame, station.Mac));

        await Wait.UntilAsync(async () => (await farm.B.Engine.CountersAsync()).ForwardedByTombstone == 1);
        var again = Assert.Single(atB.Stop().Out().Forwarded(flow));
        Assert.Equal(farm.C.LanAddress, again.Destination);
        Assert.Equal(ReferenceCodec.InitialHops - 1, again.Hops);
        Assert.Equal(late.Inner, again.Inner);
        Assert.Equal((await farm.C.SingleAsync()).Id, again.Reference.Id);
        Assert.Equal("c 4 four", await client.AskAsync("four"));
        Assert.Contains(atC.Stop().In().Forwarded(flow), p => p.Hops == ReferenceCodec.InitialHops - 1);

        // With no hop left it is dropped.
        byte[] spent = WithSource(late.Frame, station.Mac);
        spent[late.Frame.AsSpan().IndexOf(late.ReferenceBytes) + HopCountOffset] = 1;
        station.Send(spent);
        await Wait.UntilAsync(async () =>
            (await farm.B.Engine.CountersAsync()).Drops.GetValueOrDefault(nameof(DropReason.HopsExhausted)) == 1);
    }

    [RealFact]
    public async Task A_packet_whose_reference_alone_was_altered_is_refused_by_the_owner()
    {
        await using var farm = await RealFarm.StartAsync(network);
        await farm.ServeTagsAsync("web");
        var station = await farm.JoinAsync("front", "198.51.100.50");
        var client = new HandClient(station, farm.A, FarmSetup.Web, 41000);
        await client.ConnectAsync();
        client.SendLine("one");
        Assert.Equal("a 1 one", await client.AnswerAsync());
        await farm.MoveAsync(client.Flow, farm.B);
        var entry = await farm.A.EntryAsync(client.Flow);
        byte[] reference = entry!.Reference.Span.ToArray();
        var forger = await farm.JoinAsync("lan", "192.0.2.99");
        var before = await farm.B.WaitForAsync(e => e.SendQueue == 0);
        long drops = await DropsAsync(farm.B);
        using var answers = farm.Capture(farm.B.Front);
        using var lan = farm.Capture(farm.B.Lan);

        int sent = 0;
        for (int at = 0; at < reference.Length; at++)
        {
            if (at == HopCountOffset)
            {
                continue;
            }

            byte[] altered = [.. reference];
            altered[at] ^= 1;
            forger.Send(Encapsulate(farm, forger.Mac, altered, client.NextPacket("forged")));
            sent++;
        }

        await Wait.UntilAsync(async () => await DropsAsync(farm.B) >= drops + sent);
        var after = await farm.B.SingleAsync();
        Assert.Equal(before.Sequence, after.Sequence);
        Assert.Equal(before.BytesIn, after.BytesIn);
        Assert.DoesNotContain(answers.Stop().Out(), p => p.IsIp);
        Assert.DoesNotContain(lan.Stop().Out(), p => p.IsIp && p.Destination == forger.Address || p.IsEncapsulated);

        // The very same packet with the reference as issued has its effect.
        forger.Send(Encapsulate(farm, forger.Mac, reference, client.NextPacket("true", sent: true)));
        Assert.Equal("b 2 true", await client.AnswerAsync());
    }

    [RealFact]
    public async Task One_header_alone_has_every_field_and_the_owners_port_can_be_another_than_As()
    {
        await using var farm = await RealFarm.StartAsync(network);
        await using var atA = await farm.A.Engine.BindAsync(new Engine.BatonEndPoint("web", 8080), "application");
        await using var atB = await farm.B.Engine.BindAsync(new Engine.BatonEndPoint("web", 9090), "application");
        using var front = farm.Capture(farm.A.Front);
        using var lan = farm.Capture(farm.A.Lan);
        var client = await farm.ConnectAsync();
        var flow = RealFarm.FlowOf(client);
        var here = await atA.AcceptAsync(Wait.Patience());
        Assert.Equal(8080, (await here.DescribeAsync()).OwnerPort);
        await here.HandOffAsync("b", cancellationToken: Wait.Patience());
        await using var there = await atB.AcceptAsync(Wait.Patience());
        await client.SendAsync("x"u8.ToArray(), Wait.Patience());
        await there.ReceiveAsync(new byte[1], Wait.Patience());

        // From here on nothing but the header, taken apart by docs/reference.md.
        var packets = front.Stop();
        byte[] header = lan.Stop().Out().Forwarded(flow)[0].ReferenceBytes;
        var syn = packets.FromClient(flow).First(p => p.Has(TcpFlags.Syn));
        var synAck = packets.ToClient(flow).First(p => p.Has(TcpFlags.Syn));
        Assert.Equal(68, header.Length);
        Assert.Equal(15 * 4, (header[0] & 0x3F) * 4);
        Assert.Equal(0x0800, Read16(header, 2));
        Assert.Equal(0xFF42, Read16(header, 8));
        Assert.Equal(0x81, header[10]);
        Assert.Equal(1, header[12]);
        Assert.True((header[13] & 1) != 0, "this is a forwarded packet");
        Assert.True((header[13] & 2) != 0, "the sequence group is there");
        Assert.Equal(4, header[14]);
        Assert.Equal(6, header[15]);
        Assert.Equal((await there.DescribeAsync()).Epoch.Value, Read32(header, 16));
        Assert.Equal((await there.DescribeAsync()).Id.Value, BinaryPrimitives.ReadUInt64BigEndian(header.AsSpan(20)));
        Assert.Equal(syn.Tcp.SourcePort, Read16(header, 28));
        Assert.Equal(9090, Read16(header, 30));
        Assert.Equal(FarmSetup.Web, Read16(header, 32));
        Assert.Equal(synAck.Tcp.Sequence.Value, Read32(header, 36));
        Assert.Equal(syn.Tcp.Sequence.Value, Read32(header, 40));
        Assert.Equal(synAck.Tcp.Sequence.Value + 1, Read32(header, 44));
        Assert.Equal(synAck.Tcp.Sequence.Value + 1, Read32(header, 48));
        Assert.Equal(syn.Tcp.Sequence.Value + 1, Read32(header, 52));
        Assert.Equal(syn.Source.ToIPAddress(), new IPAddress(header.AsSpan(56, 4)));
        Assert.Equal(syn.Destination.ToIPAddress(), new IPAddress(header.AsSpan(60, 4)));
        Assert.Equal(farm.B.LanAddress.ToIPAddress(), new IPAddress(header.AsSpan(64, 4)));
    }

    [RealFact]
    public async Task The_clients_packets_are_inside_byte_for_byte_as_the_router_sent_them_up_to_full_size()
    {
        await using var farm = await RealFarm.StartAsync(network, new FarmSetup { Offloads = LinkOffloads.None });
        var (client, flow) = await StreamToBAsync(farm);
        using var router = new RouterCapture(network);
        using var lan = farm.Capture(farm.A.Lan);
        await client.ProgressAsync(1 << 20);
        await client.FinishAsync();

        var inner = lan.Stop().Out().Forwarded(flow).Select(p => p.Inner).ToList();

        // Each packet passes the router twice, and leaves it with a hop less to go.
        List<byte[]> Routed() => [.. router.Packets.FromClient(flow).Where(p => p.Ip.Ttl == 63).Select(p => p.Packet.ToArray())];
        await Wait.UntilAsync(() => Routed().Any(p => p.AsSpan().SequenceEqual(inner[^1])));
        var routed = Routed();

        // The captures began within the stream, one a little before the other.
        int at = inner.FindIndex(p => p.AsSpan().SequenceEqual(routed[0]));
        int first = at >= 0 ? 0 : routed.FindIndex(p => p.AsSpan().SequenceEqual(inner[0]));
        Assert.True(first >= 0);
        inner.RemoveRange(0, Math.Max(at, 0));
        Assert.Equal(routed.Skip(first).Take(inner.Count), inner);
        Assert.True(inner.Count(p => p.Length == RealNetwork.FrontMtu) > 100, "full-size packets");
    }

    [RealFact]
    public async Task A_super_segment_is_forwarded_as_the_packets_that_the_kernel_would_cut_it_into()
    {
        Assert.SkipWhen(NodeLinks.Kind == LinkKind.Xdp, "an XDP link takes no super-segments");
        await using var farm = await RealFarm.StartAsync(network);
        var (client, flow) = await StreamToBAsync(farm);
        using var front = farm.Capture(farm.A.Front);
        using var lan = farm.Capture(farm.A.Lan);
        await client.ProgressAsync(4 << 20);
        await client.FinishAsync();

        var inner = new Queue<CapturedPacket>(lan.Stop().Out().Forwarded(flow).Select(p => new CapturedPacket(0, p.Direction, [.. new byte[12], 8, 0, .. p.Inner])));
        var came = front.Stop().In().FromClient(flow);

        // The captures began and ended within the stream, one a little before the other.
        var starts = came.Select(p => p.Tcp.Sequence).ToHashSet();
        while (!starts.Contains(inner.Peek().Tcp.Sequence))
        {
            inner.Dequeue();
        }

        int super = 0;
        foreach (var whole in came.SkipWhile(p => p.Tcp.Sequence != inner.Peek().Tcp.Sequence).TakeWhile(_ => inner.Count > 0))
        {
            int at = 0;
            for (int part = 0; at < whole.Payload.Length || part == 0; part++)
            {
                Assert.True(inner.TryDequeue(out var packet));
                bool isLast = at + packet.Payload.Length == whole.Payload.Length;
                Assert.True(packet.Packet.Length <= RealNetwork.FrontMtu);
                Assert.Equal(whole.Tcp.Sequence + at, packet.Tcp.Sequence);
                Assert.Equal(whole.Payload[at..(at + packet.Payload.Length)], packet.Payload);
                Assert.Equal((ushort)(whole.Ip.Identification + part), (ushort)packet.Ip.Identification);
                Assert.Equal((whole.Ip.Ttl, whole.Tcp.Acknowledgment, whole.Tcp.Window), (packet.Ip.Ttl, packet.Tcp.Acknowledgment, packet.Tcp.Window));
                Assert.Equal(whole.Tcp.Options, packet.Tcp.Options);
                Assert.Equal(isLast ? whole.Tcp.Flags : whole.Tcp.Flags & ~(TcpFlags.Fin | TcpFlags.Psh), packet.Tcp.Flags);
                Assert.True(TcpChecksum.Verify(packet.Ip, packet.Ip.Payload(packet.Packet)));
                at += packet.Payload.Length;
                super += part > 0 ? 1 : 0;
            }
        }

        Assert.Empty(inner);
        Assert.True(super > 10, "super-segments came");
    }

    [RealFact]
    public async Task The_owner_does_what_A_would_have_done_and_answers_the_client_directly()
    {
        await using var farm = await RealFarm.StartAsync(network);
        await farm.ServeTagsAsync("web");
        var atA = await farm.ConnectAsync();
        var atB = await farm.ConnectAsync();
        var flow = RealFarm.FlowOf(atB);
        await farm.MoveAsync(flow, farm.B);
        await farm.B.WaitForAsync(e => e.Application is not null);
        using var frontA = farm.Capture(farm.A.Front);
        using var lanA = farm.Capture(farm.A.Lan);
        using var frontB = farm.Capture(farm.B.Front);
        using var lanB = farm.Capture(farm.B.Lan);

        // The same request; the same result under another tag.
        Assert.Equal("a 1 request", await atA.AskAsync("request"));
        Assert.Equal("b 1 request", await atB.AskAsync("request"));
        await farm.B.WaitForAsync(e => e.SendQueue == 0);

        var answers = frontB.Stop().Out().ToClient(flow).Where(p => p.Payload.Length > 0).ToList();
        Assert.Equal("b 1 request\n"u8.ToArray(), Assert.Single(answers).Payload);
        Assert.Equal(farm.A.ServiceAddress, answers[0].Source);
        Assert.Equal(farm.B.FrontMac, answers[0].Ethernet.Source);
        Assert.Empty(frontA.Stop().ToClient(flow));
        Assert.DoesNotContain(lanA.Stop(), p => p.Frame.AsSpan().IndexOf("b 1 request"u8) >= 0);
        Assert.DoesNotContain(lanB.Stop(), p => p.Frame.AsSpan().IndexOf("b 1 request"u8) >= 0);
    }

    [RealFact]
    public async Task Clients_come_over_a_routed_path_with_delay_and_forwarded_packets_stay_on_the_lan()
    {
        var delay = TimeSpan.FromMilliseconds(5);
        await using var farm = await RealFarm.StartAsync(network, new FarmSetup { Delay = delay });
        await farm.ServeTagsAsync("spread");
        using var clientSide = farm.Capture(farm.ClientSide);
        using var routerSide = farm.Capture(farm.RouterSide);
        using var lan = farm.Capture(farm.A.Lan);
        using var router = new RouterCapture(network);
        await farm.ConnectAsync(FarmSetup.Spread);
        var client = await farm.ConnectAsync(FarmSetup.Spread);
        var watch = Stopwatch.StartNew();
        Assert.Equal("b 1 hello", await client.AskAsync("hello"));
        Assert.Equal("b 2 again", await client.AskAsync("again"));

        Assert.True(watch.Elapsed >= 4 * delay, $"{watch.Elapsed}");
        var flow = RealFarm.FlowOf(client);
        Assert.False(flow.Tuple.RemoteAddress.IsIn(farm.A.FrontAddress, 24));
        CapturedPacket[] outside = [.. clientSide.Stop(), .. routerSide.Stop(), .. router.Packets];
        Assert.Contains(outside, p => p.IsTcp);
        Assert.DoesNotContain(outside, p => p.IsEncapsulated || p.IsIp && p.Ip.HasPorts && p.Ip.DestinationPort == GeneveHeader.Port);
        Assert.NotEmpty(lan.Stop().Forwarded(flow));
    }

    /// <summary>An upload that B owns.</summary>
    private static async Task<(DuplexClient Client, Flow Flow)> StreamToBAsync(RealFarm farm)
    {
        await farm.ServeAsync("web", _ => new Duplex());
        var socket = await farm.ConnectAsync();
        var client = DuplexClient.Start(socket, downloads: false);
        await client.ProgressAsync(1 << 10);
        await farm.MoveAsync(RealFarm.FlowOf(socket), farm.B);
        await client.ProgressAsync(1 << 10);
        return (client, RealFarm.FlowOf(socket));
    }

    private static byte[] Encapsulate(RealFarm farm, MacAddress from, byte[] reference, byte[] packet) => Frames.Udp(
        from, farm.B.LanMac, farm.A.LanAddress, farm.B.LanAddress, 50000, GeneveHeader.Port, [.. reference, .. packet]);

    /// <summary>Everything dropped at a node but frames that were not for it.</summary>
    private static async Task<long> DropsAsync(RealNode node) =>
        (await node.Engine.CountersAsync()).Drops.Where(d => d.Key != nameof(DropReason.NotOurMac)).Sum(d => d.Value);

    /// <summary>The same frame from another station, so that the bridge does not look for A there.</summary>
    private static byte[] WithSource(byte[] frame, MacAddress source)
    {
        byte[] copy = [.. frame];
        source.CopyTo(copy.AsSpan(6));
        return copy;
    }

    private static ushort Read16(byte[] header, int at) => BinaryPrimitives.ReadUInt16BigEndian(header.AsSpan(at));

    private static uint Read32(byte[] header, int at) => BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(at));
}
