using Baton.Testing;

namespace Baton.Link.Tests;

/// <summary>In the driver, each frame a chunk of memory.</summary>
public sealed class XdpNativeContractTests : XdpContract
{
    private protected override XdpPlace Place => XdpPlace.Native;
}

/// <summary>In the driver, where the kernel looks for frames when it is asked.</summary>
public sealed class XdpBusyPollingContractTests : XdpContract
{
    private protected override XdpPlace Place => XdpPlace.Native;

    private protected override TimeSpan BusyPoll => TimeSpan.FromMicroseconds(20);
}

/// <summary>Behind the driver.</summary>
public sealed class XdpGenericContractTests : XdpContract
{
    private protected override XdpPlace Place => XdpPlace.Generic;
}

/// <summary>The contract on a cable between two namespaces.</summary>
public abstract class XdpContract : LinkContract
{
    private protected abstract XdpPlace Place { get; }

    private protected virtual TimeSpan BusyPoll => TimeSpan.Zero;

    private protected override Setting Open()
    {
        Assert.SkipUnless(Ebpf.IsAllowed, Ebpf.NotAllowed);
        var kernel = new TestNamespace();
        var space = new TestNamespace();
        kernel.AddVethPair("left", "right", space);

        // Between two ends of a cable inside one machine the kernel leaves checksums out; XDP cannot say so.
        TestNamespace.Run("ip", "netns", "exec", kernel.Name, "ethtool", "-K", "left", "tx", "off");
        return new Setting(XdpLink.Open(new XdpOptions { Name = "right", Namespace = space.Name, Place = Place, BusyPoll = BusyPoll }), kernel, "left", space);
    }
}
