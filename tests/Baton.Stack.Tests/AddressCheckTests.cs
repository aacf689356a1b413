using Baton.Wire;

namespace Baton.Stack.Tests;

/// <summary>Addresses that are used only once the link has been asked for them (RFC 4862 §5.4, RFC 5227 §2.1).</summary>
public sealed class AddressCheckTests
{
    private static readonly Instant Start = Instant.Zero;

    [Fact]
    public void Each_address_is_probed_from_no_address_then_announced_and_answered_for()
    {
        var host = Host.AtHome(checkAddresses: true);
        var request = Frames.Arp(ArpOperation.Request, Host.ClientMac, Host.Client, Host.ServiceAddress);
        var question = Frames.Solicitation(Host.ClientV6, Host.ServiceAddressV6, Host.ClientMac);
        host.Receive(Start, request);
        Assert.Equal(DropReason.AddressTentative, host.Receive(Start, question));

        var frames = RunUntil(host, Start + TimeSpan.FromSeconds(12));
        var arp = frames.Where(f => f.Link.EtherType == EtherType.Arp && f.Arp.TargetAddress == Host.ServiceAddress).Select(f => f.Arp.SenderAddress);
        Assert.Equal([InetAddress.AnyV4, InetAddress.AnyV4, InetAddress.AnyV4, Host.ServiceAddress, Host.ServiceAddress], arp);
        var ndp = frames.Where(f => f.Link.EtherType == EtherType.Ipv6 && f.Neighbour.Target == Host.ServiceAddressV6).ToArray();
        Assert.Equal([false, true, true], ndp.Select(f => f.Neighbour.IsAdvertisement));
        Assert.Equal(InetAddress.AnyV6, ndp[0].Packet.Source);
        Assert.Null(ndp[0].Neighbour.LinkAddress);
        Assert.Equal(Host.ServiceAddressV6.SolicitedNode, ndp[0].Packet.Destination);

        var later = Start + TimeSpan.FromSeconds(12);
        host.Receive(later, request);
        host.Receive(later, question);
        Assert.Equal(2, host.Emit(later).Count);
        Assert.Empty(host.Stack.DuplicateAddresses);
    }

    [Fact]
    public void An_address_that_somebody_has_is_not_used()
    {
        var host = Host.AtHome(checkAddresses: true);
        host.Receive(Start, Frames.Arp(ArpOperation.Reply, Host.ClientMac, Host.ServiceAddress, Host.Node, Host.NodeMac));
        host.Receive(Start, Frames.Advertisement(Host.ServiceAddressV6, Host.ClientMac, InetAddress.AllNodes, solicited: false));
        Assert.Equal(2, host.Stack.Drops[DropReason.AddressConflict]);
        Assert.Equal([Host.ServiceAddress, Host.ServiceAddressV6], host.Stack.DuplicateAddresses);

        var later = Start + TimeSpan.FromSeconds(12);
        RunUntil(host, later);
        host.Receive(later, Frames.Arp(ArpOperation.Request, Host.ClientMac, Host.Client, Host.ServiceAddress));
        host.Receive(later, Frames.Solicitation(Host.ClientV6, Host.ServiceAddressV6, Host.ClientMac));
        Assert.Empty(host.Emit(later));
        Assert.Equal(DropReason.IpNotOurAddress, host.Receive(later, Frames.Udp(new FourTuple(Host.ServiceAddress, 53, Host.Client, 4000), 1)));
    }

    [Fact]
    public void An_address_that_two_would_like_to_have_goes_to_neither()
    {
        var host = Host.AtHome(checkAddresses: true);
        host.Receive(Start, Frames.Arp(ArpOperation.Request, Host.ClientMac, InetAddress.AnyV4, Host.ServiceAddress));
        host.Receive(Start, Frames.Solicitation(InetAddress.AnyV6, Host.ServiceAddressV6, null));
        Assert.Equal([Host.ServiceAddress, Host.ServiceAddressV6], host.Stack.DuplicateAddresses);
    }

    [Fact]
    public void Nothing_is_sent_from_an_address_that_is_being_checked()
    {
        var host = Host.AtHome(checkAddresses: true);
        host.Stack.BindUdp(Start, new FourTuple(Host.Node, 7000, Host.Client, 7000))!.Send(Start, [1]);
        host.Stack.BindUdp(Start, new FourTuple(Host.NodeV6, 7000, Host.ClientV6, 7000))!.Send(Start, [1]);
        Assert.All(RunUntil(host, Start + TimeSpan.FromSeconds(1)), frame => Assert.True(
            frame.Link.EtherType == EtherType.Arp ? frame.Arp.SenderAddress == InetAddress.AnyV4 : frame.Packet.Source == InetAddress.AnyV6));
    }

    [Fact]
    public void Who_asks_for_an_address_that_is_in_use_is_answered_to_all_nodes()
    {
        var host = Host.AtHome();
        host.Receive(Start, Frames.Solicitation(InetAddress.AnyV6, Host.ServiceAddressV6, null));
        var answer = host.EmitOne(Start);
        Assert.Equal(InetAddress.AllNodes, answer.Packet.Destination);
        Assert.False(answer.Neighbour.IsSolicited);
    }

    private static List<Frame> RunUntil(Host host, Instant end)
    {
        var frames = new List<Frame>();
        for (var now = host.Stack.NextDeadline; now <= end; now = host.Stack.NextDeadline)
        {
            host.Stack.OnDeadline(now);
            frames.AddRange(host.Emit(now));
        }

        return frames;
    }
}
