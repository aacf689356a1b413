namespace Baton.Link.Bpf;

/// <summary>Where an XDP program runs.</summary>
internal enum XdpMode
{
    /// <summary>Behind the driver, on the kernel's own packets: on every interface.</summary>
    Generic,

    /// <summary>In the driver, before the kernel makes a packet of the frame: where the driver can.</summary>
    Native,
}

/// <summary>
/// An XDP program on an interface, by a bpf_link: it is detached when the descriptor is closed, which the kernel does
/// when the process ends, however it ends.
/// </summary>
internal sealed class XdpAttachment : IDisposable
{
    private readonly BpfDescriptor _descriptor;

    private XdpAttachment(BpfDescriptor descriptor, XdpMode mode)
    {
        _descriptor = descriptor;
        Mode = mode;
    }

    /// <summary>Where it runs.</summary>
    public XdpMode Mode { get; }

    /// <summary>Attaches a program to an interface of this thread's network namespace.</summary>
    /// <exception cref="LinkException">It cannot be; the message says why, and which link to use instead.</exception>
    public static XdpAttachment Attach(BpfProgram program, string interfaceName, int interfaceIndex, XdpMode mode)
    {
        const uint generic = 1 << 1, native = 1 << 2;
        int descriptor = BpfCalls.AttachXdp(program.Descriptor, interfaceIndex, mode == XdpMode.Native ? native : generic);
        return descriptor >= 0
            ? new XdpAttachment(new BpfDescriptor(descriptor, interfaceName), mode)
            : throw CannotAttach(interfaceName, mode, Syscalls.LastError);
    }

    /// <inheritdoc/>
    public void Dispose() => _descriptor.Dispose();

    /// <summary>What a failure to attach means, and what mends it.</summary>
    internal static LinkException CannotAttach(string name, XdpMode mode, int error) => error switch
    {
        Syscalls.EOPNOTSUPP when mode == XdpMode.Native => new($"Interface {name}: its driver has no XDP.",
            "use the xdp link in generic mode, or the packet link", error),
        Syscalls.EBUSY or Syscalls.EEXIST => new($"Interface {name}: another XDP program is attached to it.",
            $"ip link set dev {name} xdp off, or use the packet link", error),
        Syscalls.ERANGE or Syscalls.EINVAL => new($"Interface {name}: its driver takes no XDP program with this MTU or these settings.",
            $"ip link set dev {name} mtu 1500, or use the xdp link in generic mode, or the packet link", error),
        _ => BpfDescriptor.Refused($"Interface {name}: the XDP program could not be attached", error),
    };
}
