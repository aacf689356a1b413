using Baton.Director;
using Baton.Link;
using Baton.Simulation;
using Baton.Wire;

namespace Baton.Engine.Tests;

/// <summary>A path to the client that shrinks right before and right after a move, and packets as large as a path carries.</summary>
public sealed class PathMtuMoveTests
{
    private const int Narrow = 1320;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    public static TheoryData<AddressFamily, AddressFamily, bool> Shrinking => new()
    {
        { AddressFamily.V4, AddressFamily.V4, true },
        { AddressFamily.V4, AddressFamily.V4, false },
        { AddressFamily.V6, AddressFamily.V4, true },
        { AddressFamily.V6, AddressFamily.V4, false },
        { AddressFamily.V4, AddressFamily.V6, true },
        { AddressFamily.V4, AddressFamily.V6, false },
        { AddressFamily.V6, AddressFamily.V6, true },
        { AddressFamily.V6, AddressFamily.V6, false },
    };

    public static TheoryData<AddressFamily, AddressFamily> Families => new()
    {
        { AddressFamily.V4, AddressFamily.V4 },
        { AddressFamily.V6, AddressFamily.V4 },
        { AddressFamily.V4, AddressFamily.V6 },
        { AddressFamily.V6, AddressFamily.V6 },
    };

    [Theory]
    [MemberData(nameof(Shrinking))]
    public void A_path_that_shrinks_at_a_move_is_told_to_the_owner_by_way_of_the_home_and_no_byte_is_lost(AddressFamily clients, AddressFamily lan, bool before)
    {
        var front = new FaultProfile { Delay = TimeSpan.FromMilliseconds(1), Bandwidth = 400_000_000, QueueBytes = 200_000 };
        using var farm = new Farm(new FarmSettings { Family = clients, LanFamily = lan, Front = front }).Connect();
        var path = new NarrowingPath(farm, farm["a"]);
        var plan = new PatternPlan(7, 4_000_000);
        foreach (var node in farm.Nodes)
        {
            node.Bind("tcp", () => new PatternApplication(farm, node, plan));
        }

        var client = new PatternClient(farm, farm.Clients[0], farm["a"].ServiceAddress, 80, plan);
        farm.RunUntil(() => client.Received >= 1_000_000, s_limit);
        Assert.Equal(1500, path.Largest);
        if (before)
        {
            path.Mtu = Narrow;
        }

        var move = farm["a"].Move(farm["b"]);
        farm.RunUntil(() => move.Result is not null, s_limit);
        Assert.True(move.Result!.Moved, move.Result.ToString());
        path.Mtu = Narrow;
        farm.RunUntil(() => client.Received >= 2_000_000, s_limit);

        // By now everybody knows.
        Assert.True(path.Told > 0);
        (path.Told, path.Largest) = (0, 0);
        var again = farm["b"].Move(farm["c"]);
        farm.RunUntil(() => client.IsComplete && again.Result is not null, s_limit);
        Assert.True(again.Result!.Moved, again.Result.ToString());
        Assert.Equal((0, Narrow), (path.Told, path.Largest));
        Assert.Empty(farm.Errors);
        Assert.Equal(plan.Length, plan.ReceivedByFarm);
        Assert.Equal(0, farm.Clients[0].ResetsSeen);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Datagrams_of_full_size_that_may_not_be_fragmented_reach_their_owner_over_a_lan_no_wider_than_the_front(AddressFamily clients, AddressFamily lan)
    {
        const int Mtu = 1500;
        using var farm = new Farm(new FarmSettings { Family = clients, LanFamily = lan, FrontMtu = Mtu, LanMtu = Mtu }).Connect();
        foreach (var node in farm.Nodes)
        {
            node.BindUdp("udp", () => new EchoApplication(node));
        }

        int full = 0;
        int outerFragments = 0;
        farm.Front.Observer = (from, _, frame) => full += from == farm.Clients[0].Link
            && IpPacket.TryParse(frame[EthernetHeader.Length..], out var packet) == DropReason.None
            && packet is { TotalLength: Mtu, IsFragment: false } && (packet.DontFragment || clients == AddressFamily.V6) ? 1 : 0;
        farm.Lan.Observer = (_, _, frame) => outerFragments += IpPacket.TryParse(frame[EthernetHeader.Length..], out var packet) == DropReason.None && packet.IsFragment ? 1 : 0;
        var client = farm.Clients[0].ConnectUdp(farm["a"].ServiceAddress, 53, 4000);
        byte[] sent = new byte[Mtu - (clients == AddressFamily.V4 ? Ipv4Header.Length : Ipv6Header.Length) - UdpHeader.Length];
        new Pattern(5).Fill(sent, 0);
        string[] owners = ["a", "b", "c"];
        for (int i = 0; i < owners.Length; i++)
        {
            if (i > 0)
            {
                var move = farm[owners[i - 1]].Move(farm[owners[i]]);
                farm.RunUntil(() => move.Result is not null, s_limit);
                Assert.True(move.Result!.Moved, move.Result.ToString());
            }

            byte[] answer = new byte[2 * Mtu];
            int length = 0;
            client.Send(farm.Now, sent);
            farm.Clients[0].Touch();
            farm.RunUntil(() => client.TryReceive(answer, out length, out _, out _), s_limit);
            Assert.Equal([(byte)owners[i][0], (byte)(i + 1), .. sent], answer[..length]);
        }

        Assert.Equal((3, 4), (full, outerFragments));
    }

    /// <summary>A router's link to the client: what does not fit is dropped, and its sender told, who for the router is the home.</summary>
    private sealed class NarrowingPath
    {
        private readonly Farm _farm;
        private readonly FarmNode _home;
        private readonly List<byte[]> _dropped = [];

        public NarrowingPath(Farm farm, FarmNode home)
        {
            (_farm, _home) = (farm, home);
            farm.Front.Filter = Passes;
            farm.AfterStep = TellAll;
        }

        public int Mtu { get; set; } = 1500;

        /// <summary>Packets that were too big, of which the home was told.</summary>
        public int Told { get; set; }

        /// <summary>The largest packet of a service that came.</summary>
        public int Largest { get; set; }

        private bool Passes(MemoryLink from, MemoryLink to, ReadOnlySpan<byte> frame)
        {
            if (to != _farm.Clients[0].Link
                || IpPacket.TryParse(frame[EthernetHeader.Length..], out var packet) != DropReason.None
                || packet.Source != _home.ServiceAddress)
            {
                return true;
            }

            Largest = Math.Max(Largest, packet.TotalLength);
            if (packet.TotalLength <= Mtu)
            {
                return true;
            }

            _dropped.Add(frame[EthernetHeader.Length..].ToArray());
            return false;
        }

        private void TellAll()
        {
            foreach (byte[] packet in _dropped)
            {
                Told++;
                Tell(packet.AsSpan(0, 128));
            }

            _dropped.Clear();
        }

        private void Tell(ReadOnlySpan<byte> quoted)
        {
            bool v4 = _home.ServiceAddress.Family == AddressFamily.V4;
            var router = InetAddress.Parse(v4 ? "198.51.100.254" : "2001:db8:1::fe");
            var message = v4
                ? new IcmpMessage(AddressFamily.V4, IcmpType.DestinationUnreachable, 4, (uint)Mtu, quoted)
                : new IcmpMessage(AddressFamily.V6, IcmpV6Type.PacketTooBig, 0, (uint)Mtu, quoted);
            int ip = v4 ? Ipv4Header.Length : Ipv6Header.Length;
            byte[] frame = new byte[EthernetHeader.Length + ip + message.Length];
            var link = _farm.Clients[0].Link;
            new EthernetHeader(_home.FrontLink.Address, link.Address, v4 ? EtherType.Ipv4 : EtherType.Ipv6).Write(frame);
            var packet = frame.AsSpan(EthernetHeader.Length);
            if (v4)
            {
                Ipv4Header.Write(packet, router, _home.ServiceAddress, IpProtocol.Icmp, packet.Length, identification: 0);
            }
            else
            {
                Ipv6Header.Write(packet, router, _home.ServiceAddress, IpProtocol.IcmpV6, message.Length);
            }

            message.Write(packet[ip..], router, _home.ServiceAddress);
            link.TrySend(FrameOffload.None, frame, default);
        }
    }
}
