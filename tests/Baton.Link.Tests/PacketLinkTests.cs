using System.Net;
using System.Net.Sockets;
using Baton.Wire;

namespace Baton.Link.Tests;

public sealed class PacketLinkTests
{
    [RootFact]
    public void It_refuses_to_open_where_the_kernel_owns_an_address_of_the_stacks()
    {
        using var space = new TestNamespace();
        space.AddVethPair("left", "right");
        space.AddAddress("right", "192.0.2.2/24");

        var error = Assert.Throws<LinkException>(() => Open(space, "left", "192.0.2.2"));

        Assert.Equal("ip address delete 192.0.2.2/24 dev right", error.Mend);
        Open(space, "left", "192.0.2.3").Dispose();
    }

    [RootFact]
    public void The_kernels_own_frames_do_not_come_up()
    {
        using var kernel = new TestNamespace();
        using var space = new TestNamespace();
        kernel.AddVethPair("left", "right", space);
        using var link = Open(space, "right");
        kernel.AddAddress("left", "192.0.2.1/24");
        space.AddAddress("right", "192.0.2.9/24");

        // Both kernels know each other from here on; what is broadcast meanwhile comes up and is taken.
        Ping.Send(kernel, "192.0.2.9", 1);
        while (link.Receive(new Inbox(), 64) > 0)
        {
        }

        for (ushort i = 2; i < 10; i++)
        {
            Ping.Send(kernel, "192.0.2.9", i);
        }

        var inbox = new Inbox();
        while (link.Receive(inbox, 64) > 0)
        {
        }

        Assert.DoesNotContain(inbox.Received, received => received.Frame[12] == 8 && received.Frame[13] == 0);
    }

    [RootFact]
    public void A_burst_of_long_frames_ends_after_64_KiB_and_the_rest_waits()
    {
        const int frames = 16, length = 30_000, most = 64 * 1024;
        using var space = new TestNamespace();
        space.AddVethPair("left", "right");
        using var sender = Open(space, "left");
        using var link = Open(space, "right");
        for (byte i = 0; i < frames; i++)
        {
            byte[] frame = Frames.WithPartialUdpChecksum(Frames.Udp(sender.Address, link.Address, 4000, length, first: i));
            Assert.True(sender.TrySend(new FrameOffload(ChecksumState.Partial, GsoType.UdpL4, 1000), frame.AsSpan(0, 42), frame.AsSpan(42)));
        }

        var inbox = new Inbox();
        using var poll = new PollSet(1);
        poll.Add(link.WaitDescriptor);
        while (inbox.Received.Count < frames)
        {
            Assert.True(poll.Wait(60_000_000_000) > 0, $"only {inbox.Received.Count} frames came");
            var burst = inbox.Received.TakeLast(link.Receive(inbox, 64));
            Assert.InRange(burst.SkipLast(1).Sum(received => received.Frame.Length), 0, most - 1);
        }

        Assert.Equal(Enumerable.Range(0, frames), inbox.Received.Select(received => (int)received.Frame[42]));
    }

    [RootFact]
    public void Links_of_one_group_share_the_flows_and_each_flow_stays_with_one()
    {
        const int flows = 32, each = 5;
        using var kernel = new TestNamespace();
        using var space = new TestNamespace();
        kernel.AddVethPair("left", "right", space);
        var options = new PacketOptions { Name = "right", Namespace = space.Name, FanoutGroup = 7, Address = Frames.A };
        using var first = PacketLink.Open(options);
        using var second = PacketLink.Open(options);
        kernel.AddAddress("left", "192.0.2.1/24");
        TestNamespace.Ip("-n", kernel.Name, "neighbour", "add", "192.0.2.2", "lladdr", Frames.A.ToString(), "dev", "left");
        for (int flow = 0; flow < flows; flow++)
        {
            using var socket = kernel.Open(SocketType.Dgram, ProtocolType.Udp);
            socket.Connect(IPAddress.Parse("192.0.2.2"), 4000);
            for (int i = 0; i < each; i++)
            {
                socket.Send([1]);
            }
        }

        var inboxes = (Inbox[])[new(), new()];
        while (first.Receive(inboxes[0], 64) + second.Receive(inboxes[1], 64) > 0)
        {
        }

        var ports = inboxes.Select(inbox => inbox.Received.Select(received => received.Frame[34] << 8 | received.Frame[35]).ToList()).ToList();
        Assert.Equal(flows * each, ports[0].Count + ports[1].Count);
        Assert.Empty(ports[0].Intersect(ports[1]));
        Assert.All(ports, seen => Assert.NotEmpty(seen));
    }

    [RootFact]
    public void An_interface_that_is_not_there_is_named()
    {
        using var space = new TestNamespace();

        Assert.Contains("nothere", Assert.Throws<LinkException>(() => Open(space, "nothere")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Syscalls.EPERM, "unshare")]
    [InlineData(Syscalls.ENETDOWN, "ip link set dev eth1 up")]
    [InlineData(Syscalls.ENOPROTOOPT, "tap")]
    public void Each_cause_of_refusal_names_what_mends_it(int error, string mend)
    {
        Assert.Contains(mend, PacketSocket.CannotOpen("eth1", error).Mend, StringComparison.Ordinal);
    }

    private static PacketLink Open(TestNamespace space, string device, params string[] addresses) => PacketLink.Open(
        new PacketOptions { Name = device, Namespace = space.Name, Addresses = [.. addresses.Select(InetAddress.Parse)] });
}
