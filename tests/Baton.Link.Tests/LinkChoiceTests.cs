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

        Assert.Equal("left: xdp (XDP, native, copy), since its driver has it and the kernel has no address on it", Choose<XdpLink>(space, "left"));
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
    public void An_interface_of_several_queues_is_shared_since_the_link_would_have_one_of_them()
    {
        using var space = new TestNamespace();
        TestNamespace.Ip("-n", space.Name, "link", "add", "left", "numrxqueues", "4", "numtxqueues", "4", "type", "veth", "peer", "name", "right", "numrxqueues", "4", "numtxqueues", "4");
        TestNamespace.Ip("-n", space.Name, "link", "set", "dev", "left", "up");
        NetworkNamespace.Run(space.Name, () => File.WriteAllText("/proc/sys/net/ipv6/conf/left/disable_ipv6", "1"));

        Assert.Equal("left: packet, since it has 4 receive queues", Choose<PacketLink>(space, "left"));
    }

    [BpfFact]
    public void Where_the_driver_has_no_xdp_the_reason_says_so()
    {
        using var space = new TestNamespace();
        TestNamespace.Ip("-n", space.Name, "link", "add", "left", "type", "bridge");
        TestNamespace.Ip("-n", space.Name, "link", "set", "dev", "left", "up");

        Assert.StartsWith("left: packet, since xdp does not work: Interface left: its driver has no XDP.", Choose<PacketLink>(space, "left"), StringComparison.Ordinal);
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
