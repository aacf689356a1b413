using Baton.Testing;

namespace Baton.Link.Tests;

public sealed class LinkChoiceTests
{
    [RootFact]
    public void An_interface_that_does_not_exist_is_made_as_a_tap()
    {
        using var space = new TestNamespace();

        Assert.Equal("front: tap, since there is no such interface and one was made", Choose<TapLink>(space, "front"));
    }

    [BpfFact]
    public void An_interface_without_an_address_of_the_kernels_is_taken_whole_by_xdp()
    {
        using var space = new TestNamespace();
        space.AddVethPair("left", "right");

        Assert.Equal("left: xdp (XDP, native, copy, since its driver has no zero-copy), since its driver has it and the kernel has no address on it", Choose<XdpLink>(space, "left"));
    }

    [RootFact]
    public void An_interface_that_the_kernel_uses_is_shared_with_it()
    {
        using var space = new TestNamespace();
        space.AddVethPair("left", "right");
        space.AddAddress("left", "192.0.2.1/24");

        Assert.Equal("left: packet, since the kernel has an address on it", Choose<PacketLink>(space, "left"));
    }

    [RootFact]
    public void An_interface_of_more_queues_than_links_is_shared_since_xdp_would_lose_what_the_others_bring()
    {
        using var space = new TestNamespace();
        space.AddVethPair("left", "right", queues: 4);

        Assert.Equal("left: packet, since its receive queues are 4 and the node's shards 1", Choose<PacketLink>(space, "left"));
        var refusal = Assert.Throws<LinkException>(() => LinkChoice.Open(new() { Kind = LinkKind.Xdp, Name = "left", Namespace = space.Name, Queues = 2 }));
        Assert.Contains("ethtool -L left combined 2", refusal.Mend, StringComparison.Ordinal);
    }

    [BpfFact]
    public void An_interface_of_as_many_queues_as_links_is_taken_whole_by_xdp()
    {
        using var space = new TestNamespace();
        space.AddVethPair("left", "right", queues: 4);

        var chosen = LinkChoice.Open(new() { Kind = LinkKind.Auto, Name = "left", Namespace = space.Name, Queues = 4 });

        Assert.StartsWith("left: xdp (XDP, native, copy, since its driver has no zero-copy) with 4 queues, since its driver has it", chosen.Reason, StringComparison.Ordinal);
        ILink[] links = [chosen.Link, .. chosen.FurtherQueues];
        Assert.Equal(4, links.Length);

        // The program goes with the last of them.
        foreach (var link in links)
        {
            Assert.Contains("prog/xdp", TestNamespace.Ip("-n", space.Name, "-d", "link", "show", "dev", "left"), StringComparison.Ordinal);
            link.Dispose();
        }

        Assert.DoesNotContain("prog/xdp", TestNamespace.Ip("-n", space.Name, "-d", "link", "show", "dev", "left"), StringComparison.Ordinal);
    }

    [BpfFact]
    public void Where_the_driver_has_no_xdp_the_reason_says_so()
    {
        using var space = new TestNamespace();
        TestNamespace.Ip("-n", space.Name, "link", "add", "left", "type", "bridge");
        TestNamespace.Ip("-n", space.Name, "link", "set", "dev", "left", "up");

        Assert.StartsWith("left: packet, since xdp does not work: Interface left: its driver has no XDP.", Choose<PacketLink>(space, "left"), StringComparison.Ordinal);
    }

    [BpfFact]
    public void Where_both_links_are_xdp_the_program_forwards_and_where_one_is_the_log_says_who_does()
    {
        using var space = new TestNamespace();
        space.AddVethPair("front", "client");
        space.AddVethPair("lan", "others");
        var small = new NicOptions { Flows = 16, Endpoints = 16 };
        const string byItself = "front: its program forwards by itself what other nodes own, since front and lan are both xdp";

        Assert.Equal(byItself, Forwards(space, LinkKind.Xdp, LinkKind.Xdp, small));
        Assert.Equal(byItself, Forwards(space, LinkKind.Auto, LinkKind.Auto, small));
        Assert.Equal(
            "front: its program hands up what other nodes own and the host forwards it, since the lan is not xdp",
            Forwards(space, LinkKind.Xdp, LinkKind.Packet, small));
        Assert.Equal("the host forwards what other nodes own, since the front is not xdp", Forwards(space, LinkKind.Packet, LinkKind.Xdp, small));
        Assert.Equal("", Forwards(space, LinkKind.Packet, LinkKind.Packet, small));
        Assert.Equal("", Forwards(space, LinkKind.Xdp, LinkKind.Xdp, null));
    }

    [BpfFact]
    public void When_the_second_link_does_not_open_the_first_is_closed()
    {
        using var space = new TestNamespace();
        space.AddVethPair("front", "client");
        string before = TestNamespace.Ip("-n", space.Name, "-d", "link", "show", "dev", "front");

        Assert.Throws<LinkException>(() => Forwards(space, LinkKind.Xdp, LinkKind.Xdp, new NicOptions { Flows = 16, Endpoints = 16 }));
        Assert.Equal(before, TestNamespace.Ip("-n", space.Name, "-d", "link", "show", "dev", "front"));
    }

    private static string Forwards(TestNamespace space, LinkKind front, LinkKind lan, NicOptions? options)
    {
        var links = LinkChoice.OpenBoth(
            new() { Kind = front, Name = "front", Namespace = space.Name }, new() { Kind = lan, Name = "lan", Namespace = space.Name }, options);
        links.Front.Link.Dispose();
        links.Lan.Link.Dispose();
        links.Nic?.Dispose();
        return links.Reason;
    }

    private static string Choose<T>(TestNamespace space, string device)
    {
        var chosen = LinkChoice.Open(new LinkRequest { Name = device, Namespace = space.Name });
        using (chosen.Link)
        {
            Assert.IsType<T>(chosen.Link);
            return chosen.Reason;
        }
    }
}
