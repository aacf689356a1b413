using Baton.Wire;

namespace Baton.Stack.Tests;

public sealed class ArpTests
{
    private static readonly Instant Start = Instant.Zero;

    [Fact]
    public void A_request_for_an_own_address_is_answered_to_its_sender()
    {
        var host = Host.AtHome();
        host.Receive(Start, Frames.Arp(ArpOperation.Request, Host.ClientMac, Host.Client, Host.Node));

        var frame = host.EmitOne(Start);
        Assert.Equal(new EthernetHeader(Host.ClientMac, Host.NodeMac, EtherType.Arp), frame.Link);
        Assert.Equal(new ArpPacket(ArpOperation.Reply, Host.NodeMac, Host.Node, Host.ClientMac, Host.Client), frame.Arp);
    }

    [Fact]
    public void Only_the_home_answers_for_a_service_address()
    {
        var home = Host.AtHome();
        var other = new Host(Host.OtherNode, Host.OtherNodeMac);
        var request = Frames.Arp(ArpOperation.Request, Host.ClientMac, Host.Client, Host.ServiceAddress);
        home.Receive(Start, request);
        other.Receive(Start, request);

        Assert.Equal(Host.ServiceAddress, home.EmitOne(Start).Arp.SenderAddress);
        Assert.Empty(other.Emit(Start));
    }

    [Fact]
    public void A_withdrawn_address_is_answered_for_no_more()
    {
        var host = Host.AtHome();
        host.Stack.WithdrawAddress(host.Front, Host.ServiceAddress);
        host.Receive(Start, Frames.Arp(ArpOperation.Request, Host.ClientMac, Host.Client, Host.ServiceAddress));
        Assert.Empty(host.Emit(Start));
    }

    [Fact]
    public void An_announced_address_is_told_to_the_link_for_half_a_minute()
    {
        var host = new Host(Host.OtherNode, Host.OtherNodeMac);
        host.Stack.AnnounceAddress(Start, host.Front, Host.ServiceAddress);

        var first = host.EmitOne(Start);
        Assert.Equal(MacAddress.Broadcast, first.Link.Destination);
        Assert.Equal(
            new ArpPacket(ArpOperation.Request, Host.OtherNodeMac, Host.ServiceAddress, default, Host.ServiceAddress), first.Arp);

        foreach (int seconds in (int[])[2, 6, 14, 30])
        {
            var later = Start + TimeSpan.FromSeconds(seconds);
            Assert.Equal(later, host.Stack.NextDeadline);
            host.Stack.OnDeadline(later);
            Assert.Equal(first.Bytes, host.EmitOne(later).Bytes);
        }

        Assert.Equal(Instant.Never, host.Stack.NextDeadline);
    }

    [Fact]
    public void A_next_hop_is_asked_for_from_the_nodes_own_address_even_for_a_services_packet()
    {
        var host = Host.AtHome();
        host.Receive(Start, Frames.Udp(new FourTuple(Host.ServiceAddress, 53, Host.FarAway, 4000), 1));
        Assert.Equal(UdpSendResult.Sent, ((UdpEndpoint)host.Created!).Send(Start, [2]));

        var request = host.EmitOne(Start).Arp;
        Assert.Equal(Host.Node, request.SenderAddress);
        Assert.Equal(Host.Gateway, request.TargetAddress);

        host.Receive(Start, Frames.Arp(ArpOperation.Reply, Host.ClientMac, Host.Gateway, Host.Node, Host.NodeMac));
        var answer = host.EmitOne(Start);
        Assert.Equal(Host.ClientMac, answer.Link.Destination);
        Assert.Equal(Host.ServiceAddress, answer.Packet.Source);
        Assert.Equal<byte[]>([2], answer.UdpPayload);
    }

    [Fact]
    public void A_neighbour_that_does_not_answer_is_asked_three_times_then_its_packets_are_dropped()
    {
        var host = Host.AtHome();
        var endpoint = host.Stack.BindUdp(Start, new FourTuple(Host.Node, 7000, Host.Client, 7000))!;
        endpoint.Send(Start, [1]);
        int requests = host.Emit(Start).Count;
        for (int i = 0; i < 3; i++)
        {
            var now = host.Stack.NextDeadline;
            host.Stack.OnDeadline(now);
            requests += host.Emit(now).Count;
        }

        Assert.Equal(3, requests);
        Assert.Equal(1, host.Stack.Drops[DropReason.NeighbourUnresolved]);
        Assert.Equal(UdpSendResult.Unreachable, endpoint.Send(Start + TimeSpan.FromSeconds(4), [2]));
        host.Pool.AssertNoneLent();
    }

    [Fact]
    public void So_many_packets_wait_for_a_neighbour_and_no_more()
    {
        var host = Host.AtHome(new StackLimits { PacketsPerNeighbour = 3 });
        var endpoint = host.Stack.BindUdp(Start, new FourTuple(Host.Node, 7000, Host.Client, 7000))!;
        for (byte i = 0; i < 5; i++)
        {
            endpoint.Send(Start, [i]);
        }

        host.Emit(Start);
        Assert.Equal(2, host.Stack.Drops[DropReason.NeighbourQueueFull]);
        host.Receive(Start, Frames.Arp(ArpOperation.Reply, Host.ClientMac, Host.Client, Host.Node, Host.NodeMac));
        Assert.Equal<byte[]>([[0], [1], [2]], host.Emit(Start).Select(f => f.UdpPayload));
    }

    [Fact]
    public void A_neighbour_that_moves_is_followed_by_its_announcement()
    {
        var host = Host.AtHome().Knowing(Host.Client, Host.ClientMac);
        var endpoint = host.Stack.BindUdp(Start, new FourTuple(Host.Node, 7000, Host.Client, 7000))!;
        host.Receive(Start, Frames.Arp(ArpOperation.Request, Host.OtherNodeMac, Host.Client, Host.Client));
        endpoint.Send(Start, [1]);
        Assert.Equal(Host.OtherNodeMac, host.EmitOne(Start).Link.Destination);
    }

    [Fact]
    public void Who_speaks_for_our_address_is_not_believed_but_counted()
    {
        var host = Host.AtHome();
        Assert.Equal(
            DropReason.AddressConflict,
            host.Receive(Start, Frames.Arp(ArpOperation.Request, Host.ClientMac, Host.ServiceAddress, Host.ServiceAddress)));
        Assert.Equal(1, host.Stack.Drops[DropReason.AddressConflict]);
    }

    [Fact]
    public void Strangers_requests_never_grow_the_cache_beyond_its_bound_nor_push_out_what_is_used()
    {
        var host = Host.AtHome(new StackLimits { Neighbours = 4 }).Knowing(Host.Client, Host.ClientMac);
        for (byte i = 60; i < 100; i++)
        {
            host.Receive(Start, Frames.Arp(ArpOperation.Request, new MacAddress(0x02_0000_0001_00u + i), InetAddress.Parse($"198.51.100.{i}"), Host.Node));
        }

        host.Emit(Start);
        var endpoint = host.Stack.BindUdp(Start, new FourTuple(Host.Node, 7000, Host.Client, 7000))!;
        endpoint.Send(Start, [1]);
        Assert.Equal(Host.ClientMac, host.EmitOne(Start).Link.Destination);
    }
}
