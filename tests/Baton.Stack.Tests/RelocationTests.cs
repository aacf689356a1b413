using Baton.Tcp;
using Baton.Wire;

namespace Baton.Stack.Tests;

/// <summary>A move as the stack sees it: the steps in their order, without the protocol around them.</summary>
public sealed class RelocationTests
{
    private static readonly FourTuple ToDns = new(Host.ServiceAddress, 53, Host.Client, 4000);

    [Fact]
    public void A_connection_moves_with_its_unread_and_unsent_bytes_and_the_client_sees_one_stream()
    {
        var network = Network.OfClientAndHome(out var client, out var source);
        var (atClient, endpoint) = TcpServiceTests.Connected(network, client, source);
        source.Stack.Attach(endpoint, this, "web");
        atClient.Write(network.Now, "from the client "u8);
        endpoint.Write(network.Now, "from the source "u8);
        network.Run();

        var target = MoveTo(network, source, endpoint);
        network.Move(target.Host, target.Endpoint);
        network.Run();

        Span<byte> buffer = stackalloc byte[100];
        int length = target.Endpoint.Read(network.Now, buffer);
        Assert.True(buffer[..length].SequenceEqual("from the client "u8));
        target.Endpoint.Write(network.Now, "from the target"u8);
        network.Run(TimeSpan.FromSeconds(1));
        length = atClient.Read(network.Now, buffer);
        Assert.True(buffer[..length].SequenceEqual("from the source from the target"u8));
        Assert.Equal(TcpState.Established, atClient.Connection!.State);
        source.Stack.Remove(endpoint);
        Assert.Empty(source.Stack.Endpoints);
        Assert.Equal(0, source.Stack.HeldBytes);
    }

    [Fact]
    public void The_target_answers_with_the_service_address_and_one_acknowledgment_first()
    {
        var network = Network.OfClientAndHome(out var client, out var source);
        var (_, endpoint) = TcpServiceTests.Connected(network, client, source);
        var target = MoveTo(network, source, endpoint);

        var kick = target.Host.EmitOne(network.Now);
        Assert.Equal(Host.OtherNodeMac, kick.Link.Source);
        Assert.Equal(Host.ServiceAddress, kick.Packet.Source);
        Assert.Equal(TcpFlags.Ack, kick.Tcp.Flags);
        Assert.Empty(kick.TcpPayload);
    }

    [Fact]
    public void A_frozen_endpoint_emits_nothing_whatever_arrives_and_however_long()
    {
        var network = Network.OfClientAndHome(out var client, out var source);
        var (atClient, endpoint) = TcpServiceTests.Connected(network, client, source);
        endpoint.Write(network.Now, new byte[50_000]);
        source.Stack.Attach(endpoint, this, "web");
        Assert.True(source.Stack.Freeze(network.Now, endpoint));
        atClient.Write(network.Now, new byte[20_000]);
        network.Seen.Clear();
        network.Run(TimeSpan.FromMinutes(2));

        Assert.DoesNotContain(network.Seen, f => f.Link is { EtherType: EtherType.Ipv4 } link && link.Source == Host.NodeMac);
        Assert.True(endpoint.Held.Count > 0);
        Assert.Equal(0, endpoint.Write(network.Now, [1]));

        // What the client has not heard of is not lost either: thawed, the endpoint takes it in, and goes on.
        source.Stack.Thaw(network.Now, endpoint, new Epoch(3));
        network.Run(TimeSpan.FromMinutes(2));
        Assert.Equal(0, endpoint.Held.Count);
        Assert.Equal(20_000, endpoint.Connection!.ReadableBytes);
        Assert.Equal(50_000, atClient.Connection!.ReadableBytes);
        Assert.Equal(new Epoch(3), endpoint.Epoch);
        source.Stack.Remove(endpoint);
        source.Pool.AssertNoneLent();
    }

    [Fact]
    public void An_embryo_is_silent_with_and_without_its_image_and_holds_what_arrives()
    {
        var network = Network.OfClientAndHome(out var client, out var source);
        var (atClient, endpoint) = TcpServiceTests.Connected(network, client, source);
        var target = new Host(Host.OtherNode, Host.OtherNodeMac);
        source.Stack.Freeze(network.Now, endpoint);
        target.Stack.TryCreateEmbryo(network.Now, endpoint.Flow, Host.Web, new EndpointId(9), new Epoch(2), out var embryo);
        atClient.Write(network.Now, "early"u8);
        var early = client.EmitOne(network.Now);
        Assert.Equal(DropReason.None, Forward(target, network.Now, embryo!, early));
        Assert.Empty(target.Emit(network.Now));

        Assert.False(target.Stack.Activate(network.Now, embryo!));
        Assert.Equal(InstallResult.Installed, target.Stack.Install(network.Now, embryo!, endpoint.ToImage(network.Now)));
        Assert.Equal(InstallResult.NotAnEmbryo, target.Stack.Install(network.Now, embryo!, endpoint.ToImage(network.Now)));
        var later = network.Now + TimeSpan.FromSeconds(90);
        target.Stack.OnDeadline(later);
        Assert.All(target.Emit(later), f => Assert.Equal(EtherType.Arp, f.Link.EtherType));
        Assert.Equal(1, embryo!.Held.Count);

        target.Stack.IssueReference(embryo, new Epoch(2));
        Assert.True(target.Stack.Activate(later, embryo));
        Assert.Equal(5, ((TcpEndpoint)embryo).Connection!.ReadableBytes);
        Assert.True(target.TakeEvents()[embryo].HasFlag(EndpointEvents.Established | EndpointEvents.Readable));
    }

    [Fact]
    public void Packets_held_before_the_image_go_with_it_and_those_after_are_given_away_in_order()
    {
        var host = Host.AtHome();
        host.Receive(Instant.Zero, Frames.Udp(ToDns, 0));
        var endpoint = host.Created!;
        host.Stack.Freeze(Instant.Zero, endpoint);
        host.Receive(Instant.Zero, Frames.Udp(ToDns, 1));
        host.Receive(Instant.Zero, Frames.Udp(ToDns, 2));
        var image = endpoint.ToImage(Instant.Zero);
        host.Receive(Instant.Zero, Frames.Udp(ToDns, 3));
        host.Receive(Instant.Zero, Frames.Udp(ToDns, 4));

        var given = new List<byte>();
        Assert.Equal(2, endpoint.TakeHeld((_, packet) => given.Add(packet[^1])));
        Assert.Equal<byte>([3, 4], given);
        Assert.Equal(0, host.Stack.HeldBytes);

        var target = new Host(Host.OtherNode, Host.OtherNodeMac);
        target.Stack.TryCreateEmbryo(Instant.Zero, endpoint.Flow, Host.Dns, new EndpointId(9), new Epoch(2), out var embryo);
        Forward(target, Instant.Zero, embryo!, Frames.Udp(ToDns, 3));
        Assert.Equal(InstallResult.Installed, target.Stack.Install(Instant.Zero, embryo!, image));
        target.Stack.IssueReference(embryo!, new Epoch(2));
        target.Stack.Activate(Instant.Zero, embryo!);

        // The datagram that was queued, those that came with the image, then what arrived here before it.
        Assert.Equal<byte>([0, 1, 2, 3], Drain((UdpEndpoint)embryo!));
        host.Stack.Remove(endpoint);
        target.Stack.Remove(embryo!);
        target.Emit(Instant.Zero);
        host.Pool.AssertNoneLent();
        target.Pool.AssertNoneLent();
    }

    [Fact]
    public void Held_packets_are_bounded_for_the_endpoint_and_for_the_stack_and_what_is_lost_is_counted()
    {
        var host = Host.AtHome(new StackLimits { HeldPacketsPerEndpoint = 3, HeldBytes = 150 });
        host.Receive(Instant.Zero, Frames.Udp(ToDns, 0));
        host.Receive(Instant.Zero, Frames.Udp(ToDns with { RemotePort = 2 }, 0));
        foreach (var endpoint in host.Stack.Endpoints)
        {
            host.Stack.Freeze(Instant.Zero, endpoint);
        }

        for (int i = 0; i < 5; i++)
        {
            host.Receive(Instant.Zero, Frames.Udp(ToDns, 1));
        }

        Assert.Equal(2, host.Stack.Drops[DropReason.HeldQueueFull]);
        for (int i = 0; i < 3; i++)
        {
            host.Receive(Instant.Zero, Frames.Udp(ToDns with { RemotePort = 2 }, new byte[20]));
        }

        Assert.Equal(4, host.Stack.Drops[DropReason.HeldQueueFull]);
        Assert.True(host.Stack.HeldBytes <= 150);
    }

    [Fact]
    public void A_half_open_connection_and_the_nodes_own_do_not_freeze()
    {
        var host = Host.AtHome();
        host.Receive(Instant.Zero, Frames.Tcp(new FourTuple(Host.ServiceAddress, 80, Host.Client, 40_000), TcpFlags.Syn, 1));
        Assert.False(host.Stack.Freeze(Instant.Zero, host.Created!));
        var own = host.Stack.BindUdp(Instant.Zero, new FourTuple(Host.Node, 1, Host.Client, 1))!;
        Assert.False(host.Stack.Freeze(Instant.Zero, own));
    }

    [Fact]
    public void An_image_with_any_byte_changed_never_throws_and_of_another_flow_is_refused()
    {
        var network = Network.OfClientAndHome(out var client, out var source);
        var (atClient, endpoint) = TcpServiceTests.Connected(network, client, source);
        source.Stack.Freeze(network.Now, endpoint);
        atClient.Write(network.Now, "held"u8);
        network.Run();
        var image = endpoint.ToImage(network.Now);
        var random = new Random(1);
        for (int i = 0; i < image.Length; i++)
        {
            var changed = (byte[])image.Clone();
            changed[i] ^= (byte)random.Next(1, 256);
            Install(endpoint.Flow, changed);
            Install(endpoint.Flow, image[..i], InstallResult.BadImage);
        }

        var other = endpoint.Flow with { Tuple = endpoint.Flow.Tuple with { RemotePort = 1 } };
        Install(other, image, InstallResult.BadImage);
        Install(endpoint.Flow, image, InstallResult.Installed);
    }

    [Fact]
    public void Embryos_are_bounded_and_one_flow_has_one_endpoint()
    {
        var host = new Host(Host.OtherNode, Host.OtherNodeMac, limits: new StackLimits { Embryos = 1 });
        var flow = new Flow(IpProtocol.Udp, ToDns);
        Assert.Equal(DropReason.None, host.Stack.TryCreateEmbryo(Instant.Zero, flow, Host.Dns, new EndpointId(1), new Epoch(2), out var embryo));
        var other = flow with { Tuple = ToDns with { RemotePort = 2 } };
        Assert.Equal(DropReason.EmbryosFull, host.Stack.TryCreateEmbryo(Instant.Zero, other, Host.Dns, new EndpointId(2), new Epoch(2), out _));
        host.Stack.Remove(embryo!);
        Assert.Equal(0, host.Stack.Embryos);
        Assert.Equal(DropReason.None, host.Stack.TryCreateEmbryo(Instant.Zero, other, Host.Dns, new EndpointId(2), new Epoch(2), out _));
    }

    private static void Install(Flow flow, byte[] image, InstallResult? expected = null)
    {
        var target = new Host(Host.OtherNode, Host.OtherNodeMac);
        target.Stack.TryCreateEmbryo(Instant.Zero, flow, Host.Web, new EndpointId(9), new Epoch(2), out var embryo);
        var result = target.Stack.Install(Instant.Zero, embryo!, image);
        Assert.Equal(expected ?? result, result);
        if (result == InstallResult.Installed)
        {
            target.Stack.Activate(Instant.Zero, embryo!);
            target.Emit(Instant.Zero);
        }
    }

    private static (Host Host, TcpEndpoint Endpoint) MoveTo(Network network, Host source, TcpEndpoint endpoint)
    {
        var target = new Host(Host.OtherNode, Host.OtherNodeMac).Knowing(Host.Client, Host.ClientMac);
        Assert.True(source.Stack.Freeze(network.Now, endpoint));
        Assert.Equal(DropReason.None, target.Stack.TryCreateEmbryo(network.Now, endpoint.Flow, Host.Web, new EndpointId(9), endpoint.Epoch + 1, out var embryo));
        Assert.Equal(InstallResult.Installed, target.Stack.Install(network.Now, embryo!, endpoint.ToImage(network.Now)));
        target.Stack.IssueReference(embryo!, endpoint.Epoch + 1);
        Assert.Equal(DropReason.None, ReferenceCodec.TryDecode(embryo!.Reference.Span, out var reference, out _, out _, out _));
        Assert.Equal(endpoint.Connection!.Sequence, reference.Sequence);
        Assert.Empty(target.Emit(network.Now));
        Assert.True(target.Stack.Activate(network.Now, embryo));
        return (target, (TcpEndpoint)embryo);
    }

    private static DropReason Forward(Host target, Instant now, Endpoint endpoint, Frame frame) =>
        target.Stack.OnServicePacket(now, endpoint, frame.Packet, frame.PacketBytes, frame.Offload);

    private static byte[] Drain(UdpEndpoint endpoint)
    {
        var read = new List<byte>();
        var buffer = new byte[10];
        while (endpoint.TryReceive(buffer, out int length, out _, out _))
        {
            read.AddRange(buffer[..length]);
        }

        return [.. read];
    }
}
