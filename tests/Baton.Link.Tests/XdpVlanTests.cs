using Baton.Testing;
using Baton.Wire;

namespace Baton.Link.Tests;

/// <summary>
/// The contract on a VLAN: between the link and the kernel stands the port of a switch that puts tags on and takes them off,
/// since not every kernel has VLANs of its own.
/// </summary>
public sealed class XdpVlanContractTests : LinkContract
{
    private const int Vlan = 5;

    private protected override Setting Open()
    {
        Assert.SkipUnless(Ebpf.IsAllowed, Ebpf.NotAllowed);
        var kernel = new TestNamespace();
        var middle = new TestNamespace();
        var space = new TestNamespace();
        kernel.AddVethPair("left", "access", middle);
        middle.AddVethPair("trunk", "right", space);
        TestNamespace.Run("ip", "netns", "exec", kernel.Name, "ethtool", "-K", "left", "tx", "off");
        var access = XdpLink.Open(new XdpOptions { Name = "access", Namespace = middle.Name });
        var trunk = new TaggedLink(XdpLink.Open(new XdpOptions { Name = "trunk", Namespace = middle.Name }), Vlan);
        var thread = LinkThread.Run(new Relay(access, trunk, new RelayOptions()), mayBeCut: true);
        return new Setting(
            XdpLink.Open(new XdpOptions { Name = "right", Namespace = space.Name, Vlan = Vlan }), kernel, "left", thread, access, trunk, middle, space)
        {
            Cable = ("trunk", middle),
        };
    }
}

public sealed class XdpVlanTests
{
    [BpfFact]
    public void Only_its_vlans_frames_come_and_its_own_have_the_tag()
    {
        using var space = new TestNamespace();
        space.AddVethPair("left", "right");
        using var cable = XdpLink.Open(new XdpOptions { Name = "left", Namespace = space.Name });
        using var link = XdpLink.Open(new XdpOptions { Name = "right", Namespace = space.Name, Vlan = 7 });
        using var ours = new TaggedLink(cable, 7);
        using var others = new TaggedLink(cable, 8);
        using var poll = new PollSet(2);
        poll.Add(link.WaitDescriptor);

        Send(cable, Frames.Udp(cable.Address, link.Address, 4000, 20, 1));
        Send(others, Frames.Udp(cable.Address, link.Address, 4000, 20, 2));
        Send(ours, Frames.Udp(cable.Address, link.Address, 4000, 20, 3));

        var inbox = new Inbox();
        Assert.True(poll.Wait(10_000_000_000) > 0, "nothing came");
        link.Receive(inbox, 8);
        Assert.Equal(Frames.Udp(cable.Address, link.Address, 4000, 20, 3), Assert.Single(inbox.Received).Frame);

        Send(link, Frames.Udp(link.Address, cable.Address, 4000, 20, 4));
        inbox.Received.Clear();
        poll.Add(cable.WaitDescriptor);
        while (inbox.Received.Count == 0)
        {
            Assert.True(poll.Wait(10_000_000_000) > 0, "nothing came");
            ours.Receive(inbox, 8);
        }

        Assert.Equal(Frames.Udp(link.Address, cable.Address, 4000, 20, 4), Assert.Single(inbox.Received).Frame);
        Assert.Equal(0, ours.Foreign);
    }

    [BpfFact]
    public void There_is_no_vlan_beyond_4094()
    {
        foreach (int vlan in (int[])[-1, 4095])
        {
            var error = Assert.Throws<LinkException>(() => XdpLink.Open(new XdpOptions { Name = "lo", Vlan = vlan }));
            Assert.Equal("write 1 to 4094, or 0 for none", error.Mend);
        }
    }

    [Theory]
    [InlineData(LinkKind.Auto)]
    [InlineData(LinkKind.Tap)]
    [InlineData(LinkKind.Packet)]
    public void Another_link_says_that_the_kernel_has_vlans(LinkKind kind)
    {
        var error = Assert.Throws<LinkException>(() => LinkChoice.Open(new LinkRequest { Kind = kind, Name = "eth0", Vlan = 5 }));
        Assert.StartsWith("ip link add link eth0 name eth0.5 type vlan id 5", error.Mend, StringComparison.Ordinal);
    }

    private static void Send(ILink link, byte[] frame)
    {
        Assert.True(link.TrySend(FrameOffload.None, frame, default));
        link.Flush();
    }
}
