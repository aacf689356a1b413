using Baton.Tcp;
using Baton.Wire;

namespace Baton.Stack.Tests;

/// <summary>What IPv4 can, IPv6 can: echo, errors, datagrams, connections, path MTU, extension headers.</summary>
public sealed class Ipv6Tests
{
    private static readonly Instant Start = Instant.Zero;
    private static readonly FourTuple ToWeb = new(Host.ServiceAddressV6, 80, Host.ClientV6, 4000);
    private static readonly FourTuple ToDns = new(Host.ServiceAddressV6, 53, Host.ClientV6, 4000);

    [Theory]
    [InlineData("2001:db8:1::11", "2001:db8:1::11")]
    [InlineData("2001:db8:1::101", "2001:db8:1::101")]
    [InlineData("ff02::1", "2001:db8:1::11")]
    public void An_echo_comes_back_with_its_data_from_the_address_it_was_sent_to_or_that_suits_the_asker(string to, string from)
    {
        var host = Home();
        host.Receive(Start, Frames.Icmp(Host.ClientV6, InetAddress.Parse(to), IcmpV6Type.EchoRequest, 0, 0x1234_0001, [1, 2, 3]));
        var reply = host.EmitOne(Start);
        Assert.Equal(InetAddress.Parse(from), reply.Packet.Source);
        var message = Icmp(reply);
        Assert.Equal((IcmpV6Type.EchoReply, 0x1234_0001u), (message.Type, message.Rest));
    }

    [Fact]
    public void A_long_echo_comes_back_in_fragments_with_one_identification()
    {
        var host = Home();
        var data = new byte[4000];
        new Random(1).NextBytes(data);
        foreach (var fragment in Frames.Icmp(Host.ClientV6, Host.NodeV6, IcmpV6Type.EchoRequest, 0, 7, data).Fragments(1400))
        {
            host.Receive(Start, fragment);
        }

        var frames = host.Emit(Start);
        Assert.Equal(3, frames.Count);
        Assert.All(frames, frame => Assert.True(frame.Packet.TotalLength <= 1500));
        Assert.Single(frames.Select(frame => frame.Packet.Identification).Distinct());
        var bytes = Whole(frames);
        Assert.Equal(DropReason.None, IpPacket.TryParse(bytes, out var whole));
        Assert.Equal(DropReason.None, IcmpMessage.TryParse(whole, whole.Payload(bytes), out var message));
        Assert.Equal(data, message.Body.ToArray());
    }

    [Fact]
    public void A_datagram_to_a_closed_port_is_answered_by_port_unreachable_that_quotes_what_fits_into_1280_bytes()
    {
        var host = Home();
        var datagram = Frames.Udp(new FourTuple(Host.NodeV6, 9, Host.ClientV6, 4000), new byte[1400]);
        Assert.Equal(DropReason.UnknownFlow, host.Receive(Start, datagram));
        var error = host.EmitOne(Start);
        Assert.Equal(IcmpMessage.MaxErrorPacketV6, error.Packet.TotalLength);
        Assert.Equal(IcmpErrorKind.PortUnreachable, Icmp(error).ErrorKind);
        Assert.True(datagram.PacketBytes.AsSpan().StartsWith(Icmp(error).Body));
    }

    [Fact]
    public void A_connection_is_served_over_ipv6_as_over_ipv4()
    {
        var client = new Host(Host.Client, Host.ClientMac);
        var home = Host.AtHome();
        var network = new Network(client, home);
        var endpoint = client.Stack.Connect(network.Now, new FourTuple(InetAddress.AnyV6, 0, Host.ServiceAddressV6, 80))!;
        network.Run();
        Assert.Equal(Host.ClientV6, endpoint.Flow.Tuple.LocalAddress);
        var served = home.Stack.Endpoints.OfType<TcpEndpoint>().Single();
        Assert.True(endpoint.IsEstablished && served.IsEstablished);

        var data = new byte[300_000];
        new Random(3).NextBytes(data);
        var got = new List<byte>();
        int sent = 0;
        var buffer = new byte[65_536];
        for (int turn = 0; turn < 200 && got.Count < data.Length; turn++)
        {
            sent += endpoint.Write(network.Now, data.AsSpan(sent));
            network.Run(TimeSpan.FromMilliseconds(1));
            while (served.Read(network.Now, buffer) is > 0 and var read)
            {
                got.AddRange(buffer.AsSpan(0, read));
            }
        }

        Assert.Equal(data, got);
        var labels = network.Seen.Where(f => f.Link.EtherType == EtherType.Ipv6 && f.Packet.Protocol == IpProtocol.Tcp)
            .GroupBy(f => f.Packet.Source)
            .Select(flow => flow.Select(f => (f.PacketBytes[1] & 0xF) << 16 | f.PacketBytes[2] << 8 | f.PacketBytes[3]).Distinct().ToArray())
            .ToArray();
        Assert.All(labels, flow => Assert.NotEqual(0, Assert.Single(flow)));
    }

    [Fact]
    public void The_mss_announced_is_that_of_the_longer_header_and_a_silent_peers_is_1220()
    {
        var host = Home();
        host.Receive(Start, Frames.Tcp(ToWeb, TcpFlags.Syn, 100));
        Assert.Equal<ushort?>(1440, host.EmitOne(Start).Tcp.Options.Mss);
        host.Receive(Start, Frames.Tcp(ToWeb, TcpFlags.Ack, 101, Ack(host)));
        var endpoint = (TcpEndpoint)host.Stack.Endpoints.Single();
        endpoint.Write(Start, new byte[2000]);
        Assert.Equal(1220, host.Emit(Start)[0].TcpPayload.Length);
    }

    [Fact]
    public void With_offloads_a_super_segment_leaves_with_a_partial_checksum_for_ipv6()
    {
        var host = Host.AtHome(offloads: true).Knowing(Host.ClientV6, Host.ClientMac);
        host.Receive(Start, Frames.Tcp(ToWeb, TcpFlags.Syn, 100, options: new TcpOptions { Mss = 1440 }));
        host.Emit(Start);
        host.Receive(Start, Frames.Tcp(ToWeb, TcpFlags.Ack, 101, Ack(host)));
        ((TcpEndpoint)host.Stack.Endpoints.Single()).Write(Start, new byte[8000]);
        var frame = host.Emit(Start)[0];
        Assert.Equal((ChecksumState.Partial, GsoType.TcpV6, (ushort)1440), (frame.Offload.Checksum, frame.Offload.Gso, frame.Offload.SegmentSize));

        Assert.Equal(DropReason.None, Segmentation.TryStart(frame.PacketBytes, frame.Offload, out var segments));
        var cut = new byte[1500];
        Assert.True(segments.TryNext(cut, out int length));
        Assert.Equal(DropReason.None, IpPacket.TryParse(cut.AsSpan(0, length), out var packet));
        Assert.True(TcpChecksum.Verify(packet, packet.Payload(cut)));
    }

    [Fact]
    public void Packet_too_big_makes_a_connections_segments_smaller_but_never_below_1280()
    {
        var host = Home();
        host.Receive(Start, Frames.Tcp(ToWeb, TcpFlags.Syn, 100, options: new TcpOptions { Mss = 1440 }));
        host.Emit(Start);
        host.Receive(Start, Frames.Tcp(ToWeb, TcpFlags.Ack, 101, Ack(host)));
        var endpoint = (TcpEndpoint)host.Stack.Endpoints.Single();
        endpoint.Write(Start, new byte[4000]);
        var lost = host.Emit(Start)[0];
        Assert.Equal(1440, lost.TcpPayload.Length);

        Assert.Equal(DropReason.IcmpIgnored, Direct(host, TooBig(lost, 1279)));
        Assert.Equal(DropReason.None, Direct(host, TooBig(lost, 1400)));
        Assert.Equal(1340, host.Emit(Start)[0].TcpPayload.Length);
    }

    [Fact]
    public void Packet_too_big_makes_datagrams_go_in_fragments_that_fit_the_path()
    {
        var host = Home();
        var endpoint = host.Stack.BindUdp(Start, new FourTuple(Host.NodeV6, 7000, Host.ClientV6, 7000))!;
        endpoint.Send(Start, new byte[1400]);
        var sent = host.EmitOne(Start);
        host.Receive(Start, TooBig(sent, 1300));
        Assert.Equal(1300, endpoint.PathMtu);

        endpoint.Send(Start, new byte[1400]);
        var frames = host.Emit(Start);
        Assert.Equal(2, frames.Count);
        Assert.All(frames, frame => Assert.True(frame.Packet.TotalLength <= 1300));
        Assert.Equal(DropReason.None, IpPacket.TryParse(Whole(frames), out var whole));
        Assert.Equal(Ipv6Header.Length + UdpHeader.Length + 1400, whole.TotalLength);
    }

    [Fact]
    public void An_error_that_quotes_a_packet_of_another_address_is_forged()
    {
        var host = Home();
        var endpoint = host.Stack.BindUdp(Start, new FourTuple(Host.NodeV6, 7000, Host.ClientV6, 7000))!;
        endpoint.Send(Start, [1]);
        var sent = host.EmitOne(Start);
        var forged = Frames.Icmp(Host.ClientV6, InetAddress.LinkLocalOf(Host.NodeMac), IcmpV6Type.DestinationUnreachable, 4, 0, sent.PacketBytes);
        Assert.Equal(DropReason.IcmpIgnored, host.Receive(Start, forged));
        Assert.False(endpoint.TryTakeError(out _, out _, out _));
    }

    [Fact]
    public void A_datagram_without_checksum_is_dropped()
    {
        var host = Home();
        var frame = Frames.Udp(ToDns, 1, 2);
        frame.Bytes[^4] = frame.Bytes[^3] = 0;
        Assert.Equal(DropReason.UdpBadChecksum, host.Receive(Start, frame));
    }

    [Theory]
    [InlineData(132, new byte[] { 1, 2, 3, 4, 5, 6, 7, 8 }, 1, 6)]                         // a protocol nobody speaks
    [InlineData(60, new byte[] { 132, 0, 1, 4, 0, 0, 0, 0 }, 1, 40)]                       // the same behind padding
    [InlineData(60, new byte[] { 59, 0, 0x80, 4, 0, 0, 0, 0 }, 2, 42)]                     // an option to be told of
    [InlineData(0, new byte[] { 59, 0, 1, 1, 0, 0xC3, 1, 0 }, 2, 45)]                      // the same behind padding, hop by hop
    [InlineData(43, new byte[] { 59, 0, 0, 1, 0, 0, 0, 0 }, 0, 42)]                        // a route that goes on
    [InlineData(60, new byte[] { 0, 0, 1, 4, 0, 0, 0, 0, 59, 0, 1, 4, 0, 0, 0, 0 }, 1, 40)] // hop-by-hop options in second place
    [InlineData(44, new byte[] { 17, 0, 0, 1, 0, 0, 0, 1, 1, 2, 3 }, 0, 4)]                // a first fragment of no multiple of eight
    [InlineData(44, new byte[] { 17, 0, 0xFF, 0xF8, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, 0, 42)] // beyond 65,535 bytes
    [InlineData(44, new byte[] { 17, 0, 0, 1, 0, 0, 0, 1 }, 3, 0)]                         // a first fragment without its ports
    public void What_makes_no_sense_is_told_with_code_and_place(byte next, byte[] rest, byte code, uint pointer)
    {
        var host = Home();
        Assert.NotEqual(DropReason.None, host.Receive(Start, Frames.Extended(Host.ClientV6, Host.NodeV6, next, rest)));
        var message = Icmp(host.EmitOne(Start));
        Assert.Equal((IcmpV6Type.ParameterProblem, code, pointer), (message.Type, message.Code, message.Rest));
    }

    [Theory]
    [InlineData("2001:db8:1::11", 59, new byte[] { 1, 2, 3 })]                          // "no next header" is no error
    [InlineData("2001:db8:1::11", 60, new byte[] { 59, 0, 0x40, 4, 0, 0, 0, 0 })]       // an option that wants silence
    [InlineData("ff02::1", 60, new byte[] { 59, 0, 0xC3, 4, 0, 0, 0, 0 })]              // silence for groups
    [InlineData("ff02::1", 132, new byte[] { 1, 2, 3, 4, 5, 6, 7, 8 })]
    public void What_wants_silence_gets_it(string to, byte next, byte[] rest)
    {
        var host = Home();
        host.Receive(Start, Frames.Extended(Host.ClientV6, InetAddress.Parse(to), next, rest));
        Assert.Empty(host.Emit(Start));
    }

    [Fact]
    public void An_option_that_wants_it_is_told_of_even_when_it_went_to_a_group()
    {
        var host = Home();
        host.Receive(Start, Frames.Extended(Host.ClientV6, InetAddress.AllNodes, 60, [59, 0, 0x83, 4, 0, 0, 0, 0]));
        var error = host.EmitOne(Start);
        Assert.Equal(Host.NodeV6, error.Packet.Source);
        Assert.Equal((byte)2, Icmp(error).Code);
    }

    [Fact]
    public void Sources_that_are_no_hosts_and_those_of_another_link_are_not_let_in()
    {
        var host = Home();
        foreach (string source in new[] { "::", "::1", "::198.51.100.50", "ff02::1", "2001:db8:1::101", "2002:7f00:1::1" })
        {
            Assert.Equal(DropReason.IpMartianSource, host.Receive(Start, Frames.Udp(ToDns with { RemoteAddress = InetAddress.Parse(source) }, 1)));
        }

        host.Stack.AddInterface(new InterfaceOptions
        {
            Name = "lan",
            MacAddress = Host.OtherNodeMac,
            Addresses = [new InterfaceAddress(InetAddress.Parse("192.0.2.1"), 24), new InterfaceAddress(InetAddress.Parse("2001:db8:2::1"), 64)],
        });
        Assert.Equal(DropReason.IpSpoofedSource, host.Receive(Start, Frames.Udp(ToDns with { RemoteAddress = InetAddress.Parse("2001:db8:2::7") }, 1)));
        Assert.Equal(
            DropReason.IpSpoofedSource,
            host.Receive(Start, Frames.Udp(new FourTuple(Host.ServiceAddress, 53, InetAddress.Parse("192.0.2.7"), 4000), 1)));
    }

    [Fact]
    public void A_link_local_destination_is_reached_on_the_link_of_its_source()
    {
        var client = new Host(Host.Client, Host.ClientMac);
        var home = Host.AtHome();
        var network = new Network(client, home);
        home.Stack.BindUdp(Start, new FourTuple(home.LinkLocal, 7000, InetAddress.AnyV6, 0));
        var endpoint = client.Stack.BindUdp(Start, new FourTuple(client.LinkLocal, 7000, home.LinkLocal, 7000))!;
        endpoint.Send(Start, [1]);
        network.Run();
        Assert.Equal(1, home.Stack.Endpoints.OfType<UdpEndpoint>().Single().WaitingDatagrams);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Dscp_and_hop_limit_of_an_endpoint_stand_in_its_packets_and_move_with_it(bool v6)
    {
        var tuple = v6 ? ToDns : new FourTuple(Host.ServiceAddress, 53, Host.Client, 4000);
        var host = Host.AtHome().Knowing(tuple.RemoteAddress, Host.ClientMac);
        host.Receive(Start, Frames.Udp(tuple, 1));
        var endpoint = (UdpEndpoint)host.Created!;
        (endpoint.TrafficClass, endpoint.HopLimit) = (0xBB, 7);
        endpoint.Send(Start, [1]);
        Assert.Equal((0xB8, 7), (host.Emit(Start)[^1].Packet.TrafficClass, host.Stack.Endpoints.Single().HopLimit));

        var target = new Host(Host.OtherNode, Host.OtherNodeMac).Knowing(tuple.RemoteAddress, Host.ClientMac);
        Assert.True(host.Stack.Freeze(Start, endpoint));
        target.Stack.TryCreateEmbryo(Start, endpoint.Flow, Host.Dns, new EndpointId(9), new Epoch(2), out var embryo);
        Assert.Equal(InstallResult.Installed, target.Stack.Install(Start, embryo!, endpoint.ToImage(Start)));
        target.Stack.Activate(Start, embryo!);
        ((UdpEndpoint)embryo!).Send(Start, [2]);
        var sent = target.Emit(Start).Last(f => f.Link.EtherType != EtherType.Arp && f.Packet.Protocol == IpProtocol.Udp);
        Assert.Equal((0xB8, 7), (sent.Packet.TrafficClass, sent.Packet.Ttl));
    }

    private static Host Home() => Host.AtHome().Knowing(Host.ClientV6, Host.ClientMac);

    private static uint Ack(Host host) => ((TcpEndpoint)host.Stack.Endpoints.Single()).Connection!.Sequence.SndNxt.Value;

    private static IcmpMessage Icmp(Frame frame)
    {
        Assert.Equal(DropReason.None, IcmpMessage.TryParse(frame.Packet, frame.Transport, out var message));
        return message;
    }

    private static Frame TooBig(Frame about, uint mtu) =>
        Frames.Icmp(Host.GatewayV6, about.Packet.Source, IcmpV6Type.PacketTooBig, 0, mtu, about.PacketBytes[..60]);

    /// <summary>An error about a service's flow, as the directory would bring it.</summary>
    private static DropReason Direct(Host host, Frame error) =>
        host.Stack.OnServicePacket(Start, host.Stack.Endpoints.Single(), error.Packet, error.PacketBytes);

    private static byte[] Whole(List<Frame> frames)
    {
        var peer = new Host(Host.Client, Host.ClientMac);
        byte[] bytes = [];
        foreach (var frame in frames)
        {
            peer.Stack.OnFragment(Start, frame.Packet, frame.PacketBytes, out var result);
            bytes = result.ToArray();
        }

        return bytes;
    }
}
