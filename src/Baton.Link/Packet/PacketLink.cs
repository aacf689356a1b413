using System.Runtime.InteropServices;
using Baton.Wire;

namespace Baton.Link;

/// <summary>
/// An interface of the kernel's, shared with it: a packet socket receives and sends frames for an Ethernet address of the
/// stack's own. Works on every interface and passes frames of 64 KiB whole, with their checksums left to whoever needs
/// them. Up to 64 frames cross with one system call.
/// </summary>
public sealed unsafe class PacketLink : ILink
{
    private const int Batch = 64;

    // A packet socket's virtio header has no count of buffers.
    private const int HeaderLength = VirtioNetHeader.Length - sizeof(ushort);
    private const int LongestFrame = 66 * 1024;

    // What is longer goes out by a call of its own, without a copy: the call's cost is small against its bytes.
    private const int ShortFrame = 2048;

    // A burst ends after so many bytes: with more, a whole window is answered by one acknowledgment, and the sender stands still meanwhile.
    private const int MaxBurstBytes = 64 * 1024;

    private readonly PacketBatch _received = new(Batch, LongestFrame);
    private readonly PacketBatch _sent = new(Batch, HeaderLength + ShortFrame);
    private int _descriptor;
    private int _first;
    private int _pending;
    private int _burst = 1;
    private bool _wasFull;
    private bool _hasLong;

    private PacketLink(PacketOptions options, int descriptor, MacAddress address, int mtu)
    {
        _descriptor = descriptor;
        Name = options.Name;
        Address = address;
        Mtu = mtu;
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

    /// <summary>At once while frames wait that the kernel had no room for.</summary>
    public Instant NextDeadline => _pending > 0 ? MonotonicClock.Now : Instant.Never;

    /// <summary>What was carried and dropped.</summary>
    public PacketCounters Counters { get; } = new();

    /// <summary>Opens the interface.</summary>
    /// <exception cref="LinkException">It could not be opened; the message says how to mend that.</exception>
    public static PacketLink Open(PacketOptions options) => NetworkNamespace.Run(options.Namespace, () =>
    {
        var (descriptor, address, mtu) = PacketSocket.Open(options);
        return new PacketLink(options, descriptor, address, mtu);
    });

    /// <summary>Gives waiting frames, and perhaps not all: whoever got some asks again before he waits.</summary>
    /// <exception cref="LinkException">The interface was deleted.</exception>
    public int Receive(IFrameReceiver receiver, int limit)
    {
        int given = 0;
        int bytes = 0;
        int count;
        limit = Math.Min(limit, _burst);
        do
        {
            // Long frames one by one, since some of them are a burst.
            count = _received.Receive(_descriptor, _hasLong ? 1 : limit - given);
            if (count < 0)
            {
                EnsureInterface(Syscalls.LastError);
                break;
            }

            for (int i = 0; count > 1 && i < count; i++)
            {
                var received = _received[i][.._received.ReceivedLength(i)];
                receiver.Expect(received[Math.Min(HeaderLength, received.Length)..]);
            }

            for (int i = 0; i < count; i++)
            {
                int length = _received.ReceivedLength(i);
                bytes += length;
                Give(receiver, _received[i][..length]);
            }

            given += count;
            _hasLong = bytes > given * ShortFrame;
        }
        while (_hasLong && given < limit && bytes < MaxBurstBytes);

        // As many at once as came together before: to ask for more that is not there takes time.
        bool isFull = given == _burst || bytes >= MaxBurstBytes;
        _burst = !isFull ? Math.Max(1, given) : _wasFull && given == _burst ? Math.Min(2 * _burst, Batch) : _burst;
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

        int length = headers.Length + payload.Length + more.Length;
        if (length > ShortFrame)
        {
            return SendLong(in description, headers, payload, more);
        }

        if (_first + _pending == Batch)
        {
            Flush();
            if (_pending > 0)
            {
                return false;
            }
        }

        int number = _first + _pending++;
        var buffer = _sent[number];
        MemoryMarshal.AsBytes(MemoryMarshal.CreateReadOnlySpan(in description, 1))[..HeaderLength].CopyTo(buffer);
        buffer = buffer[HeaderLength..];
        headers.CopyTo(buffer);
        payload.CopyTo(buffer[headers.Length..]);
        more.CopyTo(buffer[(headers.Length + payload.Length)..]);
        _sent.SetLength(number, HeaderLength + length);
        return true;
    }

    /// <summary>Hands what was sent to the kernel; what it has no room for stays, and <see cref="NextDeadline"/> says so.</summary>
    public void Flush()
    {
        while (_pending > 0)
        {
            int count = _sent.Send(_descriptor, _first, _pending);
            if (count > 0)
            {
                Counters.Sent += count;
                Done(count);
            }
            else if (!Failed())
            {
                return;
            }
            else
            {
                Done(1);
            }
        }

        _first = 0;
    }

    /// <summary>Closes the socket; the interface is as it was.</summary>
    public void Dispose()
    {
        int descriptor = Interlocked.Exchange(ref _descriptor, -1);
        if (descriptor >= 0)
        {
            _ = Syscalls.Close(descriptor);
            _received.Dispose();
            _sent.Dispose();
        }
    }

    private bool SendLong(in VirtioNetHeader description, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload, ReadOnlySpan<byte> more)
    {
        // In order: what was sent before goes before.
        Flush();
        if (_pending > 0)
        {
            return false;
        }

        fixed (VirtioNetHeader* first = &description)
        fixed (byte* headersStart = headers, payloadStart = payload, moreStart = more)
        {
            // Safe: all parts are pinned for the call, which copies them into the kernel; the vectors are on the stack.
            var vectors = stackalloc IoVector[4];
            vectors[0] = new IoVector { Base = first, Length = HeaderLength };
            vectors[1] = new IoVector { Base = headersStart, Length = (nuint)headers.Length };
            vectors[2] = new IoVector { Base = payloadStart, Length = (nuint)payload.Length };
            vectors[3] = new IoVector { Base = moreStart, Length = (nuint)more.Length };
            if (Syscalls.WriteVector(_descriptor, vectors, 4) >= 0)
            {
                Counters.Sent++;
                return true;
            }
        }

        return Failed();
    }

    private void Done(int count)
    {
        _first += count;
        _pending -= count;
    }

    /// <summary>After a failed send: whether the frame is gone. False when it can be sent later.</summary>
    private bool Failed()
    {
        if (Syscalls.LastError is Syscalls.EAGAIN or Syscalls.ENOMEM or Syscalls.EINTR)
        {
            Counters.Full++;
            return false;
        }

        // ENOBUFS among them: the interface's queue has dropped it.
        Counters.Refused++;
        return true;
    }

    private void Give(IFrameReceiver receiver, Span<byte> received)
    {
        var frame = received.Length > HeaderLength ? received[HeaderLength..] : default;
        if (frame.Length < EthernetHeader.Length
            || !MemoryMarshal.Read<VirtioNetHeader>(received).TryRead(frame, out var offload))
        {
            Counters.Malformed++;
            return;
        }

        Counters.Received++;
        receiver.OnFrame(this, offload, frame);
    }

    /// <summary>A socket whose interface goes says so once, with the error that an interface set down gives too.</summary>
    private void EnsureInterface(int error)
    {
        if (error is Syscalls.EAGAIN or Syscalls.EINTR)
        {
            return;
        }

        var request = InterfaceRequest.For(Name);
        if (Syscalls.IoControl(_descriptor, KernelInterface.SIOCGIFFLAGS, &request) < 0 && Syscalls.LastError == Syscalls.ENODEV)
        {
            throw new LinkException($"Interface {Name} was deleted.", "restart the node", Syscalls.ENODEV);
        }
    }
}
