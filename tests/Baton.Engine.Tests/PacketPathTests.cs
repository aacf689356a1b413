using System.Runtime.InteropServices;
using Baton.Director;
using Baton.Simulation;
using Baton.Wire;

namespace Baton.Engine.Tests;

public sealed class PacketPathTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Fact]
    public void A_packet_for_a_service_address_of_another_home_is_dropped_in_silence()
    {
        using var farm = new Farm(new FarmSettings()).Connect();
        Inject(farm, farm.Clients[0].Link, farm["b"].FrontLink.Address, Syn(farm.Clients[0].Address, farm["a"].ServiceAddress));
        long framesOut = farm["b"].Shard.Counters().FrontFramesOut;
        farm.RunFor(TimeSpan.FromMilliseconds(50));

        Assert.Empty(farm["b"].Endpoints);
        Assert.Equal(1, farm["b"].Shard.Counters().Drops[nameof(DropReason.NotHome)]);
        Assert.Equal(framesOut, farm["b"].Shard.Counters().FrontFramesOut);
    }

    [Fact]
    public void A_segment_of_no_connection_gets_a_reset_and_makes_no_endpoint()
    {
        using var farm = new Farm(new FarmSettings()).Connect();
        long resets = farm["a"].Shard.Counters().ResetsSent;
        var packet = Syn(farm.Clients[0].Address, farm["a"].ServiceAddress, TcpFlags.Ack);
        Inject(farm, farm.Clients[0].Link, farm["a"].FrontLink.Address, packet);
        farm.RunFor(TimeSpan.FromMilliseconds(50));

        Assert.Empty(farm["a"].Endpoints);
        Assert.Equal(resets + 1, farm["a"].Shard.Counters().ResetsSent);
        Assert.Equal(0, farm["a"].Shard.Counters().Forwarded);
    }

    [Theory]
    [InlineData("id")]
    [InlineData("epoch")]
    [InlineData("iss")]
    [InlineData("owner port")]
    public void A_forwarded_packet_with_an_altered_reference_has_no_effect(string field)
    {
        using var farm = new Farm(new FarmSettings()).Connect();
        var (plan, client) = MoveToB(farm);
        int altered = 0;

        // The lan's frames pass through the test's hands: every reference towards b is changed in one field.
        farm.Lan.Observer = (_, _, frame) =>
        {
            if (IsEncapsulated(frame))
            {
                Alter(frame, field);
                altered++;
            }
        };
        var before = farm["b"].Endpoint;
        client.SendLimit = 30_000;
        client.Continue();
        farm.RunFor(TimeSpan.FromSeconds(1));

        Assert.True(altered > 0);
        Assert.Equal(before.Sequence!.Value.RcvNxt, farm["b"].Endpoint.Sequence!.Value.RcvNxt);
        var drops = farm["b"].Shard.Counters().Drops;
        Assert.True(drops.GetValueOrDefault(nameof(DropReason.ReferenceMismatch)) + drops.GetValueOrDefault(nameof(DropReason.UnknownEndpoint)) > 0);
        Assert.Equal(0, farm.Clients[0].ResetsSeen);

        farm.Lan.Observer = null;
        client.SendLimit = long.MaxValue;
        client.Continue();
        farm.RunUntil(() => client.IsComplete, TimeSpan.FromMinutes(5));
        Assert.Empty(farm.Errors);
        Assert.Equal(plan.Length, plan.ReceivedByFarm);
    }

    [Fact]
    public void An_encapsulated_packet_from_no_member_has_no_effect()
    {
        using var farm = new Farm(new FarmSettings()).Connect();
        var (_, client) = MoveToB(farm);
        byte[]? captured = null;
        farm.Lan.Observer = (_, _, frame) =>
        {
            if (captured is null && IsEncapsulated(frame))
            {
                captured = frame.ToArray();
            }
        };
        client.SendLimit = 20_000;
        client.Continue();
        farm.RunFor(TimeSpan.FromMilliseconds(100));
        farm.Lan.Observer = null;
        long decapsulated = farm["b"].Shard.Counters().Decapsulated;

        // The same packet from an address on the lan that no member has, and over the front.
        var foreign = captured.AsSpan().ToArray();
        foreign[EthernetHeader.Length + 15] = 77;
        Ipv4Header.WriteChecksum(foreign.AsSpan(EthernetHeader.Length, Ipv4Header.Length));
        farm["a"].LanLink.TrySend(FrameOffload.None, foreign, default);
        farm.Clients[0].Link.TrySend(FrameOffload.None, WithDestination(captured!, farm["b"].FrontLink.Address), default);
        farm.RunFor(TimeSpan.FromMilliseconds(50));

        Assert.Equal(decapsulated, farm["b"].Shard.Counters().Decapsulated);
        Assert.Equal(1, farm["b"].Shard.Counters().Drops[nameof(DropReason.NotMember)]);
    }

    [Fact]
    public void The_forwarded_packet_is_the_clients_own_behind_one_header_with_the_whole_reference()
    {
        using var farm = new Farm(new FarmSettings()).Connect();
        var (_, client) = MoveToB(farm);
        var sent = new List<byte[]>();
        var forwarded = new List<byte[]>();
        var references = new List<Reference>();
        farm.Front.Observer = (from, _, frame) =>
        {
            if (from == farm.Clients[0].Link && frame[12] == 0x08 && frame[13] == 0x00)
            {
                sent.Add(frame[EthernetHeader.Length..].ToArray());
            }
        };
        farm.Lan.Observer = (from, offload, frame) =>
        {
            if (from == farm["a"].LanLink && IsEncapsulated(frame))
            {
                int geneve = EthernetHeader.Length + Ipv4Header.Length + UdpHeader.Length;
                Assert.Equal(DropReason.None, ReferenceCodec.TryDecode(frame[geneve..], out var reference, out _, out _, out int length));
                references.Add(reference);
                forwarded.Add(frame[(geneve + length)..].ToArray());
            }
        };
        client.SendLimit = 60_000;
        client.Continue();
        farm.RunFor(TimeSpan.FromMilliseconds(200));

        Assert.NotEmpty(forwarded);
        Assert.Equal(sent, forwarded);
        var endpoint = farm["b"].Endpoint;
        Assert.All(references, reference =>
        {
            Assert.Equal(endpoint.Id, reference.Id);
            Assert.Equal(endpoint.Flow, reference.Flow);
            Assert.Equal(endpoint.Epoch, reference.Epoch);
            Assert.Equal(endpoint.OwnerPort, reference.OwnerPort);
            Assert.Equal(Farm.LanAddress(2), reference.OwnerAddress);
            Assert.Equal(endpoint.Sequence!.Value.Iss, reference.Sequence!.Value.Iss);
        });
    }

    [Fact]
    public void Unattached_endpoints_are_bounded_and_reset_when_their_time_is_over()
    {
        using var farm = new Farm(new FarmSettings
        {
            Adjust = options => Copy(options, new EngineLimits { UnattachedEndpoints = 5, UnattachedTimeout = TimeSpan.FromSeconds(3) }),
        }).Connect();
        for (int i = 0; i < 10; i++)
        {
            farm.Clients[0].Connect(farm["a"].ServiceAddress, 80);
        }

        farm.RunFor(TimeSpan.FromMilliseconds(500));
        Assert.Equal(5, farm["a"].Shard.Counters().Unattached);
        Assert.Equal(5, farm["a"].Shard.Flows.Count);

        farm.RunFor(TimeSpan.FromSeconds(3));
        Assert.Equal(0, farm["a"].Endpoints.Count(e => e.Age > TimeSpan.FromSeconds(3.1)));
    }

    internal static EngineOptions Copy(EngineOptions options, EngineLimits limits) => new()
    {
        Node = options.Node,
        Members = options.Members,
        Services = options.Services,
        Front = options.Front,
        Lan = options.Lan,
        Keys = options.Keys,
        Seed = options.Seed,
        Limits = limits,
    };

    private static (PatternPlan Plan, PatternClient Client) MoveToB(Farm farm)
    {
        var plan = new PatternPlan(9, 100_000);
        foreach (var node in farm.Nodes)
        {
            node.Bind("tcp", () => new PatternApplication(farm, node, plan));
        }

        var client = new PatternClient(farm, farm.Clients[0], farm["a"].ServiceAddress, 80, plan) { SendLimit = 10_000 };
        farm.RunUntil(() => plan.ReceivedByFarm == 10_000 && client.Received == plan.Length, Limit);
        var move = farm["a"].Move(farm["b"]);
        farm.RunUntil(() => move.Result is not null, Limit);
        Assert.True(move.Result!.Moved);
        farm.RunFor(TimeSpan.FromMilliseconds(100));
        return (plan, client);
    }

    private static bool IsEncapsulated(ReadOnlySpan<byte> frame) =>
        frame.Length > 60 && frame[12] == 0x08 && frame[13] == 0x00 && frame[23] == 17 && frame[36] == Encapsulation.Port >> 8 && frame[37] == (Encapsulation.Port & 0xFF);

    private static void Alter(ReadOnlySpan<byte> frame, string field)
    {
        int data = EthernetHeader.Length + Ipv4Header.Length + UdpHeader.Length + 12;
        int at = field switch
        {
            "epoch" => 7,
            "id" => 12,
            "owner port" => 19,
            _ => 27,
        };

        // An observer is only meant to look; this one has the network's own copy in its hands.
        MemoryMarshal.CreateSpan(ref MemoryMarshal.GetReference(frame), frame.Length)[data + at] ^= 1;
    }

    private static byte[] Syn(InetAddress source, InetAddress destination, TcpFlags flags = TcpFlags.Syn)
    {
        var packet = new byte[Ipv4Header.Length + TcpHeader.MinLength];
        Ipv4Header.Write(packet, source, destination, IpProtocol.Tcp, packet.Length);
        var segment = packet.AsSpan(Ipv4Header.Length);
        new TcpHeader { SourcePort = 5555, DestinationPort = 80, Sequence = new SeqNum(1), Flags = flags, Window = 1000 }.Write(segment);
        TcpChecksum.Write(segment, TcpChecksum.Compute(source, destination, segment));
        return packet;
    }

    private static void Inject(Farm farm, Link.MemoryLink link, MacAddress to, byte[] packet)
    {
        var header = new byte[EthernetHeader.Length];
        new EthernetHeader(to, link.Address, EtherType.Ipv4).Write(header);
        link.TrySend(FrameOffload.None, header, packet);
        farm.RunFor(TimeSpan.FromMilliseconds(1));
    }

    private static byte[] WithDestination(byte[] frame, MacAddress destination)
    {
        var copy = frame.ToArray();
        new EthernetHeader(destination, new MacAddress(0x02_00_00_00_03_00), EtherType.Ipv4).Write(copy);
        return copy;
    }
}
