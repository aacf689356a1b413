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
        var station = await farm.JoinAsync("front", "198.51.100.50");

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

    [RealFact]
    public async Task Without_any_application_a_connection_is_established_and_waits_for_one()
    {
        await using var farm = await RealFarm.StartAsync(network);
        var client = await farm.ConnectAsync();
        await client.SendAsync("early\n"u8.ToArray(), Wait.Patience());
        var endpoint = await farm.A.WaitForAsync(e => e.ReceiveQueue == 6);
        Assert.True(endpoint.IsUnattached);
        Assert.Equal("ESTABLISHED", endpoint.State);

        await farm.ServeTagsAsync("web");

        Assert.Equal("a 1 early", await client.ReadLineAsync());
    }

    [RealFact]
    public async Task The_listing_names_an_endpoints_id_state_owner_and_application()
    {
        await using var farm = await RealFarm.StartAsync(network);
        await farm.ServeTagsAsync("web");
        var client = await farm.ConnectAsync();
        await client.AskAsync("hello");

        var at = await farm.A.SingleAsync();
        Assert.NotEqual(EndpointId.None, at.Id);
        Assert.Equal("ESTABLISHED", at.State);
        Assert.Equal(EndpointActivity.Active, at.Activity);
        Assert.Equal(farm.A.Id, at.Owner);
        Assert.Equal(farm.A.LanAddress, at.OwnerAddress);
        Assert.Equal("tag", at.Application);

        await farm.MoveAsync(RealFarm.FlowOf(client), farm.B);
        var moved = await farm.B.SingleAsync();
        Assert.NotEqual(at.Id, moved.Id);
        Assert.Equal(farm.B.Id, moved.Owner);
        Assert.True(moved.Epoch > at.Epoch);

        client.Shutdown(System.Net.Sockets.SocketShutdown.Both);
        await Wait.UntilAsync(async () => (await farm.B.Engine.EndpointsAsync()).Count == 0);
    }

    [RealFact]
    public async Task The_listings_sequence_numbers_equal_the_capture_and_advance_with_it()
    {
        await using var farm = await RealFarm.StartAsync(network);
        await farm.ServeTagsAsync("web");
        var listed = new List<SequenceGroup>();
        var seen = new List<SequenceGroup>();
        var client = default(System.Net.Sockets.Socket);
        var packets = new List<CapturedPacket>();
        for (int i = 0; i < 4; i++)
        {
            using var capture = farm.Capture(farm.A.Front);
            client ??= await farm.ConnectAsync();
            await client.AskAsync(new string('x', 10 * (i + 1)));
            await farm.A.WaitForAsync(e => e.SendQueue == 0);
            listed.Add((await farm.A.SingleAsync()).Sequence!.Value);
            packets.AddRange(capture.Stop());
            seen.Add(packets.Sequence(RealFarm.FlowOf(client)));
        }

        Assert.Equal(seen, listed);
        Assert.Equal(4, listed.Select(s => s.SndNxt).Distinct().Count());
        Assert.Equal(4, listed.Select(s => s.RcvNxt).Distinct().Count());
    }

    [RealFact]
    public async Task The_listings_addresses_and_ports_equal_the_capture()
    {
        await using var farm = await RealFarm.StartAsync(network);
        await using var listener = await farm.A.Engine.BindAsync(new BatonEndPoint("web", 8080), "application");
        using var capture = farm.Capture(farm.A.Front);
        await farm.ConnectAsync();
        await farm.A.WaitForAsync(e => e.Application == "application");

        var syn = capture.Stop().First(p => p.Has(TcpFlags.Syn));
        var endpoint = await farm.A.SingleAsync();
        Assert.Equal(syn.Source, endpoint.Flow.Tuple.RemoteAddress);
        Assert.Equal(syn.Tcp.SourcePort, endpoint.Flow.Tuple.RemotePort);
        Assert.Equal(syn.Destination, endpoint.Flow.Tuple.LocalAddress);
        Assert.Equal(syn.Tcp.DestinationPort, endpoint.Flow.Tuple.LocalPort);
        Assert.Equal(InetAddress.Parse(RealNetwork.ClientAddress), syn.Source);
        Assert.Equal(8080, endpoint.OwnerPort);
        Assert.Equal("application on baton://web:8080", endpoint.Socket);
    }

    [RealFact]
    public async Task A_itself_sends_the_syn_ack_of_a_connection_that_moves()
    {
        await using var farm = await RealFarm.StartAsync(network);
        await farm.ServeTagsAsync("spread");
        await farm.ConnectAsync(FarmSetup.Spread);
        using var atA = farm.Capture(farm.A.Front);
        using var atB = farm.Capture(farm.B.Front);
        using var atClient = farm.Capture(farm.ClientSide);

        var client = await farm.ConnectAsync(FarmSetup.Spread);
        Assert.Equal("b 1 hello", await client.AskAsync("hello"));

        var flow = RealFarm.FlowOf(client);
        var sent = Assert.Single(atA.Stop().Out().ToClient(flow), p => p.Has(TcpFlags.Syn | TcpFlags.Ack));
        Assert.Equal(farm.A.FrontMac, sent.Ethernet.Source);
        Assert.DoesNotContain(atB.Stop().ToClient(flow), p => p.Has(TcpFlags.Syn));
        var received = Assert.Single(atClient.Stop().ToClient(flow), p => p.Has(TcpFlags.Syn));
        Assert.Equal(sent.Tcp.Sequence, received.Tcp.Sequence);
    }
}
