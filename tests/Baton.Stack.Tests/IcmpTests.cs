using Baton.Wire;

namespace Baton.Stack.Tests;

public sealed class IcmpTests
{
    private static readonly Instant Start = Instant.Zero;

    [Theory]
    [InlineData("198.51.100.11")]
    [InlineData("198.51.100.101")]
    public void An_echo_comes_back_with_its_data_from_the_address_it_was_sent_to(string address)
    {
        var host = Host.AtHome().Knowing(Host.Client, Host.ClientMac);
        var target = InetAddress.Parse(address);
        host.Receive(Start, Frames.Icmp(Host.Client, target, IcmpType.EchoRequest, 0, 0x1234_0001, [1, 2, 3]));

        var reply = host.EmitOne(Start);
        Assert.Equal(target, reply.Packet.Source);
        Assert.Equal(DropReason.None, IcmpMessage.TryParse(reply.Packet, reply.Transport, out var message));
        Assert.Equal(IcmpType.EchoReply, message.Type);
        Assert.Equal(0x1234_0001u, message.Rest);
        Assert.Equal<byte[]>([1, 2, 3], message.Body.ToArray());
    }

    [Fact]
    public void A_long_echo_comes_back_in_fragments()
    {
        var host = Host.AtHome().Knowing(Host.Client, Host.ClientMac);
        var data = new byte[4000];
        new Random(1).NextBytes(data);
        foreach (var fragment in Frames.Icmp(Host.Client, Host.Node, IcmpType.EchoRequest, 0, 7, data).Fragments(1480))
        {
            host.Receive(Start, fragment);
        }

        var frames = host.Emit(Start);
        Assert.Equal(3, frames.Count);
        var peer = new Host(Host.Client, Host.ClientMac);
        IpPacket whole = default;
        byte[] bytes = [];
        foreach (var frame in frames)
        {
            Assert.True(frame.Packet.TotalLength <= 1500);
            peer.Stack.OnFragment(Start, frame.Packet, frame.PacketBytes, out var result);
            bytes = result.ToArray();
        }

        Assert.Equal(DropReason.None, IpPacket.TryParse(bytes, out whole));
        Assert.Equal(DropReason.None, IcmpMessage.TryParse(whole, whole.Payload(bytes), out var message));
        Assert.Equal(data, message.Body.ToArray());
    }

    [Fact]
    public void A_datagram_to_a_closed_port_is_answered_by_port_unreachable_that_quotes_it()
    {
        var host = Host.AtHome().Knowing(Host.Client, Host.ClientMac);
        var datagram = Frames.Udp(new FourTuple(Host.Node, 9, Host.Client, 4000), new byte[700]);
        Assert.Equal(DropReason.UnknownFlow, host.Receive(Start, datagram));

        var error = host.EmitOne(Start);
        Assert.Equal(IcmpMessage.MaxErrorPacketV4, error.Packet.TotalLength);
        Assert.Equal(DropReason.None, IcmpMessage.TryParse(error.Packet, error.Transport, out var message));
        Assert.Equal(IcmpErrorKind.PortUnreachable, message.ErrorKind);
        Assert.True(datagram.PacketBytes.AsSpan().StartsWith(message.Body));
    }

    [Fact]
    public void An_unknown_protocol_is_answered_by_protocol_unreachable()
    {
        var host = Host.AtHome().Knowing(Host.Client, Host.ClientMac);
        host.Receive(Start, Frames.Ip((IpProtocol)132, Host.Client, Host.Node, new byte[20]));
        var error = host.EmitOne(Start);
        Assert.Equal(DropReason.None, IcmpMessage.TryParse(error.Packet, error.Transport, out var message));
        Assert.Equal(IcmpErrorKind.ProtocolUnreachable, message.ErrorKind);
    }

    [Fact]
    public void Errors_are_never_answered_and_those_about_nothing_are_counted()
    {
        var host = Host.AtHome().Knowing(Host.Client, Host.ClientMac);
        var quoted = Frames.Udp(new FourTuple(Host.Client, 9, Host.Node, 4000), 1).PacketBytes;
        host.Receive(Start, Frames.Icmp(Host.Client, Host.Node, IcmpType.DestinationUnreachable, 3, 0, quoted));
        Assert.Empty(host.Emit(Start));
        Assert.Equal(1, host.Stack.Drops[DropReason.UnknownFlow]);
    }

    [Fact]
    public void Errors_are_bounded_in_rate_and_what_was_left_out_is_counted()
    {
        var host = Host.AtHome(new StackLimits { IcmpErrorsPerSecond = 10 }).Knowing(Host.Client, Host.ClientMac);
        var datagram = Frames.Udp(new FourTuple(Host.Node, 9, Host.Client, 4000), 1);
        int sent = 0;
        for (int i = 0; i < 100; i++)
        {
            var now = Start + TimeSpan.FromMilliseconds(10 * i);
            host.Receive(now, datagram);
            sent += host.Emit(now).Count;
        }

        Assert.InRange(sent, 9, 11);
        Assert.Equal(100 - sent, host.Stack.Drops[DropReason.RateLimited]);
    }

    [Fact]
    public void Fragmentation_needed_lowers_the_path_mtu_of_the_datagrams_endpoint_which_then_fragments()
    {
        var host = Host.AtHome().Knowing(Host.Client, Host.ClientMac);
        var endpoint = host.Stack.BindUdp(Start, new FourTuple(Host.Node, 7000, Host.Client, 7000))!;
        endpoint.Send(Start, new byte[1400]);
        var sent = host.EmitOne(Start);
        Assert.True(sent.Packet.DontFragment);

        host.Receive(Start, Frames.Icmp(Host.Client, Host.Node, IcmpType.DestinationUnreachable, 4, 1000, sent.PacketBytes[..28]));
        Assert.Equal(1000, endpoint.PathMtu);
        Assert.Equal(IcmpErrorKind.PacketTooBig, endpoint.LastError);
        endpoint.Send(Start, new byte[1400]);
        Assert.All(host.Emit(Start), f => Assert.False(f.Packet.DontFragment));
    }

    [Fact]
    public void A_forged_path_mtu_is_not_believed_below_a_floor()
    {
        var host = Host.AtHome().Knowing(Host.Client, Host.ClientMac);
        var endpoint = host.Stack.BindUdp(Start, new FourTuple(Host.Node, 7000, Host.Client, 7000))!;
        endpoint.Send(Start, [1]);
        var sent = host.EmitOne(Start);
        host.Receive(Start, Frames.Icmp(Host.Client, Host.Node, IcmpType.DestinationUnreachable, 4, 68, sent.PacketBytes));
        Assert.Equal(552, endpoint.PathMtu);
    }
}
