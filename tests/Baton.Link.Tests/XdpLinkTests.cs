using System.Net;
using System.Net.Sockets;
using Baton.Testing;
using Baton.Wire;

namespace Baton.Link.Tests;

public sealed class XdpLinkTests
{
    [BpfFact]
    public void The_interface_is_as_before_when_the_link_is_disposed_and_can_be_opened_again_at_once()
    {
        using var space = new TestNamespace();
        space.AddVethPair("left", "right");
        string before = Shown(space);
        for (int i = 0; i < 3; i++)
        {
            using var link = Open(space, "left");
            Assert.Contains("prog/xdp", Shown(space), StringComparison.Ordinal);
        }

        Assert.Equal(before, Shown(space));
    }

    [BpfFact]
    public void It_refuses_to_open_where_the_kernel_owns_an_address_of_the_stacks()
    {
        using var space = new TestNamespace();
        space.AddVethPair("left", "right");
        space.AddAddress("left", "192.0.2.2/24");

        var error = Assert.Throws<LinkException>(() => Open(space, "left", addresses: "192.0.2.2"));

        Assert.Equal("ip address delete 192.0.2.2/24 dev left", error.Mend);
    }

    [BpfFact]
    public void Where_the_driver_has_no_xdp_it_says_so_or_runs_behind_it()
    {
        using var space = new TestNamespace();

        var error = Assert.Throws<LinkException>(() => Open(space, "lo", XdpPlace.Native));
        Assert.Contains("packet link", error.Mend, StringComparison.Ordinal);

        using var link = Open(space, "lo");
        Assert.Contains("generic", link.Description, StringComparison.Ordinal);
    }

    [BpfFact]
    public void A_second_link_on_the_same_queue_is_refused()
    {
        using var space = new TestNamespace();
        space.AddVethPair("left", "right");
        using var link = Open(space, "left");

        Assert.Contains("another process", Assert.Throws<LinkException>(() => Open(space, "left")).Message, StringComparison.Ordinal);
    }

    [BpfFact]
    public void A_queue_that_is_not_there_names_where_to_look()
    {
        using var space = new TestNamespace();
        space.AddVethPair("left", "right");

        Assert.Contains("ethtool -l", Assert.Throws<LinkException>(() => Open(space, "left", queue: 9)).Mend, StringComparison.Ordinal);
    }

    [BpfFact]
    public void Jumbo_frames_pass_in_pieces_both_ways()
    {
        using var kernel = new TestNamespace();
        using var space = new TestNamespace();
        kernel.AddVethPair("left", "right", space);
        TestNamespace.Ip("-n", kernel.Name, "link", "set", "dev", "left", "mtu", "9000");
        TestNamespace.Ip("-n", space.Name, "link", "set", "dev", "right", "mtu", "9000");
        TestNamespace.Run("ip", "netns", "exec", kernel.Name, "ethtool", "-K", "left", "tx", "off");
        using var link = Open(space, "right");
        kernel.AddAddress("left", "192.0.2.1/24");
        TestNamespace.Ip("-n", kernel.Name, "neighbour", "add", "192.0.2.2", "lladdr", link.Address.ToString(), "dev", "left");
        using var socket = kernel.Open(SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Parse("192.0.2.1"), 4000));
        using var poll = new PollSet(1);
        poll.Add(link.WaitDescriptor);
        byte[] sent = [.. Enumerable.Range(0, 8900).Select(i => (byte)(i * 3))];

        socket.SendTo(sent, new IPEndPoint(IPAddress.Parse("192.0.2.2"), 4000));
        var inbox = new Inbox();
        while (inbox.Received.Count == 0)
        {
            Assert.True(poll.Wait(10_000_000_000) > 0, "nothing came");
            link.Receive(inbox, 64);
        }

        Assert.Equal(sent, inbox.Received[0].Frame[42..]);

        var address = NetworkNamespace.Run(kernel.Name, () =>
        {
            using var left = new KernelInterface("left");
            return left.Address;
        });
        byte[] frame = Frames.WithPartialUdpChecksum(Frames.Udp(link.Address, address, 4000, 8900));
        Assert.True(link.TrySend(new FrameOffload(ChecksumState.Partial, GsoType.None, 0), frame.AsSpan(0, 42), frame.AsSpan(42, 5000), frame.AsSpan(5042)));
        link.Flush();
        byte[] buffer = new byte[65536];
        Assert.Equal(frame[42..], buffer[..socket.Receive(buffer)]);
    }

    [Theory]
    [InlineData(Syscalls.EPERM, "tap")]
    [InlineData(Syscalls.EAFNOSUPPORT, "packet link")]
    [InlineData(Syscalls.EINVAL, "packet link")]
    [InlineData(Syscalls.EOPNOTSUPP, "packet link")]
    [InlineData(Syscalls.ENOMEM, "ulimit -l")]
    public void Each_cause_of_refusal_names_what_to_use_instead(int error, string mend)
    {
        Assert.Contains(mend, XdpSocket.CannotOpen("eth1", 0, error).Mend, StringComparison.Ordinal);
    }

    [Fact]
    public void A_ring_of_an_impossible_length_is_refused()
    {
        Assert.Contains("power of two", Assert.Throws<LinkException>(() => XdpLink.Open(new XdpOptions { Name = "eth1", RingLength = 1000 })).Mend, StringComparison.Ordinal);
    }

    private static XdpLink Open(TestNamespace space, string device, XdpPlace place = XdpPlace.Any, int queue = 0, params string[] addresses) => XdpLink.Open(
        new XdpOptions { Name = device, Namespace = space.Name, Place = place, Queue = queue, Addresses = [.. addresses.Select(InetAddress.Parse)] });

    private static string Shown(TestNamespace space) => TestNamespace.Ip("-n", space.Name, "-d", "link", "show", "dev", "left");
}
