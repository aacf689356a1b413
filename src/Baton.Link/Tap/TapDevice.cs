using Baton.Wire;

namespace Baton.Link;

/// <summary>
/// Opens and sets up a TAP device (Linux <c>Documentation/networking/tuntap.rst</c>); all of it in the calling thread's
/// network namespace, where the interface then lives.
/// </summary>
internal static unsafe class TapDevice
{
    private const string Path = "/dev/net/tun";
    private const nuint TUNSETIFF = 0x400454ca, TUNSETPERSIST = 0x400454cb, TUNSETOFFLOAD = 0x400454d0, TUNSETVNETHDRSZ = 0x400454d8;
    private const short IFF_TAP = 0x0002, IFF_NAPI = 0x0010, IFF_MULTI_QUEUE = 0x0100, IFF_NO_PI = 0x1000, IFF_VNET_HDR = 0x4000;
    private const nuint TUN_F_CSUM = 0x01, TUN_F_TSO4 = 0x02, TUN_F_TSO6 = 0x04, TUN_F_TSO_ECN = 0x08, TUN_F_USO4 = 0x20, TUN_F_USO6 = 0x40;

    /// <summary>The open device.</summary>
    public static (int Descriptor, MacAddress Address) Open(TapOptions options)
    {
        if (options.Name.Length is 0 or > InterfaceRequest.NameLimit)
        {
            throw new LinkException($"'{options.Name}' cannot name an interface.", $"choose a name of 1 to {InterfaceRequest.NameLimit} characters");
        }

        int descriptor = Syscalls.Open(Path, Syscalls.O_RDWR | Syscalls.O_NONBLOCK | Syscalls.O_CLOEXEC);
        if (descriptor < 0)
        {
            throw CannotOpen(Syscalls.LastError);
        }

        try
        {
            Attach(descriptor, options);
            return (descriptor, SetUp(options));
        }
        catch
        {
            _ = Syscalls.Close(descriptor);
            throw;
        }
    }

    private static void Attach(int descriptor, TapOptions options)
    {
        var request = InterfaceRequest.For(options.Name);
        request.Flags = (short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (options.Napi ? IFF_NAPI : 0) | (options.MultiQueue ? IFF_MULTI_QUEUE : 0));
        if (Syscalls.IoControl(descriptor, TUNSETIFF, &request) < 0)
        {
            throw CannotAttach(options.Name, Syscalls.LastError);
        }

        int headerLength = VirtioNetHeader.Length;
        if (Syscalls.IoControl(descriptor, TUNSETVNETHDRSZ, &headerLength) < 0)
        {
            throw Failed(options.Name, "the kernel does not take a virtio header of 12 bytes", Syscalls.LastError);
        }

        // The argument of these is the value itself, not a pointer to it. Whoever made an interface persistent keeps it.
        if (options.Persistent && Syscalls.IoControl(descriptor, TUNSETPERSIST, (void*)1) < 0)
        {
            throw Failed(options.Name, "it could not be made persistent", Syscalls.LastError);
        }

        if (Syscalls.IoControl(descriptor, TUNSETOFFLOAD, (void*)Features(options.Offloads)) < 0)
        {
            throw Failed(options.Name, $"the kernel does not offer {options.Offloads}", Syscalls.LastError);
        }
    }

    private static MacAddress SetUp(TapOptions options)
    {
        using var kernel = new KernelInterface(options.Name);
        kernel.SetMtu(options.Mtu);
        kernel.SetQueueLength(options.QueueFrames);
        if (!options.KernelIpv6)
        {
            kernel.SilenceIpv6();
        }

        kernel.BringUp();
        var address = options.Address ?? MacAddresses.Random();
        return address != kernel.Address
            ? address
            : throw new LinkException($"Interface {options.Name}: {address} is the kernel's own address on it.", "choose another address for the stack");
    }

    private static nuint Features(LinkOffloads offloads)
    {
        nuint features = 0;
        features |= offloads.HasFlag(LinkOffloads.Checksum) ? TUN_F_CSUM : 0;
        features |= offloads.HasFlag(LinkOffloads.Tso) ? TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN : 0;
        features |= offloads.HasFlag(LinkOffloads.Uso) ? TUN_F_CSUM | TUN_F_USO4 | TUN_F_USO6 : 0;
        return features;
    }

    /// <summary>What a failure to open the device means, and what mends it.</summary>
    internal static LinkException CannotOpen(int error) => error switch
    {
        Syscalls.ENOENT => new($"{Path} does not exist.", $"mkdir -p /dev/net && mknod {Path} c 10 200 && chmod 0666 {Path}  (as root)", error),
        Syscalls.EACCES or Syscalls.EPERM => new($"{Path} may not be opened by this user.", $"sudo chmod 0666 {Path}", error),
        Syscalls.ENODEV or Syscalls.ENXIO => new("The kernel has no TUN/TAP driver loaded.", "sudo modprobe tun", error),
        _ => new($"{Path} could not be opened: {Syscalls.Describe(error)}.", error: error),
    };

    /// <summary>What a failure to make the interface means, and what mends it.</summary>
    internal static LinkException CannotAttach(string name, int error) => error switch
    {
        Syscalls.EPERM => new($"Interface {name}: making a TAP device takes CAP_NET_ADMIN, which this process has not.",
            "run as root, or inside `unshare -Urnm`", error),
        Syscalls.EBUSY => new($"Interface {name}: another process has it open.", "stop that process, or choose another name", error),
        Syscalls.EINVAL => new($"Interface {name}: an interface of that name exists and is no TAP device with our flags.",
            $"ip link delete {name}", error),
        _ => Failed(name, "the TAP device could not be made", error),
    };

    private static LinkException Failed(string name, string problem, int error) => new($"Interface {name}: {problem}: {Syscalls.Describe(error)}.", error: error);
}
