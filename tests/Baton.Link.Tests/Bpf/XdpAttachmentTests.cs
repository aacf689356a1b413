using Baton.Link.Bpf;
using Baton.Testing;

namespace Baton.Link.Tests.Bpf;

public sealed class XdpAttachmentTests
{
    [BpfTheory]
    [InlineData(nameof(XdpMode.Native))]
    [InlineData(nameof(XdpMode.Generic))]
    public void When_its_process_is_killed_the_interface_is_as_before(string mode)
    {
        using var space = new TestNamespace();
        space.AddVethPair("left", "right");
        string before = Shown(space);
        using var holder = new AttachmentHolder(space, "left", Enum.Parse<XdpMode>(mode));
        Assert.Contains("prog/xdp", Shown(space), StringComparison.Ordinal);

        holder.Kill();

        Assert.Equal(before, Shown(space));
    }

    /// <summary>For the test above, which runs it in a process of its own and kills that.</summary>
    [Fact(Explicit = true)]
    public void Holds_an_attachment_until_it_is_killed() => AttachmentHolder.Hold();

    [BpfFact]
    public void It_ends_with_the_object()
    {
        using var space = new TestNamespace();
        space.AddVethPair("left", "right");
        using (Attach(space, "left", XdpMode.Native))
        {
            Assert.Contains("prog/xdp", Shown(space), StringComparison.Ordinal);
        }

        Assert.DoesNotContain("prog/xdp", Shown(space), StringComparison.Ordinal);
    }

    [BpfFact]
    public void A_second_program_is_refused_with_the_command_that_removes_the_first()
    {
        using var space = new TestNamespace();
        space.AddVethPair("left", "right");
        using var first = Attach(space, "left", XdpMode.Native);

        var error = Assert.Throws<LinkException>(() => Attach(space, "left", XdpMode.Native));

        Assert.Contains("ip link set dev left xdp off", error.Mend, StringComparison.Ordinal);
    }

    [BpfFact]
    public void A_driver_without_xdp_is_named_and_generic_mode_works_there()
    {
        using var space = new TestNamespace();

        var error = Assert.Throws<LinkException>(() => Attach(space, "lo", XdpMode.Native));

        Assert.Contains("generic mode", error.Mend, StringComparison.Ordinal);
        using var generic = Attach(space, "lo", XdpMode.Generic);
    }

    [Theory]
    [InlineData(Syscalls.EPERM, "packet")]
    [InlineData(Syscalls.EOPNOTSUPP, "generic mode")]
    [InlineData(Syscalls.ERANGE, "mtu 1500")]
    [InlineData(Syscalls.ENOSYS, "tap")]
    public void Each_cause_of_refusal_names_what_to_use_instead(int error, string expected)
    {
        var exception = XdpAttachment.CannotAttach("eth1", XdpMode.Native, error);

        Assert.Equal(error, exception.Error);
        Assert.Contains(expected, exception.Mend, StringComparison.Ordinal);
    }

    private static XdpAttachment Attach(TestNamespace space, string device, XdpMode mode) => NetworkNamespace.Run(space.Name, () =>
    {
        using var kernel = new KernelInterface(device);
        using var program = BpfProgram.Load("baton_test", Programs.Always(XdpAction.Pass));
        return XdpAttachment.Attach(program, device, kernel.Index, mode);
    });

    private static string Shown(TestNamespace space) => TestNamespace.Ip("-n", space.Name, "-d", "link", "show", "dev", "left");
}
