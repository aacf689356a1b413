using Baton.Tcp;
using Baton.Wire;

namespace Baton.Stack.Tests;

/// <summary>R1 to R5: the endpoint is there from the SYN on, whether or not anybody listens.</summary>
public sealed class TcpServiceTests
{
    private static readonly Instant Start = Instant.Zero;
    private static readonly FourTuple ToWeb = new(Host.ServiceAddress, 80, Host.Client, 40_000);
    private static readonly TcpOptions Options = new() { Mss = 1460, WindowScale = 7, SackPermitted = true, HasTimestamps = true, TimestampValue = 1 };

    [Fact]
    public void A_syn_to_a_service_makes_an_unattached_endpoint_and_is_answered_with_no_application_there()
    {
        var host = Host.AtHome().Knowing(Host.Client, Host.ClientMac);
        host.Receive(Start, Frames.Tcp(ToWeb, TcpFlags.Syn, 1000, options: Options));

        var endpoint = Assert.IsType<TcpEndpoint>(Assert.Single(host.Stack.Endpoints));
        Assert.Same(host.Created, endpoint);
        Assert.Null(endpoint.Application);
        Assert.Equal(1, host.Stack.UnattachedEndpoints);
        Assert.Equal(new Flow(IpProtocol.Tcp, ToWeb), endpoint.Flow);

        var answer = host.EmitOne(Start);
        Assert.Equal(new EthernetHeader(Host.ClientMac, Host.NodeMac, EtherType.Ipv4), answer.Link);
        Assert.Equal(Host.ServiceAddress, answer.Packet.Source);
        Assert.True(answer.Packet.DontFragment);
        Assert.Equal(TcpFlags.Syn | TcpFlags.Ack, answer.Tcp.Flags);
        Assert.Equal(new SeqNum(1001), answer.Tcp.Acknowledgment);
        Assert.Equal(answer.Tcp.Sequence, endpoint.Connection!.Sequence.Iss);
        Assert.Equal(new SeqNum(1000), endpoint.Connection.Sequence.Irs);
    }

    [Fact]
    public void Its_reference_carries_four_tuple_owner_and_sequence_numbers()
    {
        var host = Host.AtHome();
        host.Receive(Start, Frames.Tcp(ToWeb, TcpFlags.Syn, 1000, options: Options));
        var endpoint = (TcpEndpoint)host.Created!;
        Assert.Equal(DropReason.None, ReferenceCodec.TryDecode(endpoint.Reference.Span, out var reference, out _, out _, out _));
        Assert.Equal(endpoint.Flow, reference.Flow);
        Assert.Equal(endpoint.Id, reference.Id);
        Assert.Equal(8080, reference.OwnerPort);
        Assert.Equal(new SeqNum(1001), reference.Sequence!.Value.RcvNxt);
        Assert.Equal(endpoint.Connection!.Sequence.Iss, reference.Sequence.Value.Iss);
    }

    [Fact]
    public void A_reference_with_one_bit_changed_is_refused_but_the_hop_count_may_differ()
    {
        var host = Host.AtHome();
        host.Receive(Start, Frames.Tcp(ToWeb, TcpFlags.Syn, 1000));
        var endpoint = host.Created!;
        var issued = endpoint.Reference.Span.ToArray();
        for (int i = 0; i < issued.Length; i++)
        {
            var changed = (byte[])issued.Clone();
            changed[i] ^= 1;
            Assert.Equal(i == ReferenceCodec.HopCountOffset, host.Stack.ReferenceMatches(endpoint, changed));
        }

        Assert.Equal(issued.Length - 1, host.Stack.Drops[DropReason.ReferenceMismatch]);
    }

    [Fact]
    public void The_syn_ack_waits_for_the_next_hop_and_then_leaves()
    {
        var host = Host.AtHome();
        host.Receive(Start, Frames.Tcp(ToWeb, TcpFlags.Syn, 1000));
        Assert.Equal(ArpOperation.Request, host.EmitOne(Start).Arp.Operation);
        host.Receive(Start, Frames.Arp(ArpOperation.Reply, Host.ClientMac, Host.Client, Host.Node, Host.NodeMac));
        Assert.Equal(TcpFlags.Syn | TcpFlags.Ack, host.EmitOne(Start).Tcp.Flags);
    }

    [Fact]
    public void The_same_syn_again_makes_no_second_endpoint()
    {
        var host = Host.AtHome().Knowing(Host.Client, Host.ClientMac);
        var syn = Frames.Tcp(ToWeb, TcpFlags.Syn, 1000);
        host.Receive(Start, syn);
        host.Receive(Start, syn);
        Assert.Single(host.Stack.Endpoints);

        Assert.Equal(DropReason.None, IpPacket.TryParse(syn.PacketBytes, out var packet));
        Assert.Equal(DropReason.FlowInUse, host.Stack.OnUnknown(Start, packet, syn.PacketBytes, default, Host.Web, new EndpointId(77), out _));
    }

    [Fact]
    public void A_flood_of_syns_makes_so_many_endpoints_and_no_more()
    {
        var host = Host.AtHome(new StackLimits { UnattachedEndpoints = 10 }).Knowing(Host.Client, Host.ClientMac);
        for (ushort port = 1; port <= 100; port++)
        {
            host.Receive(Start, Frames.Tcp(ToWeb with { RemotePort = port }, TcpFlags.Syn, 1));
        }

        Assert.Equal(10, host.Stack.Endpoints.Count);
        Assert.Equal(90, host.Stack.Drops[DropReason.EndpointTableFull]);
        Assert.Equal(10, host.Emit(Start).Count);
    }

    [Fact]
    public void A_client_is_served_and_sequence_numbers_advance_with_the_wire()
    {
        var network = Network.OfClientAndHome(out var client, out var home);
        var (atClient, endpoint) = Connected(network, client, home);
        home.Stack.Attach(endpoint, this, "echo");
        Assert.Equal(0, home.Stack.UnattachedEndpoints);

        atClient.Write(network.Now, "hello"u8);
        network.Run();
        Assert.True(home.TakeEvents()[endpoint].HasFlag(EndpointEvents.Readable));
        Span<byte> buffer = stackalloc byte[100];
        int length = endpoint.Read(network.Now, buffer);
        endpoint.Write(network.Now, buffer[..length]);
        network.Run(TimeSpan.FromSeconds(1));
        Assert.Equal(5, atClient.Read(network.Now, buffer));
        Assert.True(buffer[..5].SequenceEqual("hello"u8));

        var last = network.Seen.Last(f => f.Link.EtherType == EtherType.Ipv4 && f.Packet.Source == Host.Client).Tcp;
        Assert.Equal(last.Acknowledgment, endpoint.Connection!.Sequence.SndUna);
        Assert.Equal(last.Sequence, endpoint.Connection.Sequence.RcvNxt);
    }

    [Fact]
    public void An_endpoint_without_application_is_reset_after_its_time()
    {
        var network = Network.OfClientAndHome(out var client, out var home, new StackLimits { UnattachedTimeout = TimeSpan.FromSeconds(5) });
        var (atClient, endpoint) = Connected(network, client, home);
        network.Run(TimeSpan.FromSeconds(6));
        Assert.Equal(TcpCloseReason.ResetByPeer, atClient.Connection!.CloseReason);
        Assert.True(home.TakeEvents()[endpoint].HasFlag(EndpointEvents.Closed | EndpointEvents.UnattachedTooLong));
        Assert.Empty(home.Stack.Endpoints);
        Assert.Equal(0, home.Stack.UnattachedEndpoints);
    }

    [Fact]
    public void An_application_can_leave_and_another_come_while_the_connection_stays_open()
    {
        var network = Network.OfClientAndHome(out var client, out var home, new StackLimits { UnattachedTimeout = TimeSpan.FromSeconds(5) });
        var (atClient, endpoint) = Connected(network, client, home);
        home.Stack.Attach(endpoint, "first", "first");
        network.Run(TimeSpan.FromSeconds(20));
        home.Stack.Detach(network.Now, endpoint);
        Assert.Equal(1, home.Stack.UnattachedEndpoints);
        network.Run(TimeSpan.FromSeconds(4));
        home.Stack.Attach(endpoint, "second", "second");
        network.Run(TimeSpan.FromSeconds(20));
        Assert.Equal(EndpointPhase.Active, endpoint.Phase);
        Assert.Equal("second", endpoint.ApplicationName);
        Assert.Equal(TcpState.Established, atClient.Connection!.State);
    }

    [Fact]
    public void A_syn_in_time_wait_opens_anew_under_a_new_id()
    {
        var network = Network.OfClientAndHome(out var client, out var home);
        var (atClient, endpoint) = Connected(network, client, home);
        home.Stack.Attach(endpoint, this, "web");
        endpoint.CloseWrite(network.Now);
        network.Run();
        atClient.CloseWrite(network.Now);
        network.Run(TimeSpan.FromSeconds(1));
        Assert.Equal(TcpState.TimeWait, endpoint.Connection!.State);

        var atHome = endpoint.Flow.Tuple;
        var options = new TcpOptions { HasTimestamps = true, TimestampValue = uint.MaxValue / 2 };
        var syn = Frames.Tcp(atHome, TcpFlags.Syn, endpoint.Connection.Sequence.RcvNxt.Value + 100_000, options: options);
        home.TakeEvents();
        home.Receive(network.Now, syn);
        Assert.NotNull(home.Created);
        Assert.NotEqual(endpoint.Id, home.Created!.Id);
        Assert.True(home.TakeEvents()[endpoint].HasFlag(EndpointEvents.Closed));
        Assert.Equal(TcpFlags.Syn | TcpFlags.Ack, home.EmitOne(network.Now).Tcp.Flags);
    }

    [Fact]
    public void A_large_write_leaves_in_super_segments_with_partial_checksums_where_the_link_cuts_them()
    {
        var network = Network.OfClientAndHome(out var client, out var home, offloads: true);
        var (atClient, endpoint) = Connected(network, client, home);
        home.Stack.Attach(endpoint, this, "web");
        var data = new byte[300_000];
        new Random(1).NextBytes(data);
        Assert.Equal(data.Length, endpoint.Write(network.Now, data));
        var received = new byte[data.Length];
        int length = 0;
        for (int i = 0; i < 10; i++)
        {
            network.Run(TimeSpan.FromSeconds(1));
            length += atClient.Read(network.Now, received.AsSpan(length));
        }

        var big = network.Seen.Where(f => f.Offload.Gso == GsoType.TcpV4).ToArray();
        Assert.NotEmpty(big);
        Assert.All(big, f => Assert.Equal(ChecksumState.Partial, f.Offload.Checksum));
        Assert.All(big, f => Assert.True(f.Bytes.Length <= 65_535 + EthernetHeader.Length && f.Offload.SegmentSize <= 1460));
        Assert.Equal(data.Length, length);
        Assert.True(data.AsSpan().SequenceEqual(received));
    }

    [Fact]
    public void Fragmentation_needed_makes_the_connections_segments_smaller()
    {
        var network = Network.OfClientAndHome(out var client, out var home);
        var (_, endpoint) = Connected(network, client, home);
        home.Stack.Attach(endpoint, this, "web");
        network.Loses = f => f.Bytes.Length > 1014;
        endpoint.Write(network.Now, new byte[20_000]);
        network.Run();
        var lost = network.Seen.First(network.Loses);
        home.Receive(network.Now, Frames.Icmp(Host.Gateway, Host.ServiceAddress, IcmpType.DestinationUnreachable, 4, 1000, lost.PacketBytes[..28]));
        network.Run(TimeSpan.FromSeconds(5));
        Assert.Equal(endpoint.Connection!.Sequence.SndNxt, endpoint.Connection.Sequence.SndUna);
    }

    /// <summary>A client's connection to the web service, both ends.</summary>
    internal static (TcpEndpoint AtClient, TcpEndpoint AtHome) Connected(Network network, Host client, Host home)
    {
        var atClient = client.Stack.Connect(network.Now, new FourTuple(Host.Client, 0, Host.ServiceAddress, 80))!;
        network.Run();
        var atHome = home.Stack.Endpoints.OfType<TcpEndpoint>().Single(e => e.Flow.Tuple == atClient.Flow.Tuple.Reversed);
        Assert.True(atHome.IsEstablished);
        Assert.True(atClient.IsEstablished);
        return (atClient, atHome);
    }
}
