using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Baton.Wire;

namespace Baton.Link;

/// <summary>Opens and sets up a packet socket (packet(7)) in the calling thread's network namespace.</summary>
internal static unsafe class PacketSocket
{
    private const int AF_PACKET = 17, SOCK_RAW = 3, SOCK_NONBLOCK = 0x800, SOCK_CLOEXEC = 0x80000;
    private const int SOL_SOCKET = 1, SO_SNDBUF = 7, SO_RCVBUF = 8, SO_ATTACH_FILTER = 26, SO_SNDBUFFORCE = 32, SO_RCVBUFFORCE = 33;
    private const int SOL_PACKET = 263, PACKET_ADD_MEMBERSHIP = 1, PACKET_VNET_HDR = 15, PACKET_FANOUT = 18, PACKET_IGNORE_OUTGOING = 23;
    private const ushort ETH_P_ALL = 0x0003;

    /// <summary>The open socket, the stack's address and the interface's MTU.</summary>
    public static (int Descriptor, MacAddress Address, int Mtu) Open(PacketOptions options)
    {
        KernelAddresses.Refuse(options.Addresses);
        using var kernel = new KernelInterface(options.Name);
        int index = kernel.Index;
        var address = options.Address ?? MacAddresses.Random();
        if (address == kernel.Address)
        {
            throw new LinkException($"Interface {options.Name}: {address} is the kernel's own address on it.", "choose another address for the stack");
        }

        // Without a protocol it receives nothing until it is bound.
        int descriptor = Syscalls.Socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (descriptor < 0)
        {
            throw CannotOpen(options.Name, Syscalls.LastError);
        }

        try
        {
            SetUp(descriptor, options, index, address);
            return (descriptor, address, kernel.Mtu);
        }
        catch
        {
            _ = Syscalls.Close(descriptor);
            throw;
        }
    }

    private static void SetUp(int descriptor, PacketOptions options, int index, MacAddress address)
    {
        string name = options.Name;
        Set(descriptor, SOL_PACKET, PACKET_VNET_HDR, 1, name);
        Set(descriptor, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1, name);
        SetBuffer(descriptor, SO_RCVBUFFORCE, SO_RCVBUF, options.BufferLength, name);
        SetBuffer(descriptor, SO_SNDBUFFORCE, SO_SNDBUF, options.BufferLength, name);
        Filter(descriptor, address, name);
        Bind(descriptor, index, name);

        // The device must let frames for our address in, as it does for its own.
        var membership = new PacketMembership { Index = index, Kind = PacketMembership.Unicast, Length = MacAddress.Length };
        address.CopyTo(new Span<byte>(membership.Address, MacAddress.Length));
        Check(Syscalls.SetSocketOption(descriptor, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &membership, (uint)sizeof(PacketMembership)), name);
        if (options.FanoutGroup is { } group)
        {
            // Type 0: by the flow's hash, the same for both directions.
            Set(descriptor, SOL_PACKET, PACKET_FANOUT, group, name);
        }
    }

    private static void Bind(int descriptor, int index, string name)
    {
        var where = new PacketAddress
        {
            Family = AF_PACKET,
            Protocol = BinaryPrimitives.ReverseEndianness(ETH_P_ALL),
            Index = index,
        };
        Check(Syscalls.Bind(descriptor, &where, (uint)sizeof(PacketAddress)), name);
    }

    /// <summary>
    /// Keeps the kernel's own frames from being copied here: only those for our address and for groups come up, and none
    /// with a VLAN tag, which the kernel has taken off and which would look like one without.
    /// </summary>
    private static void Filter(int descriptor, MacAddress address, string name)
    {
        const uint vlanTagPresent = unchecked((uint)-0x1000 + 48), all = uint.MaxValue;
        const ushort loadByte = 0x30, loadHalf = 0x28, loadWord = 0x20, jumpIfEqual = 0x15, jumpIfBit = 0x45, end = 0x06;
        var program = stackalloc ClassicInstruction[]
        {
            new(loadByte, 0, 0, vlanTagPresent),
            new(jumpIfEqual, 0, 7, 0),
            new(loadByte, 0, 0, 0),
            new(jumpIfBit, 4, 0, 1),
            new(loadWord, 0, 0, 2),
            new(jumpIfEqual, 0, 3, (uint)address.Value),
            new(loadHalf, 0, 0, 0),
            new(jumpIfEqual, 0, 1, (uint)(address.Value >> 32)),
            new(end, 0, 0, all),
            new(end, 0, 0, 0),
        };
        var filter = new ClassicProgram { Length = 10, Instructions = program };
        Check(Syscalls.SetSocketOption(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &filter, (uint)sizeof(ClassicProgram)), name);
    }

    /// <summary>Root of a user namespace gets no more than the machine's limit (net.core.rmem_max, wmem_max).</summary>
    private static void SetBuffer(int descriptor, int force, int ask, int length, string name)
    {
        if (Syscalls.SetSocketOption(descriptor, SOL_SOCKET, force, &length, sizeof(int)) < 0)
        {
            Set(descriptor, SOL_SOCKET, ask, length, name);
        }
    }

    private static void Set(int descriptor, int level, int option, int value, string name) =>
        Check(Syscalls.SetSocketOption(descriptor, level, option, &value, sizeof(int)), name);

    private static void Check(int result, string name)
    {
        if (result < 0)
        {
            throw CannotOpen(name, Syscalls.LastError);
        }
    }

    /// <summary>What a failure to open means, and what mends it.</summary>
    internal static LinkException CannotOpen(string name, int error) => error switch
    {
        Syscalls.EPERM or Syscalls.EACCES => new($"Interface {name}: a packet socket takes CAP_NET_RAW and CAP_NET_ADMIN, which this process has not.",
            "run as root, or inside `unshare -Urnm`", error),
        Syscalls.ENETDOWN => new($"Interface {name} is down.", $"ip link set dev {name} up", error),
        Syscalls.ENODEV or Syscalls.ENXIO => new($"There is no interface {name}.", "ip link show  (and write one of those)", error),
        Syscalls.ENOPROTOOPT or Syscalls.EINVAL => new($"Interface {name}: this kernel's packet sockets lack an option that the link needs.",
            "use the tap link, or a kernel from 5.15 on", error),
        _ => new($"Interface {name}: the packet socket could not be set up: {Syscalls.Describe(error)}.", error: error),
    };

    /// <summary>struct sockaddr_ll.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct PacketAddress
    {
        public ushort Family;
        public ushort Protocol;
        public int Index;
        public ushort HardwareType;
        public byte PacketType;
        public byte AddressLength;
        public ulong Address;
    }

    /// <summary>struct packet_mreq.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct PacketMembership
    {
        public const ushort Unicast = 3;

        public int Index;
        public ushort Kind;
        public ushort Length;
        public fixed byte Address[8];
    }

    /// <summary>struct sock_filter: an instruction of the socket filter's own small machine.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct ClassicInstruction(ushort Code, byte IfTrue, byte IfFalse, uint Value);

    /// <summary>struct sock_fprog.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct ClassicProgram
    {
        public ushort Length;
        public ClassicInstruction* Instructions;
    }
}
