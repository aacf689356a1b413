using System.Runtime.InteropServices;

namespace Baton.Link;

/// <summary>struct xdp_desc: a piece of memory shared with the kernel, with a frame or a part of one.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct XdpDescriptor
{
    /// <summary>The frame goes on in the next descriptor (XDP_PKT_CONTD).</summary>
    public const uint Continues = 1;

    /// <summary>What the device is to do stands before the frame (XDP_TX_METADATA).</summary>
    public const uint HasMetadata = 2;

    public ulong Address;
    public uint Length;
    public uint Options;
}

/// <summary>struct xdp_ring_offset: where a ring's parts lie in its mapping.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct XdpRingOffsets
{
    public ulong Producer;
    public ulong Consumer;
    public ulong Descriptors;
    public ulong Flags;
}

/// <summary>
/// A ring shared with the kernel, of which one side produces and the other consumes. Each side writes its own index, with
/// release order, after it has written or read the entries; and reads the other's, with acquire order, before. Entries
/// between both indices belong to the consumer, the others to the producer.
/// </summary>
/// <typeparam name="T">What its entries are.</typeparam>
internal sealed unsafe class XdpRing<T> : IDisposable
    where T : unmanaged
{
    private readonly byte* _mapping;
    private readonly nuint _mappingLength;
    private readonly uint* _producer;
    private readonly uint* _consumer;
    private readonly uint* _flags;
    private readonly T* _entries;
    private readonly uint _mask;
    private bool _disposed;

    /// <summary>Maps one of a socket's four rings.</summary>
    /// <exception cref="LinkException">It cannot be mapped.</exception>
    public XdpRing(int socket, long page, XdpRingOffsets offsets, int length)
    {
        const int readAndWrite = 3, sharedAndPopulated = 0x8001;
        _mappingLength = (nuint)(offsets.Descriptors + ((ulong)length * (ulong)sizeof(T)));
        void* mapping = Syscalls.MapMemory(null, _mappingLength, readAndWrite, sharedAndPopulated, socket, (nint)page);
        if ((nint)mapping == -1)
        {
            throw new LinkException($"A ring of the XDP socket could not be mapped: {Syscalls.Describe(Syscalls.LastError)}.", error: Syscalls.LastError);
        }

        _mapping = (byte*)mapping;
        _producer = (uint*)(_mapping + offsets.Producer);
        _consumer = (uint*)(_mapping + offsets.Consumer);
        _flags = (uint*)(_mapping + offsets.Flags);
        _entries = (T*)(_mapping + offsets.Descriptors);
        _mask = (uint)length - 1;
        Length = length;
    }

    /// <summary>How many entries it has.</summary>
    public int Length { get; }

    /// <summary>Our index: where we produce or consume next.</summary>
    public uint Position { get; private set; }

    /// <summary>Whether the kernel sleeps and has to be called (XDP_RING_NEED_WAKEUP).</summary>
    public bool NeedsWakeup => (Volatile.Read(ref *_flags) & 1) != 0;

    /// <summary>An entry, counted from our index.</summary>
    public ref T this[int number] => ref _entries[(Position + (uint)number) & _mask];

    /// <summary>As consumer: how many entries wait.</summary>
    public int Waiting => (int)(Volatile.Read(ref *_producer) - Position);

    /// <summary>As producer: how many entries are free.</summary>
    public int Free => Length - (int)(Position - Volatile.Read(ref *_consumer));

    /// <summary>As producer: makes over the next <paramref name="count"/> entries.</summary>
    public void Produce(int count)
    {
        Position += (uint)count;
        Volatile.Write(ref *_producer, Position);
    }

    /// <summary>As consumer: gives back the next <paramref name="count"/> entries.</summary>
    public void Consume(int count)
    {
        Position += (uint)count;
        Volatile.Write(ref *_consumer, Position);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            _ = Syscalls.UnmapMemory(_mapping, _mappingLength);
        }
    }
}
