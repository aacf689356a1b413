using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Baton.Wire;

namespace Baton.Link;

/// <summary>What a <see cref="TapLink"/> carried and dropped.</summary>
public sealed class TapCounters
{
    /// <summary>Frames given to the stack.</summary>
    public long Received { get; internal set; }

    /// <summary>Frames the kernel took.</summary>
    public long Sent { get; internal set; }

    /// <summary>Times the kernel had no room for a frame.</summary>
    public long Full { get; internal set; }

    /// <summary>Frames the kernel refused (interface down, or a frame it calls malformed): dropped.</summary>
    public long Refused { get; internal set; }

    /// <summary>Frames received with a header that contradicts them: dropped.</summary>
    public long Malformed { get; internal set; }
}

/// <summary>
/// A TAP device of the kernel: what the kernel sends into the interface is received here, and the reverse. Frames of up
/// to 64 KiB pass whole, both ways, with their checksums left to whoever needs them. The stack's address is not that of
/// the kernel's interface, so the interface can also be a bridge's port.
/// </summary>
public sealed unsafe class TapLink : ILink
{
    private const int EBADFD = 77, EFAULT = 14;
    private const int BufferLength = 72 * 1024;
    private const int MaxBurst = 64;

    // Large frames are acknowledged while the next are on their way, not after a whole window of them.
    private const int MaxBurstBytes = 64 * 1024;

    // Pinned for the link's life: the kernel writes frames here, one at a time.
    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(BufferLength, pinned: true);
    private readonly byte* _start;
    private int _descriptor;

    // Smaller frames are put together before the call: to hand over parts costs the kernel more than the copy.
    private const int SmallFrame = 512;

    private readonly byte[] _small = GC.AllocateUninitializedArray<byte>(SmallFrame, pinned: true);

    // To read once more only to learn that nothing waits costs a system call on the way of every request. So a burst ends
    // after as many frames as the last one had; bursts that end so one after the other grow.
    private int _burst = 1;
    private bool _wasFull;

    private TapLink(TapOptions options, int descriptor, MacAddress address)
    {
        _descriptor = descriptor;
        _start = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_buffer));
        Name = options.Name;
        Address = address;
        Mtu = options.Mtu;
        Offloads = options.Offloads;
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public MacAddress Address { get; }

    /// <inheritdoc/>
    public int Mtu { get; }

    /// <inheritdoc/>
    public LinkOffloads Offloads { get; }

    /// <inheritdoc/>
    public int WaitDescriptor => _descriptor;

    /// <summary>What was carried and dropped.</summary>
    public TapCounters Counters { get; } = new();

    /// <summary>Makes the interface, in its namespace, and brings it up.</summary>
    /// <exception cref="LinkException">It could not be made; the message says how to mend that.</exception>
    public static TapLink Open(TapOptions options) => NetworkNamespace.Run(options.Namespace, () =>
    {
        var (descriptor, address) = TapDevice.Open(options);
        return new TapLink(options, descriptor, address);
    });

    /// <summary>Gives waiting frames, and perhaps not all: whoever got some asks again before he waits.</summary>
    /// <exception cref="LinkException">The interface was deleted.</exception>
    public int Receive(IFrameReceiver receiver, int limit)
    {
        int given = 0;
        long bytes = 0;
        limit = Math.Min(limit, _burst);
        while (given < limit && bytes < MaxBurstBytes)
        {
            // Safe: the buffer is pinned, longer than any frame (64 KiB and headers), and only this thread uses it.
            nint read = Syscalls.Read(_descriptor, _start, BufferLength);
            if (read < 0)
            {
                if (ShouldRetry())
                {
                    continue;
                }

                break;
            }

            given++;
            bytes += read;
            Give(receiver, (int)read);
        }

        bool isFull = given == _burst || bytes >= MaxBurstBytes;
        _burst = !isFull ? Math.Max(1, given) : _wasFull && given == _burst ? Math.Min(2 * _burst, MaxBurst) : _burst;
        _wasFull = isFull;
        return given;
    }

    /// <inheritdoc/>
    public bool TrySend(FrameOffload offload, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload, ReadOnlySpan<byte> more = default)
    {
        if (!VirtioNetHeader.TryDescribe(offload, headers, out var description))
        {
            Counters.Refused++;
            return true;
        }

        int length = VirtioNetHeader.Length + headers.Length + payload.Length + more.Length;
        if (length <= SmallFrame)
        {
            var rest = _small.AsSpan(0, length);
            MemoryMarshal.Write(rest, in description);
            rest = rest[VirtioNetHeader.Length..];
            headers.CopyTo(rest);
            payload.CopyTo(rest[headers.Length..]);
            more.CopyTo(rest[(headers.Length + payload.Length)..]);

            // Safe: the buffer is pinned, and the call copies it into the kernel.
            return Count(Syscalls.Write(_descriptor, Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_small)), (nuint)length));
        }

        fixed (byte* headersStart = headers, payloadStart = payload, moreStart = more)
        {
            // Safe: all parts are pinned for the call, which copies them into the kernel; the vectors are on the stack.
            var vectors = stackalloc IoVector[4];
            vectors[0] = new IoVector { Base = &description, Length = VirtioNetHeader.Length };
            vectors[1] = new IoVector { Base = headersStart, Length = (nuint)headers.Length };
            vectors[2] = new IoVector { Base = payloadStart, Length = (nuint)payload.Length };
            vectors[3] = new IoVector { Base = moreStart, Length = (nuint)more.Length };
            int count = more.Length > 0 ? 4 : payload.Length > 0 ? 3 : 2;
            return Count(Syscalls.WriteVector(_descriptor, vectors, count));
        }
    }

    /// <summary>Nothing to do: the kernel has each frame when <see cref="TrySend"/> returns.</summary>
    public void Flush()
    {
    }

    /// <summary>Closes the device; the kernel removes the interface.</summary>
    public void Dispose()
    {
        int descriptor = Interlocked.Exchange(ref _descriptor, -1);
        if (descriptor >= 0)
        {
            _ = Syscalls.Close(descriptor);
        }
    }

    private bool Count(nint written)
    {
        if (written >= 0)
        {
            Counters.Sent++;
            return true;
        }

        if (Syscalls.LastError is Syscalls.EAGAIN or Syscalls.ENOBUFS or Syscalls.ENOMEM or Syscalls.EINTR)
        {
            Counters.Full++;
            return false;
        }

        Counters.Refused++;
        return true;
    }

    private void Give(IFrameReceiver receiver, int length)
    {
        int frameLength = length - VirtioNetHeader.Length;
        if (frameLength < EthernetHeader.Length)
        {
            Counters.Malformed++;
            return;
        }

        var header = MemoryMarshal.Read<VirtioNetHeader>(_buffer);
        var frame = _buffer.AsSpan(VirtioNetHeader.Length, frameLength);
        if (!header.TryRead(frame, out var offload))
        {
            Counters.Malformed++;
            return;
        }

        Counters.Received++;
        receiver.OnFrame(this, offload, frame);
    }

    /// <summary>After a failed read: whether to read again at once. False when nothing waits.</summary>
    private bool ShouldRetry()
    {
        int error = Syscalls.LastError;
        return error switch
        {
            Syscalls.EINTR => true,
            EBADFD or EFAULT => throw new LinkException($"Interface {Name} was deleted.", "restart the node", error),
            _ => false,
        };
    }
}
