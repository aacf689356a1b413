using Baton.Testing;
using Baton.Wire;

namespace Baton.Stack.Tests;

public sealed class AllocationTests
{
    private static readonly FourTuple ToDns = new(Host.ServiceAddress, 53, Host.Client, 4000);

    [Fact]
    public void Packets_cost_no_memory_after_warm_up()
    {
        var stack = new NetworkStack(new StackOptions
        {
            Keys = new StackKeys(new HashKey(1, 2), new HashKey(3, 4)),
            OwnerAddress = InetAddress.Parse("192.0.2.1"),
        });
        var front = stack.AddInterface(new InterfaceOptions
        {
            Name = "front",
            MacAddress = Host.NodeMac,
            Addresses = [new InterfaceAddress(Host.Node, 24)],
            ServiceAddresses = [Host.ServiceAddress],
        });
        var scratch = new byte[stack.ScratchLength];
        var arp = Frames.Arp(ArpOperation.Request, Host.ClientMac, Host.Client, Host.Node).Bytes;
        var echo = Frames.Icmp(Host.Client, Host.Node, IcmpType.EchoRequest, 0, 1, new byte[100]).PacketBytes;
        var stray = Frames.Tcp(new FourTuple(Host.Node, 9, Host.Client, 40_000), TcpFlags.Ack, 1, 1).PacketBytes;
        var datagram = Frames.Udp(ToDns, new byte[200]).PacketBytes;
        stack.OnArp(Instant.Zero, front, arp);
        IpPacket.TryParse(datagram, out var first);
        stack.OnUnknown(Instant.Zero, first, datagram, default, Host.Dns, new EndpointId(5), out var udp);
        var tcp = OpenTcp(stack, scratch);

        int round = 0;
        Assert.Equal(0, Allocation.Steady(() =>
        {
            for (int end = round + 600; round < end; round++)
            {
                var now = Instant.Zero + TimeSpan.FromMilliseconds(round + 1);
                stack.OnArp(now, front, arp);
                Own(stack, now, echo);
                Own(stack, now, stray);
                Exchange(stack, now, (UdpEndpoint)udp!, datagram, scratch);
                Exchange(stack, now, tcp, scratch);
                Drain(stack, now, scratch);
                stack.OnDeadline(now);
            }
        }));
        Assert.Equal(2 * round, tcp.Bytes);
    }

    private static void Own(NetworkStack stack, Instant now, byte[] bytes)
    {
        IpPacket.TryParse(bytes, out var packet);
        stack.OnPacket(now, packet, bytes);
    }

    private static void Exchange(NetworkStack stack, Instant now, UdpEndpoint endpoint, byte[] bytes, byte[] scratch)
    {
        IpPacket.TryParse(bytes, out var packet);
        stack.OnServicePacket(now, endpoint, packet, bytes);
        endpoint.TryReceive(scratch, out int length, out _, out _);
        endpoint.Send(now, scratch.AsSpan(0, length));
    }

    private static void Drain(NetworkStack stack, Instant now, byte[] scratch)
    {
        while (stack.TryTakeEvent(out _, out _))
        {
        }

        while (stack.TryEmit(now, scratch, out _))
        {
        }
    }

    /// <summary>The peer's segment of two bytes comes, is read, and answered by two.</summary>
    private static void Exchange(NetworkStack stack, Instant now, Peer peer, byte[] scratch)
    {
        var sequence = peer.Endpoint.Connection!.Sequence;
        peer.Write(sequence.RcvNxt, sequence.SndNxt);
        IpPacket.TryParse(peer.Packet, out var packet);
        stack.OnServicePacket(now, peer.Endpoint, packet, peer.Packet);
        int read = peer.Endpoint.Read(now, scratch);
        peer.Bytes += read;
        peer.Endpoint.Write(now, scratch.AsSpan(0, read));
    }

    private static Peer OpenTcp(NetworkStack stack, byte[] scratch)
    {
        var tuple = new FourTuple(Host.ServiceAddress, 80, Host.Client, 40_000);
        var syn = Frames.Tcp(tuple, TcpFlags.Syn, 1000).PacketBytes;
        IpPacket.TryParse(syn, out var packet);
        stack.OnUnknown(Instant.Zero, packet, syn, default, Host.Web, new EndpointId(6), out var endpoint);
        Drain(stack, Instant.Zero, scratch);
        var tcp = (TcpEndpoint)endpoint!;
        var ack = Frames.Tcp(tuple, TcpFlags.Ack, 1001, tcp.Connection!.Sequence.Iss.Value + 1).PacketBytes;
        IpPacket.TryParse(ack, out packet);
        stack.OnServicePacket(Instant.Zero, tcp, packet, ack);
        Assert.True(tcp.IsEstablished);
        stack.Attach(tcp, tcp, "echo");
        return new Peer(tcp, Frames.Tcp(tuple, TcpFlags.Ack | TcpFlags.Psh, 0, 0, new byte[2]).PacketBytes);
    }

    private sealed record Peer(TcpEndpoint Endpoint, byte[] Packet)
    {
        public int Bytes { get; set; }

        public void Write(SeqNum sequence, SeqNum acknowledgment)
        {
            var segment = Packet.AsSpan(Ipv4Header.Length);
            System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(segment[4..], sequence.Value);
            System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(segment[8..], acknowledgment.Value);
            TcpChecksum.Write(segment, 0);
            TcpChecksum.Write(segment, TcpChecksum.Compute(Host.Client, Host.ServiceAddress, segment));
        }
    }
}
