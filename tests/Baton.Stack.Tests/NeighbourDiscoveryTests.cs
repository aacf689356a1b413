using Baton.Wire;

namespace Baton.Stack.Tests;

public sealed class NeighbourDiscoveryTests
{
    private static readonly Instant Start = Instant.Zero;

    [Theory]
    [InlineData("2001:db8:1::11")]
    [InlineData("2001:db8:1::101")]
    [InlineData("fe80::ff:fe00:11")]
    public void A_solicitation_for_an_address_of_ours_is_answered_to_its_sender(string address)
    {
        var target = InetAddress.Parse(address);
        var host = Host.AtHome();
        host.Receive(Start, Frames.Solicitation(Host.ClientV6, target, Host.ClientMac));

        var answer = host.EmitOne(Start);
        Assert.Equal(new EthernetHeader(Host.ClientMac, Host.NodeMac, EtherType.Ipv6), answer.Link);
        Assert.Equal((target, Host.ClientV6, (byte)255), (answer.Packet.Source, answer.Packet.Destination, answer.Packet.Ttl));
        Assert.Equal(
            new NeighbourMessage { IsAdvertisement = true, Target = target, LinkAddress = Host.NodeMac, IsSolicited = true, Overrides = true },
            answer.Neighbour);
    }

    [Fact]
    public void Only_the_home_answers_for_a_service_address()
    {
        var home = Host.AtHome();
        var other = new Host(Host.OtherNode, Host.OtherNodeMac);
        var question = Frames.Solicitation(Host.ClientV6, Host.ServiceAddressV6, Host.ClientMac);
        home.Receive(Start, question);
        Assert.Equal(DropReason.IpNotOurAddress, other.Receive(Start, question));

        Assert.Equal(Host.ServiceAddressV6, home.EmitOne(Start).Neighbour.Target);
        Assert.Empty(other.Emit(Start));
    }

    [Fact]
    public void A_withdrawn_address_is_answered_for_no_more()
    {
        var host = Host.AtHome();
        host.Stack.WithdrawAddress(host.Front, Host.ServiceAddressV6);
        host.Receive(Start, Frames.Solicitation(Host.ClientV6, Host.ServiceAddressV6, Host.ClientMac));
        Assert.Empty(host.Emit(Start));
    }

    [Fact]
    public void An_announced_address_is_told_to_all_nodes_for_half_a_minute()
    {
        var host = new Host(Host.OtherNode, Host.OtherNodeMac);
        host.Stack.AnnounceAddress(Start, host.Front, Host.ServiceAddressV6);
        var first = host.EmitOne(Start);
        Assert.Equal(new MacAddress(0x3333_0000_0001), first.Link.Destination);
        Assert.Equal(InetAddress.AllNodes, first.Packet.Destination);
        Assert.Equal(
            new NeighbourMessage { IsAdvertisement = true, Target = Host.ServiceAddressV6, LinkAddress = Host.OtherNodeMac, Overrides = true },
            first.Neighbour);

        for (int again = 0; again < 4; again++)
        {
            var later = host.Stack.NextDeadline;
            host.Stack.OnDeadline(later);
            Assert.Equal(first.Bytes, host.EmitOne(later).Bytes);
        }

        Assert.Equal(Instant.Never, host.Stack.NextDeadline);
    }

    [Fact]
    public void A_next_hop_is_asked_for_from_the_link_local_address_even_for_a_services_packet()
    {
        var host = Host.AtHome();
        host.Receive(Start, Frames.Udp(new FourTuple(Host.ServiceAddressV6, 53, Host.FarAwayV6, 4000), 1));
        Assert.Equal(UdpSendResult.Sent, ((UdpEndpoint)host.Created!).Send(Start, [2]));

        var question = host.EmitOne(Start);
        Assert.Equal(host.LinkLocal, question.Packet.Source);
        Assert.Equal(Host.GatewayV6.SolicitedNode, question.Packet.Destination);
        Assert.Equal(MacAddress.GroupOf(Host.GatewayV6.SolicitedNode), question.Link.Destination);
        Assert.Equal(new NeighbourMessage { Target = Host.GatewayV6, LinkAddress = Host.NodeMac }, question.Neighbour);

        host.Receive(Start, Frames.Advertisement(Host.GatewayV6, Host.ClientMac, host.LinkLocal));
        var answer = host.EmitOne(Start);
        Assert.Equal(Host.ClientMac, answer.Link.Destination);
        Assert.Equal(Host.ServiceAddressV6, answer.Packet.Source);
        Assert.Equal<byte[]>([2], answer.UdpPayload);
    }

    [Fact]
    public void What_crossed_a_router_is_no_neighbours()
    {
        var host = Host.AtHome();
        Assert.Equal(
            DropReason.NeighbourDiscoveryMalformed,
            host.Receive(Start, Frames.Solicitation(Host.ClientV6, Host.NodeV6, Host.ClientMac, hopLimit: 254)));
        Bind(host).Send(Start, [1]);
        host.Emit(Start);
        Assert.Equal(
            DropReason.NeighbourDiscoveryMalformed,
            host.Receive(Start, Frames.Advertisement(Host.ClientV6, Host.ClientMac, host.LinkLocal, hopLimit: 254)));
        Assert.Empty(host.Emit(Start));
    }

    [Fact]
    public void In_fragments_it_is_ignored_also_in_one_that_is_the_whole_packet()
    {
        var host = Host.AtHome();
        var question = Frames.Ip(
            IpProtocol.IcmpV6, Host.ClientV6, Host.NodeV6, Frames.Solicitation(Host.ClientV6, Host.NodeV6, Host.ClientMac).Transport);
        Assert.Equal(DropReason.NeighbourDiscoveryMalformed, host.Receive(Start, question.Fragments(16)[0]));
        Assert.NotEqual(DropReason.None, host.Receive(Start, question.Fragments(1000)[0]));
        Assert.Empty(host.Emit(Start));
    }

    [Fact]
    public void Who_speaks_for_our_address_is_not_believed_but_counted_and_contradicted_once_in_ten_seconds()
    {
        var host = Host.AtHome();
        var claim = Frames.Advertisement(Host.ServiceAddressV6, Host.ClientMac, InetAddress.AllNodes, solicited: false);

        // The claimant's source address is ours, so its packet is not let in; from its own address it is.
        Assert.Equal(DropReason.IpMartianSource, host.Receive(Start, claim));
        var message = new NeighbourMessage { IsAdvertisement = true, Target = Host.ServiceAddressV6, LinkAddress = Host.ClientMac, Overrides = true };
        var bytes = new byte[message.Length];
        message.Write(bytes, Host.ClientV6, InetAddress.AllNodes);
        claim = Frames.Ip(IpProtocol.IcmpV6, Host.ClientV6, InetAddress.AllNodes, bytes, hopLimit: 255);
        Assert.Equal(DropReason.AddressConflict, host.Receive(Start, claim));
        Assert.Equal(Host.ServiceAddressV6, host.EmitOne(Start).Neighbour.Target);
        host.Receive(Start, claim);
        Assert.Empty(host.Emit(Start));
        host.Receive(Start + TimeSpan.FromSeconds(10), claim);
        Assert.Single(host.Emit(Start + TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public void A_router_that_advertises_itself_is_the_gateway_for_its_lifetime_where_that_is_allowed()
    {
        var host = new Host(Host.Node, Host.NodeMac, acceptRouters: true);
        host.Stack.OnDeadline(Start);
        var question = host.EmitOne(Start);
        Assert.Equal(InetAddress.AllRouters, question.Packet.Destination);
        Assert.Equal(IcmpV6Type.RouterSolicitation, question.Transport[0]);
        var endpoint = host.Stack.BindUdp(Start, new FourTuple(Host.NodeV6, 7000, Host.FarAwayV6, 7000))!;
        Assert.Equal(UdpSendResult.Unreachable, endpoint.Send(Start, [1]));

        host.Receive(Start, RouterAdvertisement(lifetime: 1800));
        endpoint.Send(Start, [2]);
        Assert.Equal(Host.ClientMac, host.EmitOne(Start).Link.Destination);

        host.Receive(Start, RouterAdvertisement(lifetime: 0));
        Assert.Equal(UdpSendResult.Unreachable, endpoint.Send(Start, [3]));
    }

    [Fact]
    public void A_router_that_nobody_allowed_is_ignored()
    {
        var host = Host.AtHome();
        Assert.Equal(DropReason.IcmpIgnored, host.Receive(Start, RouterAdvertisement(lifetime: 1800)));
    }

    private static UdpEndpoint Bind(Host host) =>
        host.Stack.BindUdp(Start, new FourTuple(Host.NodeV6, 7000, Host.ClientV6, 7000))!;

    private static Frame RouterAdvertisement(ushort lifetime)
    {
        var router = InetAddress.LinkLocalOf(Host.ClientMac);
        var message = new RouterMessage { IsAdvertisement = true, Lifetime = lifetime, LinkAddress = Host.ClientMac };
        var bytes = new byte[message.Length];
        message.Write(bytes, router, InetAddress.AllNodes);
        return Frames.Ip(IpProtocol.IcmpV6, router, InetAddress.AllNodes, bytes, hopLimit: 255);
    }
}
