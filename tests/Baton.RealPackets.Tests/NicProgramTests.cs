using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Baton.Director;
using Baton.Link;
using Baton.Link.Bpf;
using Baton.Link.Nic;
using Baton.Testing;
using Baton.Wire;

namespace Baton.RealPackets.Tests;

/// <summary>The program on the interface, by itself and on real interfaces.</summary>
public sealed class NicProgramTests
{
    private static readonly InetAddress s_client = InetAddress.Parse("203.0.113.7");
    private static readonly InetAddress s_clientV6 = InetAddress.Parse("2001:db8:2::7");

    [BpfFact]
    public void Syns_are_limited_by_source_and_established_flows_are_not()
    {
        using var maps = new NicMaps(new NicLimits());
        using var program = NicProgram.Load(maps, NicModel.Mac);
        _ = new NicModel(maps, new Random(1));
        const ulong minute = 60_000_000_000;
        maps.SynLimit.TryWrite(0, new NicSynLimit(minute, 4 * minute));

        // Five at once and then one a minute: the burst is what lies ahead of now, and the first is now.
        Assert.Equal(5, Enumerable.Range(0, 20).Count(i => IsUp(program.Run(Tcp(s_client, (ushort)(1000 + i), TcpFlags.Syn)))));
        Assert.Equal(15, maps.Count(DropReason.RateLimited));

        // Other sources, and other segments of the same source, are not touched.
        Assert.True(IsUp(program.Run(Tcp(InetAddress.Parse("203.0.113.8"), 1000, TcpFlags.Syn))));
        Assert.True(IsUp(program.Run(Tcp(s_client, 1000, TcpFlags.Ack))));
        Assert.True(IsUp(program.Run(Tcp(s_client, 1000, TcpFlags.Syn | TcpFlags.Ack))));
    }

    [BpfFact]
    public void An_ipv6_network_counts_as_one_source_of_syns()
    {
        using var maps = new NicMaps(new NicLimits());
        using var program = NicProgram.Load(maps, NicModel.Mac);
        _ = new NicModel(maps, new Random(1));
        const ulong minute = 60_000_000_000;
        maps.SynLimit.TryWrite(0, new NicSynLimit(minute, 2 * minute));

        Assert.Equal(3, Enumerable.Range(1, 10).Count(i => IsUp(program.Run(Tcp(InetAddress.Parse($"2001:db8:2::{i:x}"), 1000, TcpFlags.Syn)))));
        Assert.True(IsUp(program.Run(Tcp(InetAddress.Parse("2001:db8:2:1::1"), 1000, TcpFlags.Syn))));
    }

    [BpfFact]
    public void Without_a_limit_no_syn_is_dropped()
    {
        using var maps = new NicMaps(new NicLimits());
        using var program = NicProgram.Load(maps, NicModel.Mac);
        _ = new NicModel(maps, new Random(1));

        Assert.All(Enumerable.Range(0, 100), i => Assert.True(IsUp(program.Run(Tcp(s_clientV6, (ushort)(1000 + i), TcpFlags.Syn)))));
    }

    [BpfFact]
    public void Arp_about_an_address_of_ours_goes_up_and_other_arp_to_the_kernel()
    {
        using var maps = new NicMaps(new NicLimits());
        using var program = NicProgram.Load(maps, NicModel.Mac);
        _ = new NicModel(maps, new Random(1));

        Assert.Equal(NicVerdict.Host, VerdictOf(program.Run(Arp(NicModel.ServiceV4))));
        Assert.Equal(XdpAction.Pass, program.Run(Arp(InetAddress.Parse("198.51.100.200"))).Action);

        // What a neighbour says about itself.
        var gateway = InetAddress.Parse("198.51.100.1");
        Assert.Equal(XdpAction.Pass, program.Run(Arp(gateway, gateway)).Action);
        maps.Neighbours.TryWrite(NicAddress.Of(gateway), 0);
        Assert.Equal(NicVerdict.Host, VerdictOf(program.Run(Arp(gateway, gateway))));
    }

    [BpfFact]
    public void Addresses_that_share_a_slot_are_told_apart()
    {
        using var maps = new NicMaps(new NicLimits());
        using var program = NicProgram.Load(maps, NicModel.Mac);
        uint slot = NicAddressSlot.NumberOf(NicAddress.Of(NicModel.ServiceV4));
        var alike = Enumerable.Range(0, 1 << 20).Select(i => InetAddress.FromV4(0x0A00_0000 | (uint)i))
            .Where(address => NicAddressSlot.NumberOf(NicAddress.Of(address)) == slot).Take(2).ToArray();

        Assert.Equal(XdpAction.Pass, program.Run(Arp(NicModel.ServiceV4)).Action);
        Assert.True(maps.TryAddAddress(NicModel.ServiceV4, NicAddressKind.Service));
        Assert.True(maps.TryAddAddress(alike[0], NicAddressKind.Host));
        Assert.Equal(NicVerdict.Host, VerdictOf(program.Run(Arp(NicModel.ServiceV4))));
        Assert.Equal(NicVerdict.Host, VerdictOf(program.Run(Arp(alike[0]))));
        Assert.Equal(XdpAction.Pass, program.Run(Arp(alike[1])).Action);
    }

    [BpfFact]
    public void A_flow_that_changes_its_owner_is_forwarded_from_the_next_packet_on()
    {
        using var maps = new NicMaps(new NicLimits());
        using var program = NicProgram.Load(maps, NicModel.Mac);
        _ = new NicModel(maps, new Random(1));
        var flow = new Flow(IpProtocol.Tcp, new(NicModel.ServiceV4, 80, s_client, 5555));
        var reference = ReferenceCodec.Encode(new Reference(flow, new(77), new(3), NicModel.MemberV4, 80, null));
        byte[] segment = Tcp(s_client, 5555, TcpFlags.Ack);

        Assert.Equal(NicVerdict.Unknown, VerdictOf(program.Run(segment)));
        maps.Flows.TryWrite(NicFlowKey.Of(in flow), NicFlow.Of(VerdictKind.Local, new(1), new(3), in reference, 50_000));
        Assert.Equal(NicVerdict.Local, VerdictOf(program.Run(segment)));
        maps.Flows.TryWrite(NicFlowKey.Of(in flow), NicFlow.Of(VerdictKind.Forward, new(2), new(4), in reference, 50_000));
        Assert.Equal(XdpAction.Transmit, program.Run(segment).Action);
        maps.Flows.Remove(NicFlowKey.Of(in flow));
        Assert.Equal(NicVerdict.Unknown, VerdictOf(program.Run(segment)));
    }

    [BpfTheory]
    [InlineData(nameof(XdpMode.Native))]
    [InlineData(nameof(XdpMode.Generic))]
    public void On_an_interface_it_forwards_over_the_lan_without_the_host(string mode)
    {
        string[] names = [.. ((string[])["client", "home", "owner"]).Select(name => $"baton-nic-{name}-{Environment.ProcessId}")];
        try
        {
            Array.ForEach(names, name => RealNetwork.Run(null, "ip", "netns", "add", name));
            AddCable(names[0], "edge", names[1], "front");
            AddCable(names[1], "lan", names[2], "lan");
            RealNetwork.Run(null, "ip", "netns", "exec", names[0], "ethtool", "-K", "edge", "tx", "off");
            RealNetwork.Run(null, "ip", "-n", names[0], "address", "add", $"{s_client}/24", "dev", "edge");

            // A cable takes redirected frames when a program is at its other end.
            using var owner = XdpLink.Open(new XdpOptions { Name = "lan", Namespace = names[2] });
            using var maps = new NicMaps(new NicLimits());
            var (mac, lanIndex, lanMac) = NetworkNamespace.Run(names[1], () =>
            {
                using var front = new KernelInterface("front");
                using var lan = new KernelInterface("lan");
                return (front.Address, lan.Index, lan.Address);
            });
            RealNetwork.Run(null, "ip", "-n", names[0], "route", "add", "198.51.100.0/24", "dev", "edge");
            RealNetwork.Run(null, "ip", "-n", names[0], "neighbour", "add", $"{NicModel.ServiceV4}", "lladdr", $"{mac}", "dev", "edge");
            var flow = new Flow(IpProtocol.Udp, new(NicModel.ServiceV4, 80, s_client, 5555));
            var reference = ReferenceCodec.Encode(new Reference(flow, new(77), new(3), NicModel.MemberV4, 80, null));
            maps.TryAddAddress(NicModel.ServiceV4, NicAddressKind.Service);
            NetworkNamespace.Run(names[1], () => maps.Devices.TryWrite(1, (uint)lanIndex));
            maps.NextHops.TryWrite(2, NicNextHop.Of(lanMac, owner.Address, NicModel.LanV4, NicModel.MemberV4, 1700, device: 1));
            maps.Flows.TryWrite(NicFlowKey.Of(in flow), NicFlow.Of(VerdictKind.Forward, new(2), new(3), in reference, 50_000));
            using var attachment = NetworkNamespace.Run(names[1], () =>
            {
                using var kernel = new KernelInterface("front");
                using var program = NicProgram.Load(maps, mac);
                return XdpAttachment.Attach(program, "front", kernel.Index, Enum.Parse<XdpMode>(mode));
            });

            using var socket = NetworkNamespace.Run(names[0], () => new Socket(System.Net.Sockets.AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
            socket.Bind(new IPEndPoint(s_client.ToIPAddress(), 5555));
            byte[] sent = [.. Enumerable.Range(0, 1400).Select(i => (byte)i)];
            socket.SendTo(sent, new IPEndPoint(NicModel.ServiceV4.ToIPAddress(), 80));

            byte[] frame = ReceiveOne(owner, maps);
            Assert.Equal(DropReason.None, IpPacket.TryParse(frame.AsSpan(14), out var outer));
            Assert.Equal(
                DropReason.None,
                Encapsulation.TryDecapsulate(in outer, frame.AsSpan(14), ChecksumState.Complete, new NodeId(1), out var inner));
            Assert.True(ReferenceCodec.SameButHops(inner.Header, reference.Span));
            Assert.Equal(sent, inner.Layout.Payload(inner.Packet)[8..].ToArray());
            Assert.Equal(1, maps.Count(NicVerdict.Forwarded));
        }
        finally
        {
            Array.ForEach(names, name => RealNetwork.Run(null, "ip", "netns", "delete", name));
        }
    }

    private static byte[] ReceiveOne(XdpLink link, NicMaps maps)
    {
        using var poll = new PollSet(1);
        poll.Add(link.WaitDescriptor);
        var inbox = new Inbox();
        while (inbox.Frame is null)
        {
            Assert.True(poll.Wait(10_000_000_000) > 0, $"nothing came over the lan; {string.Join(", ", Enum.GetValues<NicVerdict>().Select(verdict => $"{verdict} {maps.Count(verdict)}"))}");
            link.Receive(inbox, 64);
        }

        return inbox.Frame;
    }

    private static void AddCable(string space, string device, string otherSpace, string otherDevice)
    {
        RealNetwork.Run(null, "ip", "-n", space, "link", "add", device, "mtu", "1700", "type", "veth", "peer", "name", otherDevice, "mtu", "1700", "netns", otherSpace);
        foreach (var (name, end) in ((string, string)[])[(space, device), (otherSpace, otherDevice)])
        {
            NetworkNamespace.Run(name, () => File.WriteAllText($"/proc/sys/net/ipv6/conf/{end}/disable_ipv6", "1"));
            RealNetwork.Run(null, "ip", "-n", name, "link", "set", "dev", end, "up");
        }
    }

    private static byte[] Tcp(InetAddress from, ushort port, TcpFlags flags)
    {
        bool v4 = from.IsV4;
        int ip = v4 ? Ipv4Header.Length : Ipv6Header.Length;
        byte[] frame = new byte[14 + ip + 20];
        new EthernetHeader(NicModel.Mac, new(0x02_00_00_00_00_09), v4 ? EtherType.Ipv4 : EtherType.Ipv6).Write(frame);
        _ = v4
            ? Ipv4Header.Write(frame.AsSpan(14), from, NicModel.ServiceV4, IpProtocol.Tcp, ip + 20)
            : Ipv6Header.Write(frame.AsSpan(14), from, NicModel.ServiceV6, IpProtocol.Tcp, 20);
        var tcp = frame.AsSpan(14 + ip);
        (tcp[0], tcp[1], tcp[3], tcp[12], tcp[13]) = ((byte)(port >> 8), (byte)port, 80, 5 << 4, (byte)flags);
        return frame;
    }

    private static byte[] Arp(InetAddress target, InetAddress sender = default)
    {
        byte[] frame = new byte[42];
        new EthernetHeader(MacAddress.Broadcast, new(0x02_00_00_00_00_09), EtherType.Arp).Write(frame);
        target.CopyTo(frame.AsSpan(38));
        if (sender != default)
        {
            sender.CopyTo(frame.AsSpan(28));
        }

        return frame;
    }

    private static NicVerdict? VerdictOf(XdpRun run) =>
        run.Metadata.Length == NicMetadata.Length ? MemoryMarshal.Read<NicMetadata>(run.Metadata).Verdict : null;

    private static bool IsUp(XdpRun run) => VerdictOf(run) == NicVerdict.Unknown;

    private sealed class Inbox : IFrameReceiver
    {
        public byte[]? Frame { get; private set; }

        public void OnFrame(ILink link, FrameOffload offload, Span<byte> frame) => Frame = frame.ToArray();
    }
}
