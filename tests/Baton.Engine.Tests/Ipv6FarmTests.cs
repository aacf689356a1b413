using System.Text;
using Baton.Director;
using Baton.Link;
using Baton.Simulation;
using Baton.Wire;

namespace Baton.Engine.Tests;

/// <summary>The farm over IPv6: clients and services, the lan, or both.</summary>
public sealed class Ipv6FarmTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    public static TheoryData<AddressFamily, AddressFamily> Families => new()
    {
        { AddressFamily.V6, AddressFamily.V4 },
        { AddressFamily.V6, AddressFamily.V6 },
        { AddressFamily.V4, AddressFamily.V6 },
    };

    [Theory]
    [MemberData(nameof(Families))]
    public void A_connection_moves_from_a_to_b_to_c_while_data_flow_both_ways(AddressFamily clients, AddressFamily lan)
    {
        var front = new FaultProfile { Delay = TimeSpan.FromMilliseconds(1), Bandwidth = 400_000_000, QueueBytes = 200_000 };
        using var farm = new Farm(new FarmSettings { Family = clients, LanFamily = lan, Front = front, LanMtu = 1652 }).Connect();
        var seen = WatchLan(farm);
        var plan = new PatternPlan(7, 6_000_000);
        foreach (var node in farm.Nodes)
        {
            node.Bind("tcp", () => new PatternApplication(farm, node, plan));
        }

        var client = new PatternClient(farm, farm.Clients[0], farm["a"].ServiceAddress, 80, plan);
        Assert.Equal(clients, farm["a"].ServiceAddress.Family);
        string[] trip = ["a", "b", "c"];
        for (int i = 1; i < trip.Length; i++)
        {
            long mark = plan.Length * i / trip.Length;
            farm.RunUntil(() => client.Received >= mark, Limit);
            var move = farm[trip[i - 1]].Move(farm[trip[i]]);
            farm.RunUntil(() => move.Result is not null, Limit);
            Assert.True(move.Result!.Moved, move.Result.ToString());
        }

        farm.RunUntil(() => client.IsComplete, Limit);
        Assert.Empty(farm.Errors);
        Assert.Equal(trip, plan.Served);
        Assert.Equal(plan.Length, plan.ReceivedByFarm);
        Assert.Equal(0, farm.Clients[0].ResetsSeen);
        Assert.Equal((clients, lan, 0), (seen.Inner, seen.Outer, seen.Fragments));
        Assert.True(seen.Packets > 100, $"{seen.Packets} packets were forwarded");
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void A_datagram_exchange_moves_from_a_to_b_to_c(AddressFamily clients, AddressFamily lan)
    {
        using var farm = new Farm(new FarmSettings { Family = clients, LanFamily = lan }).Connect();
        var seen = WatchLan(farm);
        foreach (var node in farm.Nodes)
        {
            node.BindUdp("udp", () => new EchoApplication(node));
        }

        var client = farm.Clients[0].ConnectUdp(farm["a"].ServiceAddress, 53, 4000);
        Assert.Equal("a\u0001one", Ask(farm, client, "one"));
        Move(farm, "a", "b");
        Assert.Equal("b\u0002two", Ask(farm, client, "two"));
        Move(farm, "b", "c");

        // A datagram that is longer than the lan and the front carry in one piece arrives whole.
        string text = new('x', 2000);
        Assert.Equal($"c\u0003{text}", Ask(farm, client, text));
        Assert.Equal((clients, lan), (seen.Inner, seen.Outer));
    }

    [Fact]
    public void A_home_with_an_ipv6_service_answers_its_neighbours_and_echoes()
    {
        using var farm = new Farm(new FarmSettings { Family = AddressFamily.V6 }).Connect();
        var client = farm.Clients[0];
        var answers = new List<byte>();
        farm.Front.Observer = (from, _, frame) =>
        {
            if (from == farm["a"].FrontLink && EthernetHeader.TryParse(frame, out var ethernet) && ethernet.EtherType == EtherType.Ipv6
                && IpPacket.TryParse(frame[EthernetHeader.Length..], out var packet) == DropReason.None && packet.Protocol == IpProtocol.IcmpV6
                && packet.Destination == client.Address)
            {
                answers.Add(frame[EthernetHeader.Length + packet.HeaderLength]);
            }
        };
        client.Link.TrySend(FrameOffload.None, Solicitation(client, farm["a"].ServiceAddress), default);
        farm.RunFor(TimeSpan.FromMilliseconds(5));
        client.Link.TrySend(FrameOffload.None, Echo(client, farm["a"]), default);
        farm.RunFor(TimeSpan.FromMilliseconds(5));
        Assert.Equal([IcmpV6Type.NeighbourAdvertisement, IcmpV6Type.EchoReply], answers);
    }

    [Fact]
    public void Options_whose_families_do_not_fit_are_named()
    {
        using var farm = new Farm(new FarmSettings());
        var options = farm["a"].Shard.Options;
        var members = options.Members;
        Refused(options, members[0] with { FrontAddressV6 = null }, "is home of 2001:db8:1::101 and has no address of that family");
        Refused(options, members[0] with { FrontAddressV6 = members[0].FrontAddress }, "write an IPv4 address and an IPv6 one");
        Refused(options, members[0] with { LanAddress = Farm.LanAddressV6(1) }, "write one family for all");
    }

    private static void Refused(EngineOptions options, MemberOptions first, string message)
    {
        var wrong = new EngineOptions
        {
            Node = options.Node,
            Members = [first, .. options.Members.Skip(1)],
            Services = options.Services,
            Front = options.Front,
            Lan = options.Lan,
            Keys = options.Keys,
        };
        Assert.Contains(message, Assert.Throws<ArgumentException>(() => new Shard(wrong, Instant.Zero)).Message);
    }

    private static void Move(Farm farm, string from, string to)
    {
        var move = farm[from].Move(farm[to]);
        farm.RunUntil(() => move.Result is not null, Limit);
        Assert.True(move.Result!.Moved, move.Result.ToString());
    }

    private static string Ask(Farm farm, Stack.UdpEndpoint client, string text)
    {
        var buffer = new byte[4000];
        int length = 0;
        client.Send(farm.Now, Encoding.ASCII.GetBytes(text));
        farm.Clients[0].Touch();
        farm.RunUntil(() => client.TryReceive(buffer, out length, out _, out _), Limit);
        return Encoding.ASCII.GetString(buffer, 0, length);
    }

    private static Seen WatchLan(Farm farm)
    {
        var seen = new Seen();
        farm.Lan.Observer = (_, _, frame) => seen.Look(frame);
        return seen;
    }

    private static byte[] Solicitation(FarmClient client, InetAddress target)
    {
        var message = new NeighbourMessage { Target = target, LinkAddress = client.Link.Address };
        var frame = new byte[EthernetHeader.Length + Ipv6Header.Length + message.Length];
        new EthernetHeader(MacAddress.GroupOf(target.SolicitedNode), client.Link.Address, EtherType.Ipv6).Write(frame);
        var packet = frame.AsSpan(EthernetHeader.Length);
        Ipv6Header.Write(packet, client.Address, target.SolicitedNode, IpProtocol.IcmpV6, message.Length, hopLimit: 255);
        message.Write(packet[Ipv6Header.Length..], client.Address, target.SolicitedNode);
        return frame;
    }

    private static byte[] Echo(FarmClient client, FarmNode node)
    {
        var message = new IcmpMessage(AddressFamily.V6, IcmpV6Type.EchoRequest, 0, 1, [1, 2, 3]);
        var frame = new byte[EthernetHeader.Length + Ipv6Header.Length + message.Length];
        new EthernetHeader(node.FrontLink.Address, client.Link.Address, EtherType.Ipv6).Write(frame);
        var packet = frame.AsSpan(EthernetHeader.Length);
        Ipv6Header.Write(packet, client.Address, node.ServiceAddress, IpProtocol.IcmpV6, message.Length);
        message.Write(packet[Ipv6Header.Length..], client.Address, node.ServiceAddress);
        return frame;
    }

    /// <summary>What of encapsulated packets was seen on the lan.</summary>
    private sealed class Seen
    {
        public AddressFamily Inner { get; private set; }

        public AddressFamily Outer { get; private set; }

        public int Packets { get; private set; }

        public int Fragments { get; private set; }

        public void Look(ReadOnlySpan<byte> frame)
        {
            if (IpPacket.TryParse(frame[EthernetHeader.Length..], out var packet) != DropReason.None)
            {
                return;
            }

            Fragments += packet.IsFragment ? 1 : 0;
            if (packet is { Protocol: IpProtocol.Udp, FragmentOffset: 0, DestinationPort: Encapsulation.Port }
                && ReferenceCodec.TryDecode(packet.Payload(frame[EthernetHeader.Length..])[UdpHeader.Length..], out var reference, out _, out _, out _) == DropReason.None)
            {
                Packets++;
                Outer = packet.Family;
                Inner = reference.Flow.Tuple.LocalAddress.Family;
            }
        }
    }
}
