using Baton.Wire;

namespace Baton.Stack.Tests;

/// <summary>Own sockets: what ICMP tells them, which datagrams are theirs, and what happens when ports run out.</summary>
public sealed class SocketErrorTests
{
    private static readonly Instant Start = Instant.Zero;

    public static TheoryData<bool> Families => [false, true];

    [Theory]
    [MemberData(nameof(Families))]
    public void An_error_about_a_datagram_reaches_the_connected_endpoint_that_sent_it(bool v6)
    {
        var (node, client) = Addresses(v6);
        var host = Host.AtHome().Knowing(client, Host.ClientMac);
        var endpoint = host.Stack.BindUdp(Start, new FourTuple(node, 7000, client, 7001))!;
        endpoint.Send(Start, [1]);
        Assert.Equal(DropReason.None, host.Receive(Start, Unreachable(client, host.EmitOne(Start))));

        Assert.Equal(EndpointEvents.Error, host.TakeEvents()[endpoint]);
        Assert.True(endpoint.TryTakeError(out var kind, out var address, out ushort port));
        Assert.Equal((IcmpErrorKind.PortUnreachable, client, (ushort)7001), (kind, address, port));
        Assert.False(endpoint.TryTakeError(out _, out _, out _));
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void An_unconnected_endpoint_is_told_whose_datagram_the_error_is_about_and_keeps_its_path_mtu(bool v6)
    {
        var (node, client) = Addresses(v6);
        var host = Host.AtHome().Knowing(client, Host.ClientMac);
        var endpoint = host.Stack.BindUdp(Start, new FourTuple(node, 7000, InetAddress.Any(node.Family), 0))!;
        endpoint.SendTo(Start, [1], client, 7002);
        var sent = host.EmitOne(Start);
        host.Receive(Start, Unreachable(client, sent));
        Assert.True(endpoint.TryTakeError(out _, out var address, out ushort port));
        Assert.Equal((client, (ushort)7002), (address, port));

        host.Receive(Start, v6
            ? Frames.Icmp(client, node, IcmpV6Type.PacketTooBig, 0, 1300, sent.PacketBytes)
            : Frames.Icmp(client, node, IcmpType.DestinationUnreachable, 4, 1300, sent.PacketBytes));
        Assert.True(endpoint.TryTakeError(out var kind, out _, out _));
        Assert.Equal((IcmpErrorKind.PacketTooBig, (int)ushort.MaxValue), (kind, endpoint.PathMtu));
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void An_endpoint_bound_to_no_address_hears_on_all_and_speaks_from_the_one_that_suits(bool v6)
    {
        var (node, client) = Addresses(v6);
        var host = Host.AtHome().Knowing(client, Host.ClientMac);
        var any = InetAddress.Any(node.Family);
        var endpoint = host.Stack.BindUdp(Start, new FourTuple(any, 7000, any, 0))!;
        host.Receive(Start, Frames.Udp(new FourTuple(node, 7000, client, 9), 1));
        Assert.Equal(1, endpoint.WaitingDatagrams);
        Assert.Equal(UdpSendResult.Sent, endpoint.SendTo(Start, [2], client, 9));
        Assert.Equal(node, host.EmitOne(Start).Packet.Source);
        Assert.Equal(UdpSendResult.Unreachable, endpoint.SendTo(Start, [2], v6 ? Host.Client : Host.ClientV6, 9));
        Assert.Equal(UdpSendResult.Unreachable, endpoint.SendTo(Start, [2], v6 ? InetAddress.AllNodes : InetAddress.Parse("224.0.0.1"), 9));
    }

    [Fact]
    public void When_the_ports_towards_a_remote_end_are_used_up_that_is_said_and_others_are_reached()
    {
        var host = Host.AtHome();
        var tuple = new FourTuple(InetAddress.AnyV4, 0, Host.Client, 80);
        for (int i = 0; i < 16_384; i++)
        {
            Assert.True(host.Stack.TryConnect(Start, tuple, out _, out _), $"connection {i}");
        }

        Assert.False(host.Stack.TryConnect(Start, tuple, out var none, out var failure));
        Assert.Equal((null, ConnectFailure.NoFreePort), (none, failure));
        Assert.True(host.Stack.TryConnect(Start, tuple with { RemotePort = 81 }, out _, out _));

        // One that ends gives its port back.
        host.Stack.Remove(host.Stack.Endpoints.First());
        Assert.True(host.Stack.TryConnect(Start, tuple, out _, out _));
    }

    [Fact]
    public void Each_refusal_to_connect_has_its_name()
    {
        var host = new Host(Host.Node, Host.NodeMac, acceptRouters: true, limits: new StackLimits { Endpoints = 1 });
        Assert.False(host.Stack.TryConnect(Start, new FourTuple(InetAddress.AnyV6, 0, Host.FarAwayV6, 80), out _, out var failure));
        Assert.Equal(ConnectFailure.NoRoute, failure);
        var tuple = new FourTuple(Host.Node, 7000, Host.Client, 80);
        Assert.True(host.Stack.TryConnect(Start, tuple, out _, out _));
        Assert.False(host.Stack.TryConnect(Start, tuple, out _, out failure));
        Assert.Equal(ConnectFailure.InUse, failure);
        Assert.False(host.Stack.TryConnect(Start, tuple with { LocalPort = 7001 }, out _, out failure));
        Assert.Equal(ConnectFailure.NoRoom, failure);
    }

    [Fact]
    public void Ports_towards_different_remote_ends_begin_at_different_places()
    {
        var host = Host.AtHome();
        var first = Enumerable.Range(1, 20)
            .Select(i => host.Stack.Connect(Start, new FourTuple(Host.Node, 0, Host.Client, (ushort)i))!.Flow.Tuple.LocalPort)
            .ToArray();
        Assert.All(first, port => Assert.InRange(port, 49_152, 65_535));
        Assert.True(first.Zip(first.Skip(1)).Count(pair => Math.Abs(pair.First - pair.Second) > 16) >= 17);
    }

    private static (InetAddress Node, InetAddress Client) Addresses(bool v6) =>
        v6 ? (Host.NodeV6, Host.ClientV6) : (Host.Node, Host.Client);

    private static Frame Unreachable(InetAddress from, Frame about) => Frames.Icmp(
        from, about.Packet.Source, from.IsV4 ? IcmpType.DestinationUnreachable : IcmpV6Type.DestinationUnreachable, from.IsV4 ? (byte)3 : (byte)4, 0, about.PacketBytes);
}
