using System.Buffers.Binary;
using Baton.Tcp;
using Baton.Testing;
using Baton.Wire;

namespace Baton.Stack.Tests;

/// <summary>
/// The whole stack's input under frames that are valid, mutated, cut and repeated, with time passing and an application
/// that reads, writes, closes, freezes and goes: nothing throws, nothing grows beyond its bound, no buffer is lost.
/// BATON_FUZZ_ROUNDS makes it long, BATON_SEED replays a run.
/// </summary>
public sealed class HostileInputTests
{
    private const int Steps = 400;

    private static readonly int Rounds = Setting("BATON_FUZZ_ROUNDS", QuickForm.Or(60, quick: 20));
    private static readonly int Base = Setting("BATON_SEED", 20261122);

    private static readonly StackLimits Limits = new()
    {
        Endpoints = 60,
        UnattachedEndpoints = 30,
        HalfOpenEndpoints = 10,
        Neighbours = 12,
        Reassemblies = 6,
        HeldBytes = 100_000,
        HeldPacketsPerEndpoint = 20,
        DatagramsPerEndpoint = 8,
        QueuedPackets = 200,
        UdpIdleTimeout = TimeSpan.FromSeconds(20),
    };

    [Fact]
    public void Nothing_throws_and_nothing_grows_beyond_its_bound()
    {
        var seen = new HashSet<DropReason>();
        var states = new HashSet<TcpState>();
        for (int round = 0; round < Rounds; round++)
        {
            int seed = Base + round;
            try
            {
                Run(new Random(seed), seen, states);
            }
            catch (Exception failure)
            {
                throw new InvalidOperationException($"Replay with BATON_SEED={seed}: {failure.Message}", failure);
            }
        }

        // What no frame reached is not shown by it.
        Assert.InRange(seen.Count, 24, byte.MaxValue);
        Assert.Superset(new HashSet<TcpState> { TcpState.SynReceived, TcpState.Established, TcpState.CloseWait, TcpState.FinWait1 }, states);
    }

    private static void Run(Random random, HashSet<DropReason> seen, HashSet<TcpState> states)
    {
        var host = new Host(Host.Node, Host.NodeMac, isHome: true, Limits, checkAddresses: random.Next(8) == 0, acceptRouters: random.Next(4) == 0);
        host.Stack.Listen(Host.Node, 6082, backlog: 3);
        host.Stack.BindUdp(Instant.Zero, new FourTuple(Host.NodeV6, 7000, InetAddress.AnyV6, 0));
        var now = Instant.Zero;
        var sent = new List<Frame>();
        for (int step = 0; step < Steps; step++)
        {
            foreach (var frame in Next(random, sent))
            {
                host.Receive(now, random.Next(3) == 0 ? Mutated(random, frame) : frame);
            }

            Touch(random, host, now);
            sent.AddRange(host.Emit(now));
            sent.RemoveRange(0, Math.Max(0, sent.Count - 20));
            host.TakeEvents();
            AssertBounded(host.Stack);
            states.UnionWith(host.Stack.Endpoints.OfType<TcpEndpoint>().Select(e => e.Connection!.State));
            now += TimeSpan.FromMilliseconds(random.Next(4) == 0 ? random.Next(3000) : random.Next(5));
            host.Stack.OnDeadline(now);
        }

        foreach (var endpoint in host.Stack.Endpoints.ToArray())
        {
            host.Stack.Remove(endpoint);
        }

        // Reassemblies, questions and waiting packets end by themselves.
        for (int i = 0; i < 40; i++)
        {
            now += TimeSpan.FromSeconds(1);
            host.Stack.OnDeadline(now);
            host.Emit(now);
        }

        host.Pool.AssertNoneLent();
        seen.UnionWith(Enum.GetValues<DropReason>().Where(reason => host.Stack.Drops[reason] > 0));
    }

    private static void AssertBounded(NetworkStack stack)
    {
        Assert.InRange(stack.Endpoints.Count, 0, Limits.Endpoints);
        Assert.InRange(stack.UnattachedEndpoints, 0, Limits.UnattachedEndpoints);
        Assert.InRange(stack.HalfOpenEndpoints, 0, Limits.HalfOpenEndpoints);
        Assert.InRange(stack.HeldBytes, 0, Limits.HeldBytes);
        Assert.InRange(stack.Pool.Lent, 0, Limits.QueuedPackets + Limits.Reassemblies + 1 + Limits.Neighbours * Limits.PacketsPerNeighbour
            + Limits.Endpoints * (Limits.DatagramsPerEndpoint + Limits.HeldPacketsPerEndpoint));
    }

    /// <summary>What an application and a handoff do.</summary>
    private static void Touch(Random random, Host host, Instant now)
    {
        var endpoints = host.Stack.Endpoints.ToArray();
        if (endpoints.Length == 0)
        {
            return;
        }

        var endpoint = endpoints[random.Next(endpoints.Length)];
        var buffer = new byte[2000];
        switch (random.Next(9))
        {
            case 0 when endpoint is TcpEndpoint { IsEstablished: true } tcp:
                tcp.Write(now, buffer.AsSpan(0, random.Next(buffer.Length)));
                break;
            case 1 when endpoint is TcpEndpoint tcp:
                tcp.Read(now, buffer);
                break;
            case 2 when endpoint is TcpEndpoint tcp:
                tcp.CloseWrite(now);
                break;
            case 3 when endpoint is UdpEndpoint udp:
                udp.SendTo(now, buffer.AsSpan(0, random.Next(buffer.Length)), udp.Flow.Tuple.RemoteAddress, udp.Flow.Tuple.RemotePort);
                break;
            case 4 when endpoint is UdpEndpoint udp:
                udp.TryReceive(buffer, out _, out _, out _);
                break;
            case 5 when endpoint is { Service: not null, Application: null, Phase: EndpointPhase.Active }:
                host.Stack.Attach(endpoint, host, "fuzz");
                break;
            case 6:
                host.Stack.Freeze(now, endpoint);
                break;
            case 7 when endpoint.Phase == EndpointPhase.Frozen:
                endpoint.ToImage(now);
                host.Stack.Thaw(now, endpoint, endpoint.Epoch + 2);
                break;
            case 8 when random.Next(4) == 0:
                host.Stack.Remove(endpoint);
                break;
        }
    }

    private static IEnumerable<Frame> Next(Random random, List<Frame> sent)
    {
        bool v6 = random.Next(2) == 0;
        var client = v6 ? InetAddress.Parse($"2001:db8:1::{50 + random.Next(20)}") : InetAddress.FromV4(Host.Client.V4 + (uint)random.Next(20));
        var node = v6 ? Host.NodeV6 : Host.Node;
        var service = v6 ? Host.ServiceAddressV6 : Host.ServiceAddress;
        ushort port = (ushort)(4000 + random.Next(12));
        switch (random.Next(12))
        {
            case 0:
                return [v6 ? Frames.Solicitation(client, random.Next(2) == 0 ? node : service, Host.ClientMac) : Frames.Arp(ArpOperation.Request, Host.ClientMac, client, service)];
            case 1:
                return [v6
                    ? Frames.Advertisement(client, Host.ClientMac, random.Next(2) == 0 ? node : InetAddress.AllNodes, solicited: false)
                    : Frames.Arp(ArpOperation.Reply, Host.ClientMac, client, node, Host.NodeMac)];
            case 2:
                return [Frames.Udp(new FourTuple(service, 53, client, port), new byte[random.Next(300)])];
            case 3:
                return [Frames.Udp(new FourTuple(node, (ushort)(6999 + random.Next(3)), client, port), 1)];
            case 4:
                var fragments = Frames.Udp(new FourTuple(service, 53, client, port), new byte[random.Next(3000)]).Fragments(8 * random.Next(10, 100));
                return fragments.Where(_ => random.Next(8) != 0).OrderBy(_ => random.Next());
            case 5:
                return [Frames.Icmp(client, random.Next(2) == 0 ? node : service, v6 ? IcmpV6Type.EchoRequest : IcmpType.EchoRequest, 0, 1, new byte[random.Next(200)])];
            case 6 when sent.Count > 0 && sent[random.Next(sent.Count)] is { Link.EtherType: not EtherType.Arp } quoted:
                byte type = (byte)random.Next(1, 13);
                return [Frames.Icmp(quoted.Packet.Destination, quoted.Packet.Source, type, (byte)random.Next(6), (uint)random.Next(2000), quoted.PacketBytes)];
            case 7 when sent.LastOrDefault(f => f.Link.EtherType != EtherType.Arp && f.Packet is { Protocol: IpProtocol.Tcp, IsFragment: false }) is { } last:
                // The client goes on with what it was sent, more or less.
                var tuple = new FourTuple(last.Packet.Source, last.Packet.SourcePort, last.Packet.Destination, last.Packet.DestinationPort);
                uint acknowledgment = last.Tcp.Sequence.Value + (uint)last.TcpPayload.Length + (last.Tcp.Has(TcpFlags.Syn) ? 1u : 0);
                return [Frames.Tcp(tuple, TcpFlags.Ack | (TcpFlags)random.Next(16), last.Tcp.Acknowledgment.Value, acknowledgment, new byte[random.Next(400)], Echo(last))];
            case 8:
                byte next = (byte)new[] { 0, 43, 44, 50, 51, 59, 60, 132 }[random.Next(8)];
                var rest = new byte[8 * random.Next(1, 8)];
                random.NextBytes(rest);
                rest[1] = (byte)random.Next(2);
                return [Frames.Extended(Host.ClientV6, random.Next(4) == 0 ? InetAddress.AllNodes : Host.NodeV6, next, rest)];
            default:
                var options = random.Next(2) == 0 ? default : new TcpOptions { Mss = (ushort)random.Next(65536), WindowScale = 7, SackPermitted = true, HasTimestamps = true };
                return [Frames.Tcp(new FourTuple(random.Next(4) == 0 ? node : service, random.Next(4) == 0 ? (ushort)6082 : (ushort)80, client, port), TcpFlags.Syn, 700, options: options)];
        }
    }

    private static TcpOptions Echo(Frame last) => last.Tcp.Options.HasTimestamps
        ? new TcpOptions { HasTimestamps = true, TimestampValue = 1, TimestampEcho = last.Tcp.Options.TimestampValue }
        : default;

    /// <summary>Some bytes changed, perhaps cut; of half of them the checksums are made right again, so that they get further.</summary>
    private static Frame Mutated(Random random, Frame frame)
    {
        var bytes = (byte[])frame.Bytes.Clone();
        for (int changes = random.Next(1, 4); changes > 0; changes--)
        {
            bytes[random.Next(EthernetHeader.Length, bytes.Length)] = (byte)random.Next(256);
        }

        if (random.Next(4) == 0)
        {
            bytes = bytes[..random.Next(EthernetHeader.Length, bytes.Length + 1)];
        }

        if (random.Next(2) == 0)
        {
            Repair(bytes.AsSpan(EthernetHeader.Length));
        }

        return new Frame(bytes);
    }

    private static void Repair(Span<byte> bytes)
    {
        if (bytes.Length >= Ipv4Header.Length && bytes[0] >> 4 == 4 && (bytes[0] & 0xF) >= 5 && (bytes[0] & 0xF) * 4 <= bytes.Length)
        {
            Ipv4Header.WriteChecksum(bytes[..((bytes[0] & 0xF) * 4)]);
        }

        if (IpPacket.TryParse(bytes, out var packet) != DropReason.None || packet.IsFragment)
        {
            return;
        }

        var (offset, protocol) = packet.Protocol switch
        {
            IpProtocol.Tcp => (TcpChecksum.Offset, IpProtocol.Tcp),
            IpProtocol.Udp => (UdpHeader.ChecksumOffset, IpProtocol.Udp),
            _ => (2, packet.Protocol),
        };
        var payload = bytes[packet.HeaderLength..packet.TotalLength];
        if (payload.Length >= offset + 2)
        {
            uint pseudo = protocol == IpProtocol.Icmp ? 0 : Checksum.PseudoHeader(packet.Source, packet.Destination, protocol, payload.Length);
            BinaryPrimitives.WriteUInt16BigEndian(payload[offset..], 0);
            BinaryPrimitives.WriteUInt16BigEndian(payload[offset..], Checksum.Fold(Checksum.Add(payload, pseudo)));
        }
    }

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), out int value) ? value : otherwise;
}
