using System.Buffers.Binary;
using Baton.Wire;

namespace Baton.Stack.Tests;

/// <summary>What switches that snoop are told (MLDv2, RFC 3810).</summary>
public sealed class GroupReportTests
{
    private static readonly Instant Start = Instant.Zero;

    [Fact]
    public void The_solicited_node_groups_of_all_addresses_are_told_twice_from_the_start()
    {
        var host = new Host(Host.Node, Host.NodeMac, isHome: true, reportGroups: true);
        host.Stack.OnDeadline(Start);
        var first = host.EmitOne(Start);
        Assert.Equal(new MacAddress(0x3333_0000_0016), first.Link.Destination);
        Assert.Equal((InetAddress.Parse("ff02::16"), host.LinkLocal, (byte)1), (first.Packet.Destination, first.Packet.Source, first.Packet.Ttl));
        Assert.Equal<byte[]>([58, 0, 5, 2, 0, 0, 1, 0], first.PacketBytes[40..48]);
        Assert.Equal(
            new[] { Host.NodeV6, Host.ServiceAddressV6, host.LinkLocal }.Select(a => a.SolicitedNode).Order(Comparer).Distinct(),
            Records(first, kind: 4).Order(Comparer));

        var later = host.Stack.NextDeadline;
        Assert.Equal(Start + TimeSpan.FromSeconds(1), later);
        host.Stack.OnDeadline(later);
        Assert.Equal(first.Bytes, host.EmitOne(later).Bytes);
        Assert.Equal(Instant.Never, host.Stack.NextDeadline);
    }

    [Fact]
    public void A_routers_query_is_answered_within_the_time_it_gives_and_others_are_not()
    {
        var host = Quiet();
        host.Receive(Start, Query(InetAddress.LinkLocalOf(Host.ClientMac), hopLimit: 1));
        Assert.True(host.Stack.NextDeadline <= Start + TimeSpan.FromMilliseconds(1000));
        var now = host.Stack.NextDeadline;
        host.Stack.OnDeadline(now);
        Assert.NotEmpty(Records(host.EmitOne(now), kind: 2));

        Assert.Equal(DropReason.IcmpIgnored, host.Receive(now, Query(InetAddress.LinkLocalOf(Host.ClientMac), hopLimit: 64)));
        Assert.Equal(DropReason.IcmpIgnored, host.Receive(now, Query(Host.ClientV6, hopLimit: 1)));
        Assert.Equal(Instant.Never, host.Stack.NextDeadline);
    }

    [Fact]
    public void A_new_service_address_is_told_and_many_go_in_several_reports()
    {
        var host = Quiet();
        for (int i = 0; i < 100; i++)
        {
            host.Stack.AnnounceAddress(Start, host.Front, InetAddress.Parse($"2001:db8:1::{0x1000 + i:x}"));
        }

        host.Emit(Start);
        host.Stack.OnDeadline(Start);
        var reports = host.Emit(Start);
        Assert.Equal(2, reports.Count);
        Assert.All(reports, report => Assert.True(report.Packet.TotalLength <= 1280));
        Assert.Equal(101, reports.Sum(report => Records(report, kind: 4).Count));
    }

    private static Comparer<InetAddress> Comparer { get; } = Comparer<InetAddress>.Create((a, b) => a.Low.CompareTo(b.Low));

    private static Host Quiet()
    {
        var host = new Host(Host.Node, Host.NodeMac, reportGroups: true);
        host.Stack.OnDeadline(Start);
        host.Stack.OnDeadline(Start + TimeSpan.FromSeconds(1));
        host.Emit(Start);
        return host;
    }

    private static List<InetAddress> Records(Frame frame, byte kind)
    {
        Assert.Equal(DropReason.None, IcmpMessage.TryParse(frame.Packet, frame.Transport, out var message));
        Assert.Equal(IcmpV6Type.ListenerReport, message.Type);
        var groups = new List<InetAddress>();
        for (int at = 0; at < message.Body.Length; at += 20)
        {
            Assert.Equal((uint)kind << 24, BinaryPrimitives.ReadUInt32BigEndian(message.Body[at..]));
            groups.Add(InetAddress.FromBytes(message.Body.Slice(at + 4, 16)));
        }

        Assert.Equal(groups.Count, (int)message.Rest);
        return groups;
    }

    private static Frame Query(InetAddress router, byte hopLimit)
    {
        var message = new IcmpMessage(AddressFamily.V6, IcmpV6Type.ListenerQuery, 0, 1000 << 16, new byte[20]);
        var bytes = new byte[message.Length];
        message.Write(bytes, router, InetAddress.AllNodes);
        return Frames.Ip(IpProtocol.IcmpV6, router, InetAddress.AllNodes, bytes, hopLimit: hopLimit);
    }
}
