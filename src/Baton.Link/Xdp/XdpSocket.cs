using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Baton.Link;

/// <summary>
/// An AF_XDP socket (Linux <c>Documentation/networking/af_xdp.rst</c>): memory shared with the kernel, cut into chunks, and
/// the four rings in which chunks change hands. Half of the chunks are the receiver's and circulate between fill and
/// receive ring; the other half are the sender's.
/// </summary>
internal sealed unsafe class XdpSocket : IDisposable
{
    /// <summary>Bytes of a chunk: a page, so that frames of 64 KiB pass in pieces both ways.</summary>
    public const int ChunkLength = 4096;

    /// <summary>Bytes in front of each frame that is sent: struct xsk_tx_metadata.</summary>
    public const int MetadataLength = 24;

    private const int AF_XDP = 44, SOCK_RAW = 3, SOCK_CLOEXEC = 0x80000, SOL_XDP = 283;
    private const int XDP_MMAP_OFFSETS = 1, XDP_RX_RING = 2, XDP_TX_RING = 3, XDP_UMEM_REG = 4, XDP_UMEM_FILL_RING = 5;
    private const int XDP_UMEM_COMPLETION_RING = 6, XDP_STATISTICS = 7, XDP_OPTIONS = 8, XDP_MAX_TX_SKB_BUDGET = 9;
    private const long RxPage = 0, TxPage = 0x80000000, FillPage = 0x1_0000_0000, CompletionPage = 0x1_8000_0000;
    private static readonly TimeSpan s_bindPatience = TimeSpan.FromSeconds(2);

    private readonly nuint _memoryLength;
    private byte* _memory;
    private XdpRing<XdpDescriptor>? _received, _sent;
    private XdpRing<ulong>? _fill, _completed;

    /// <summary>Makes a socket and binds it to a queue of an interface of this thread's network namespace.</summary>
    /// <exception cref="LinkException">It cannot be; the message says why, and which link to use instead.</exception>
    public XdpSocket(string name, int interfaceIndex, int queue, int ringLength, TimeSpan busyPoll = default)
    {
        (Queue, RingLength) = (queue, ringLength);
        BusyPolls = busyPoll > TimeSpan.Zero;
        _memoryLength = (nuint)(2 * ringLength * ChunkLength);
        Descriptor = Syscalls.Socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
        if (Descriptor < 0)
        {
            throw CannotOpen(name, queue, Syscalls.LastError);
        }

        try
        {
            if (BusyPolls)
            {
                AskForBusyPoll(busyPoll, name, queue);
            }

            RegisterMemory(name, queue);
            MapRings(name, queue);
            Bind(name, interfaceIndex, queue);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The socket, which polls readable when frames wait.</summary>
    public int Descriptor { get; private set; }

    /// <summary>The receive queue that it is bound to.</summary>
    public int Queue { get; }

    /// <summary>Entries of each ring.</summary>
    public int RingLength { get; }

    /// <summary>Whether frames pass between device and shared memory without the kernel copying them.</summary>
    public bool IsZeroCopy { get; private set; }

    /// <summary>Whether the kernel looks at the device when it is asked for frames.</summary>
    public bool BusyPolls { get; }

    /// <summary>Frames that have arrived.</summary>
    public XdpRing<XdpDescriptor> Received => _received!;

    /// <summary>Frames to be sent.</summary>
    public XdpRing<XdpDescriptor> Sent => _sent!;

    /// <summary>Chunks for the kernel to put frames into.</summary>
    public XdpRing<ulong> Fill => _fill!;

    /// <summary>Chunks whose frames have been sent.</summary>
    public XdpRing<ulong> Completed => _completed!;

    /// <summary>Shared memory.</summary>
    public Span<byte> Memory(ulong address, int length)
    {
        Debug.Assert(address + (ulong)length <= _memoryLength, "The kernel names memory that it was given.");
        return new Span<byte>(_memory + address, length);
    }

    /// <summary>Frames that the kernel has dropped before the receive ring.</summary>
    public long CountMissed()
    {
        // struct xdp_statistics: rx_dropped first, rx_ring_full fourth, of six numbers.
        ulong* numbers = stackalloc ulong[6];
        uint size = 6 * sizeof(ulong);
        return Syscalls.GetSocketOption(Descriptor, SOL_XDP, XDP_STATISTICS, numbers, &size) == 0 ? (long)(numbers[0] + numbers[3]) : 0;
    }

    /// <summary>Unmaps the rings first: as long as one is mapped the queue stays taken after the socket is closed.</summary>
    public void Dispose()
    {
        _received?.Dispose();
        _sent?.Dispose();
        _fill?.Dispose();
        _completed?.Dispose();
        if (Descriptor >= 0)
        {
            _ = Syscalls.Close(Descriptor);
            Descriptor = -1;
        }

        if (_memory != null)
        {
            _ = Syscalls.UnmapMemory(_memory, _memoryLength);
            _memory = null;
        }
    }

    private void RegisterMemory(string name, int queue)
    {
        const int readAndWrite = 3, privateAndAnonymous = 0x22, hasTxMetadata = 4;
        void* memory = Syscalls.MapMemory(null, _memoryLength, readAndWrite, privateAndAnonymous, -1, 0);
        if ((nint)memory == -1)
        {
            throw CannotOpen(name, queue, Syscalls.LastError);
        }

        _memory = (byte*)memory;
        var registration = new MemoryRegistration
        {
            Address = (ulong)memory,
            Length = _memoryLength,
            ChunkLength = ChunkLength,
            Flags = hasTxMetadata,
            TxMetadataLength = MetadataLength,
        };
        Check(Syscalls.SetSocketOption(Descriptor, SOL_XDP, XDP_UMEM_REG, &registration, (uint)sizeof(MemoryRegistration)), name, queue);
    }

    private void AskForBusyPoll(TimeSpan time, string name, int queue)
    {
        const int SOL_SOCKET = 1, SO_BUSY_POLL = 46, SO_PREFER_BUSY_POLL = 69, SO_BUSY_POLL_BUDGET = 70, frames = 64;
        foreach (var (option, value) in (ReadOnlySpan<(int, int)>)
            [(SO_PREFER_BUSY_POLL, 1), (SO_BUSY_POLL, Math.Max(1, (int)time.TotalMicroseconds)), (SO_BUSY_POLL_BUDGET, frames)])
        {
            int number = value;
            Check(Syscalls.SetSocketOption(Descriptor, SOL_SOCKET, option, &number, sizeof(int)), name, queue);
        }
    }

    private void MapRings(string name, int queue)
    {
        foreach (int ring in (ReadOnlySpan<int>)[XDP_UMEM_FILL_RING, XDP_UMEM_COMPLETION_RING, XDP_RX_RING, XDP_TX_RING])
        {
            int length = RingLength;
            Check(Syscalls.SetSocketOption(Descriptor, SOL_XDP, ring, &length, sizeof(int)), name, queue);
        }

        var offsets = stackalloc XdpRingOffsets[4];
        uint size = (uint)(4 * sizeof(XdpRingOffsets));
        Check(Syscalls.GetSocketOption(Descriptor, SOL_XDP, XDP_MMAP_OFFSETS, offsets, &size), name, queue);
        _received = new(Descriptor, RxPage, offsets[0], RingLength);
        _sent = new(Descriptor, TxPage, offsets[1], RingLength);
        _fill = new(Descriptor, FillPage, offsets[2], RingLength);
        _completed = new(Descriptor, CompletionPage, offsets[3], RingLength);
    }

    private void Bind(string name, int interfaceIndex, int queue)
    {
        // More frames for each system call in copy mode; a kernel that does not know it sends 32.
        int budget = 256;
        _ = Syscalls.SetSocketOption(Descriptor, SOL_XDP, XDP_MAX_TX_SKB_BUDGET, &budget, sizeof(int));

        const ushort needWakeup = 8, scatterGather = 16;
        var where = new XdpAddress
        {
            Family = AF_XDP,
            Flags = needWakeup | scatterGather,
            InterfaceIndex = (uint)interfaceIndex,
            Queue = (uint)queue,
        };

        // The kernel gives a queue back some time after its last socket was closed.
        long start = Stopwatch.GetTimestamp();
        while (Syscalls.Bind(Descriptor, &where, (uint)sizeof(XdpAddress)) < 0)
        {
            int error = Syscalls.LastError;
            if (error != Syscalls.EBUSY || Stopwatch.GetElapsedTime(start) > s_bindPatience)
            {
                throw CannotOpen(name, queue, error);
            }

            Thread.Sleep(10);
        }

        uint options = 0, size = sizeof(uint);
        IsZeroCopy = Syscalls.GetSocketOption(Descriptor, SOL_XDP, XDP_OPTIONS, &options, &size) == 0 && (options & 1) != 0;
    }

    private static void Check(int result, string name, int queue)
    {
        if (result < 0)
        {
            throw CannotOpen(name, queue, Syscalls.LastError);
        }
    }

    /// <summary>What a failure to open means, and what mends it.</summary>
    internal static LinkException CannotOpen(string name, int queue, int error) => error switch
    {
        Syscalls.EPERM or Syscalls.EACCES => new($"Interface {name}: an XDP socket takes CAP_NET_RAW and CAP_NET_ADMIN, which this process has not.",
            "run as root; inside `unshare -Urnm` use the packet or the tap link", error),
        Syscalls.EAFNOSUPPORT => new("This kernel has no XDP sockets.", "use the packet link", error),
        Syscalls.EBUSY => new($"Interface {name}: another process receives queue {queue}.", "stop that process, or choose another queue", error),
        Syscalls.EINVAL => new($"Interface {name} has no queue {queue}, or its driver or this kernel (before 6.11) lacks an option that the link needs.",
            "choose a queue that `ethtool -l` shows, or use the packet link", error),
        Syscalls.EOPNOTSUPP => new($"Interface {name}: its driver takes no frames in several pieces.", "use the packet link", error),
        Syscalls.ENOMEM or Syscalls.ENOBUFS => new($"Interface {name}: the memory that is shared with the kernel may not be locked.",
            "ulimit -l unlimited, or make the rings shorter", error),
        Syscalls.ENODEV or Syscalls.ENXIO => new($"There is no interface {name}.", "ip link show  (and write one of those)", error),
        Syscalls.ENETDOWN => new($"Interface {name} is down.", $"ip link set dev {name} up", error),
        _ => new($"Interface {name}: the XDP socket could not be set up: {Syscalls.Describe(error)}.", "use the packet link", error),
    };

    /// <summary>struct xdp_umem_reg.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct MemoryRegistration
    {
        public ulong Address;
        public ulong Length;
        public uint ChunkLength;
        public uint Headroom;
        public uint Flags;
        public uint TxMetadataLength;
    }

    /// <summary>struct sockaddr_xdp.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct XdpAddress
    {
        public ushort Family;
        public ushort Flags;
        public uint InterfaceIndex;
        public uint Queue;
        public uint SharedDescriptor;
    }
}
