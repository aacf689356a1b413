using Baton.Wire;

namespace Baton.Stack.Tests;

public sealed class UdpTests
{
    private static readonly Instant Start = Instant.Zero;
    private static readonly FourTuple ToDns = new(Host.ServiceAddress, 53, Host.Client, 4000);

    [Fact]
    public void The_first_datagram_to_a_service_makes_an_unattached_endpoint_with_a_reference_without_sequence_group()
    {
        var host = Host.AtHome();
        host.Receive(Start, Frames.Udp(ToDns, 1, 2, 3));

        var endpoint = Assert.IsType<UdpEndpoint>(host.Created);
        Assert.Null(endpoint.Application);
        Assert.Equal(1, host.Stack.UnattachedEndpoints);
        Assert.Equal(1, endpoint.WaitingDatagrams);
        Assert.Same(endpoint, host.Stack.Find(endpoint.Id));
        Assert.Equal(DropReason.None, ReferenceCodec.TryDecode(endpoint.Reference.Span, out var reference, out var flags, out _, out _));
        Assert.Equal(new Reference(new Flow(IpProtocol.Udp, ToDns), endpoint.Id, Epoch.First, InetAddress.Parse("192.0.2.1"), 5353, null), reference);
        Assert.False(flags.HasFlag(ReferenceFlags.SequenceGroup));
        Assert.Equal(EndpointEvents.Established | EndpointEvents.Readable, host.TakeEvents()[endpoint]);
    }

    [Fact]
    public void Datagrams_are_read_in_order_with_their_sender_and_answered_from_the_service_address()
    {
        var host = Host.AtHome().Knowing(Host.Client, Host.ClientMac);
        host.Receive(Start, Frames.Udp(ToDns, 1));
        var endpoint = (UdpEndpoint)host.Created!;
        host.Receive(Start, Frames.Udp(ToDns));
        host.Receive(Start, Frames.Udp(ToDns, 3, 3));
        Assert.Null(host.Created);

        Assert.Equal<byte[]>([[1], [], [3, 3]], [Read(endpoint), Read(endpoint), Read(endpoint)]);
        Assert.Equal(-1, endpoint.NextLength);
        endpoint.Send(Start, [9]);
        var answer = host.EmitOne(Start);
        Assert.Equal(ToDns, new FourTuple(answer.Packet.Source, answer.Packet.SourcePort, answer.Packet.Destination, answer.Packet.DestinationPort));
        Assert.Equal<byte[]>([9], answer.UdpPayload);
        host.Pool.AssertNoneLent();
    }

    [Fact]
    public void The_receive_queue_is_bounded_in_datagrams_and_bytes()
    {
        var host = Host.AtHome(new StackLimits { DatagramsPerEndpoint = 3, DatagramBytesPerEndpoint = 100 });
        host.Receive(Start, Frames.Udp(ToDns, new byte[60]));
        var endpoint = (UdpEndpoint)host.Created!;
        Assert.Equal(DropReason.ReceiveQueueFull, host.Receive(Start, Frames.Udp(ToDns, new byte[60])));
        host.Receive(Start, Frames.Udp(ToDns, 1));
        host.Receive(Start, Frames.Udp(ToDns, 2));
        Assert.Equal(DropReason.ReceiveQueueFull, host.Receive(Start, Frames.Udp(ToDns, 3)));
        Assert.Equal(2, endpoint.Overflows);
        Assert.Equal(62, endpoint.WaitingBytes);
    }

    [Fact]
    public void A_silent_exchange_ends()
    {
        var host = Host.AtHome(new StackLimits { UdpIdleTimeout = TimeSpan.FromSeconds(30) });
        host.Receive(Start, Frames.Udp(ToDns, 1));
        var endpoint = (UdpEndpoint)host.Created!;
        host.Stack.Attach(endpoint, this, "dns");
        host.TakeEvents();

        var later = Start + TimeSpan.FromSeconds(20);
        host.Receive(later, Frames.Udp(ToDns, 2));
        Assert.Equal(Start + TimeSpan.FromSeconds(30), host.Stack.NextDeadline);
        host.Stack.OnDeadline(host.Stack.NextDeadline);
        Assert.Equal(EndpointPhase.Active, endpoint.Phase);

        host.Stack.OnDeadline(later + TimeSpan.FromSeconds(30));
        Assert.True(host.TakeEvents()[endpoint].HasFlag(EndpointEvents.Closed));
        Assert.Empty(host.Stack.Endpoints);
        host.Pool.AssertNoneLent();
    }

    [Fact]
    public void An_endpoint_that_no_application_takes_ends_sooner()
    {
        var host = Host.AtHome(new StackLimits { UnattachedTimeout = TimeSpan.FromSeconds(5) });
        host.Receive(Start, Frames.Udp(ToDns, 1));
        Assert.Equal(Start + TimeSpan.FromSeconds(5), host.Stack.NextDeadline);
        host.Stack.OnDeadline(host.Stack.NextDeadline);
        Assert.Equal(1, host.Stack.Drops[DropReason.UnattachedTooLong]);
        Assert.Equal(0, host.Stack.UnattachedEndpoints);
    }

    [Fact]
    public void Unattached_endpoints_are_bounded()
    {
        var host = Host.AtHome(new StackLimits { UnattachedEndpoints = 2 });
        for (ushort port = 1; port <= 3; port++)
        {
            host.Receive(Start, Frames.Udp(ToDns with { RemotePort = port }, 1));
        }

        Assert.Equal(2, host.Stack.UnattachedEndpoints);
        Assert.Equal(1, host.Stack.Drops[DropReason.EndpointTableFull]);
        host.Stack.Attach(host.Stack.Endpoints.First(), this, "dns");
        host.Receive(Start, Frames.Udp(ToDns with { RemotePort = 3 }, 1));
        Assert.NotNull(host.Created);
    }

    [Fact]
    public void An_unconnected_endpoint_hears_everybody_and_a_connected_one_its_peer()
    {
        var host = Host.AtHome().Knowing(Host.Client, Host.ClientMac);
        var any = host.Stack.BindUdp(Start, new FourTuple(Host.Node, 6083, InetAddress.AnyV4, 0))!;
        var one = host.Stack.BindUdp(Start, new FourTuple(Host.Node, 6083, Host.Client, 77))!;
        host.Receive(Start, Frames.Udp(new FourTuple(Host.Node, 6083, Host.Client, 77), 1));
        host.Receive(Start, Frames.Udp(new FourTuple(Host.Node, 6083, Host.FarAway, 99), 2));

        Assert.Equal<byte[]>([1], Read(one));
        Span<byte> buffer = stackalloc byte[10];
        Assert.True(any.TryReceive(buffer, out int length, out var address, out ushort port));
        Assert.Equal((1, Host.FarAway, (ushort)99), (length, address, port));
        Assert.Equal(UdpSendResult.Sent, any.SendTo(Start, [5], Host.Client, 88));
        Assert.Equal((ushort)88, host.EmitOne(Start).Packet.DestinationPort);
        Assert.Equal(UdpSendResult.NotActive, any.Send(Start, [5]));
    }

    [Fact]
    public void A_taken_port_is_refused_and_port_zero_finds_a_free_one()
    {
        var host = Host.AtHome();
        var tuple = new FourTuple(Host.Node, 6083, InetAddress.AnyV4, 0);
        Assert.NotNull(host.Stack.BindUdp(Start, tuple));
        Assert.Null(host.Stack.BindUdp(Start, tuple));
        var first = host.Stack.BindUdp(Start, tuple with { LocalPort = 0 })!;
        var second = host.Stack.BindUdp(Start, tuple with { LocalPort = 0 })!;
        Assert.NotEqual(first.Flow.Tuple.LocalPort, second.Flow.Tuple.LocalPort);
        Assert.True(first.Flow.Tuple.LocalPort >= 49_152);
    }

    private static byte[] Read(UdpEndpoint endpoint)
    {
        var buffer = new byte[100];
        Assert.True(endpoint.TryReceive(buffer, out int length, out _, out _));
        return buffer[..length];
    }
}
