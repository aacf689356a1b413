using System.Net;
using System.Net.Sockets;
using Baton.Wire;

namespace Baton.Link.Tests;

public sealed class TapLinkTests
{
    private static readonly InetAddress s_stack = InetAddress.Parse("192.0.2.2");

    [Theory(Skip = TestNamespace.RootOnly, SkipUnless = nameof(TestNamespace.IsRoot), SkipType = typeof(TestNamespace))]
    [InlineData(false)]
    [InlineData(true)]
    public void A_ping_from_the_kernel_is_answered_through_a_tap(bool napi)
    {
        using var space = new TestNamespace();
        using var tap = TapLink.Open(new TapOptions { Name = "front", Namespace = space.Name, Napi = napi });
        space.AddAddress("front", "192.0.2.1/24");
        var host = new EchoHost(s_stack);
        using (LinkThread.Serve(tap, host))
        {
            for (ushort i = 1; i <= 20; i++)
            {
                Ping.Send(space, "192.0.2.2", i, payloadLength: i * 70);
            }
        }

        Assert.NotEmpty(host.AskedBy);
        Assert.DoesNotContain(tap.Address, host.AskedBy);
        Assert.True(tap.Counters.Sent >= 21, $"sent {tap.Counters.Sent}");
        Assert.Equal(0, tap.Counters.Refused + tap.Counters.Malformed + tap.Counters.Full);
    }

    [Fact(Skip = TestNamespace.RootOnly, SkipUnless = nameof(TestNamespace.IsRoot), SkipType = typeof(TestNamespace))]
    public void The_interface_has_the_mtu_and_is_gone_when_the_link_is_disposed()
    {
        using var space = new TestNamespace();
        var options = new TapOptions { Name = "lan", Namespace = space.Name, Mtu = 1668, QueueFrames = 2048, Address = Frames.A };
        using (var tap = TapLink.Open(options))
        {
            Assert.Equal(Frames.A, tap.Address);
            string shown = TestNamespace.Ip("-n", space.Name, "link", "show", "dev", "lan");
            Assert.Contains("mtu 1668", shown, StringComparison.Ordinal);
            Assert.Contains("UP", shown, StringComparison.Ordinal);
            Assert.Contains("qlen 2048", shown, StringComparison.Ordinal);
        }

        Assert.DoesNotContain("lan", TestNamespace.Ip("-n", space.Name, "link", "show"), StringComparison.Ordinal);
    }

    [Fact(Skip = TestNamespace.RootOnly, SkipUnless = nameof(TestNamespace.IsRoot), SkipType = typeof(TestNamespace))]
    public void A_second_open_of_the_same_interface_says_that_it_is_in_use()
    {
        using var space = new TestNamespace();
        using var tap = TapLink.Open(new TapOptions { Name = "front", Namespace = space.Name });

        var error = Assert.Throws<LinkException>(() => TapLink.Open(new TapOptions { Name = "front", Namespace = space.Name }));

        Assert.Contains("another process has it open", error.Message, StringComparison.Ordinal);
    }

    [Fact(Skip = TestNamespace.RootOnly, SkipUnless = nameof(TestNamespace.IsRoot), SkipType = typeof(TestNamespace))]
    public void A_deleted_interface_is_an_error_and_not_silence()
    {
        using var space = new TestNamespace();
        using var tap = TapLink.Open(new TapOptions { Name = "front", Namespace = space.Name });

        TestNamespace.Ip("-n", space.Name, "link", "delete", "front");

        Assert.Throws<LinkException>(() => tap.Receive(new Inbox(), 1));
    }

    [RootFact]
    public void Links_of_one_multi_queue_interface_share_the_flows_and_each_flow_stays_with_one()
    {
        const int flows = 32, each = 5;
        using var space = new TestNamespace();
        var options = new TapOptions { Name = "front", Namespace = space.Name, MultiQueue = true, Address = Frames.A };
        using var first = TapLink.Open(options);
        using var second = TapLink.Open(options);
        space.AddAddress("front", "192.0.2.1/24");
        TestNamespace.Ip("-n", space.Name, "neighbour", "add", "192.0.2.2", "lladdr", Frames.A.ToString(), "dev", "front");
        for (int flow = 0; flow < flows; flow++)
        {
            using var socket = space.Open(SocketType.Dgram, ProtocolType.Udp);
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
    public void A_persistent_interface_stays_and_is_opened_again_with_its_address()
    {
        using var space = new TestNamespace();
        var options = new TapOptions { Name = "front", Namespace = space.Name, Persistent = true };
        TapLink.Open(options).Dispose();
        space.AddAddress("front", "192.0.2.1/24");

        TapLink.Open(options).Dispose();
        Assert.Contains("192.0.2.1/24", TestNamespace.Ip("-n", space.Name, "address", "show", "dev", "front"), StringComparison.Ordinal);

        // One that was there before is not taken away by a link that did not ask for it.
        TapLink.Open(options with { Persistent = false }).Dispose();
        TapLink.Open(options with { Name = "passing", Persistent = false }).Dispose();
        string left = TestNamespace.Ip("-n", space.Name, "link", "show");
        Assert.Contains("front", left, StringComparison.Ordinal);
        Assert.DoesNotContain("passing", left, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_namespace_names_the_command_that_makes_it()
    {
        var error = Assert.Throws<LinkException>(() => TapLink.Open(new TapOptions { Name = "front", Namespace = "baton-no-such-place" }));

        Assert.Equal("ip netns add baton-no-such-place", error.Mend);
    }

    [Fact]
    public void A_name_too_long_for_an_interface_is_refused()
    {
        Assert.Throws<LinkException>(() => TapLink.Open(new TapOptions { Name = "sixteen-letters-" }));
    }

    [Theory]
    [InlineData(Syscalls.ENOENT, "mkdir -p /dev/net && mknod /dev/net/tun c 10 200 && chmod 0666 /dev/net/tun  (as root)")]
    [InlineData(Syscalls.EACCES, "sudo chmod 0666 /dev/net/tun")]
    [InlineData(Syscalls.ENODEV, "sudo modprobe tun")]
    public void A_device_that_cannot_be_opened_names_the_command_that_mends_it(int error, string mend)
    {
        var exception = TapDevice.CannotOpen(error);

        Assert.Equal((mend, error), (exception.Mend, exception.Error));
        Assert.EndsWith(mend, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_the_capability_the_error_names_it()
    {
        Assert.Contains("CAP_NET_ADMIN", TapDevice.CannotAttach("front", Syscalls.EPERM).Message, StringComparison.Ordinal);
    }
}
