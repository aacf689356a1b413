using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Baton.Link.Bpf;
using Baton.Link.Nic;
using Baton.Wire;

namespace Baton.Link;

/// <summary>
/// A queue of an interface by an XDP socket: frames come from the driver before the kernel has made packets of them, and
/// go to it by a ring in memory. The interface is as before when the process ends, however it ends. Best for small
/// packets and for forwarding; frames are cut and put together by the stack.
/// </summary>
public sealed unsafe class XdpLink : ILink
{
    private const int LongestFrame = 68 * 1024;

    // Only now and then: most times that nothing waits, nothing is wrong, and the answer is in memory that the kernel's side of the rings uses.
    private const int EmptiesBetweenChecks = 64;
    private const int MaxKicks = 256;

    private static readonly TimeSpan s_checkPause = TimeSpan.FromMilliseconds(1);

    // A device that takes no frames, since it is down, is asked again so much later.
    private static readonly TimeSpan s_refusedPause = TimeSpan.FromMilliseconds(20);

    private readonly XdpSocket _socket;
    private readonly XdpDevice _device;
    private readonly NicQueue? _nic;
    private readonly ulong[] _free;
    private readonly ushort _vlan;
    private readonly byte[] _tagged;
    private readonly byte[] _assembled = new byte[LongestFrame];
    private readonly int _piece = XdpSocket.ChunkLength - XdpSocket.MetadataLength;
    private int _freeCount;
    private int _assembledLength;
    private int _written;
    private int _empties;
    private Instant _nextCheck;
    private Instant _nextKick;
    private bool _disposed;

    private XdpLink(XdpOptions options, XdpSocket socket, XdpDevice device, MacAddress address, int mtu)
    {
        _socket = socket;
        _device = device;
        Name = options.Name;
        Address = address;
        Mtu = mtu;
        _vlan = (ushort)options.Vlan;
        _tagged = _vlan == 0 ? [] : new byte[mtu + EthernetHeader.Length + VlanTag.Length];
        int chunks = options.RingLength;
        _free = new ulong[chunks];
        for (int i = 0; i < chunks; i++)
        {
            _free[_freeCount++] = (ulong)(chunks + i) * XdpSocket.ChunkLength;
            socket.Fill[i] = (ulong)i * XdpSocket.ChunkLength;
        }

        socket.Fill.Produce(chunks);
        _nic = device.Connect(socket);
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public MacAddress Address { get; }

    /// <inheritdoc/>
    public int Mtu { get; }

    /// <inheritdoc/>
    public LinkOffloads Offloads => LinkOffloads.Checksum;

    /// <inheritdoc/>
    public int WaitDescriptor => _socket.Descriptor;

    /// <summary>At once while frames wait that the device had no room for; a while later where it is down.</summary>
    public Instant NextDeadline => IsDrained ? Instant.Never : _nextKick > MonotonicClock.Now ? _nextKick : MonotonicClock.Now;

    /// <summary>How frames get here, for a log line: where the program runs, and whether the kernel copies.</summary>
    public string Description =>
        $"XDP, {(_device.Mode == XdpMode.Native ? "native" : "generic")}, {(_socket.IsZeroCopy ? "zero-copy" : "copy, since its driver has no zero-copy")}{(_socket.BusyPolls ? ", busy polling" : "")}";

    /// <summary>What was carried and dropped.</summary>
    public XdpCounters Counters { get; } = new();

    private bool IsDrained => _socket.Sent.Free == _socket.RingLength;

    /// <summary>Opens a queue of an interface.</summary>
    /// <exception cref="LinkException">It could not be opened; the message says why, and which link to use instead.</exception>
    public static XdpLink Open(XdpOptions options) => OpenQueues(options, 1)[0];

    /// <summary>
    /// Opens some queues of an interface, from <see cref="XdpOptions.Queue"/> on, each a link for a thread of its own. They
    /// share the program, which is detached with the last of them.
    /// </summary>
    /// <exception cref="LinkException">One could not be opened, and none is; the message says why, and which link to use instead.</exception>
    public static IReadOnlyList<XdpLink> OpenQueues(XdpOptions options, int count)
    {
        if (options.BusyPoll < TimeSpan.Zero || options.BusyPoll > XdpOptions.MostBusyPoll)
        {
            throw new LinkException($"Interface {options.Name}: busy polling for {options.BusyPoll} cannot be.", "write a time up to 10 ms");
        }

        if (options.RingLength is < 64 or > 16384 || (options.RingLength & (options.RingLength - 1)) != 0)
        {
            throw new LinkException($"Interface {options.Name}: a ring of {options.RingLength} frames cannot be.", "write a power of two from 64 to 16384");
        }

        if (options.Vlan is < 0 or > VlanTag.Most)
        {
            throw new LinkException($"Interface {options.Name}: there is no VLAN {options.Vlan}.", $"write 1 to {VlanTag.Most}, or 0 for none");
        }

        return NetworkNamespace.Run(options.Namespace, () =>
        {
            KernelAddresses.Refuse(options.Addresses);
            using var kernel = new KernelInterface(options.Name);
            var sockets = new List<XdpSocket>();
            XdpDevice? device = null;
            try
            {
                for (int queue = options.Queue; queue < options.Queue + count; queue++)
                {
                    sockets.Add(new XdpSocket(options.Name, kernel.Index, queue, options.RingLength, options.BusyPoll));
                }

                device = new XdpDevice(options.Name, kernel.Index, options.Place, options.Nic, options.Namespace, kernel.Address, options.Vlan);
                return sockets.ConvertAll(socket => new XdpLink(options, socket, device, kernel.Address, kernel.Mtu));
            }
            catch
            {
                device?.Dispose();
                sockets.ForEach(socket => socket.Dispose());
                throw;
            }
        });
    }

    /// <inheritdoc/>
    /// <exception cref="LinkException">The interface was deleted.</exception>
    public int Receive(IFrameReceiver receiver, int limit)
    {
        var ring = _socket.Received;
        int waiting = ring.Waiting;
        int taken = 0, given = 0;
        for (int i = 0; waiting > 1 && i < Math.Min(waiting, limit); i++)
        {
            // Of a frame in several pieces the first has what is looked at, and the others mean nothing.
            var descriptor = ring[i];
            receiver.Expect(_socket.Memory(descriptor.Address, (int)descriptor.Length));
        }

        while (taken < waiting && given < limit)
        {
            var descriptor = ring[taken++];
            bool last = (descriptor.Options & XdpDescriptor.Continues) == 0;
            Take(receiver, in descriptor, last);
            given += last ? 1 : 0;

            // What circulates are as many chunks as the ring has entries, so there is room.
            _socket.Fill[taken - 1] = descriptor.Address & ~(ulong)(XdpSocket.ChunkLength - 1);
        }

        if (taken > 0)
        {
            ring.Consume(taken);
            _socket.Fill.Produce(taken);
            _empties = 0;
        }
        else
        {
            AskForFrames();
        }

        if (_socket.Fill.NeedsWakeup)
        {
            _ = Syscalls.ReceiveFrom(_socket.Descriptor, null, 0, Syscalls.MSG_DONTWAIT, null, null);
        }

        return given;
    }

    /// <inheritdoc/>
    public bool TrySend(FrameOffload offload, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload, ReadOnlySpan<byte> more = default)
    {
        int length = headers.Length + payload.Length + more.Length;
        FrameLayout layout = default;
        bool partial = offload.Checksum == ChecksumState.Partial;
        if (offload.Gso != GsoType.None || length > Mtu + EthernetHeader.Length || (partial && !FrameLayout.TryFind(headers, out layout)))
        {
            Counters.Refused++;
            return true;
        }

        int tag = 0;
        if (_vlan != 0)
        {
            headers = PutTagOn(headers);
            tag = VlanTag.Length;
            length += tag;
        }

        int pieces = (length + _piece - 1) / _piece;
        if (_freeCount < pieces)
        {
            TakeCompleted();
        }

        if (_freeCount < pieces || _socket.Sent.Free - _written < pieces)
        {
            Counters.Full++;
            return false;
        }

        int at = 0;
        for (int i = 0; i < pieces; i++)
        {
            ulong chunk = _free[--_freeCount];
            int part = Math.Min(_piece, length - at);
            var room = _socket.Memory(chunk + XdpSocket.MetadataLength, part);
            CopyPart(headers, payload, more, at, room);
            at += part;
            _socket.Sent[_written++] = new XdpDescriptor
            {
                Address = chunk + XdpSocket.MetadataLength,
                Length = (uint)part,
                Options = (i < pieces - 1 ? XdpDescriptor.Continues : 0) | (i == 0 && partial ? AskForChecksum(chunk, layout, room, tag, pieces) : 0),
            };
        }

        Counters.Sent++;
        return true;
    }

    /// <summary>Hands what was sent to the device; what it has no room for stays, and <see cref="NextDeadline"/> says so.</summary>
    /// <exception cref="LinkException">The interface was deleted.</exception>
    public void Flush()
    {
        if (_written > 0)
        {
            _socket.Sent.Produce(_written);
            _written = 0;
        }

        // In copy mode each call sends some frames, and it says EAGAIN when more wait; what has been sent comes back. It says
        // EBUSY when the cable carried nothing and the frame is lost.
        for (int kicks = 0; !IsDrained && _socket.Sent.NeedsWakeup && kicks < MaxKicks; kicks++)
        {
            if (Syscalls.SendTo(_socket.Descriptor, null, 0, Syscalls.MSG_DONTWAIT, null, 0) < 0
                && Syscalls.LastError is var error and not (Syscalls.EAGAIN or Syscalls.EINTR or Syscalls.EBUSY))
            {
                EnsureInterface(error);
                _nextKick = MonotonicClock.Now + s_refusedPause;
                break;
            }

            TakeCompleted();
        }

        TakeCompleted();
    }

    /// <summary>Closes the socket, and with the last one detaches the program; the interface is as it was.</summary>
    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            _device.Disconnect();
            _socket.Dispose();
        }
    }

    private void Take(IFrameReceiver receiver, in XdpDescriptor descriptor, bool last)
    {
        var part = _socket.Memory(descriptor.Address, (int)descriptor.Length);
        if (_assembledLength == 0)
        {
            ReadMark(descriptor.Address);
        }

        if (last && _assembledLength == 0)
        {
            Give(receiver, part);
            return;
        }

        // A frame in several pieces; one that is too long is counted at its end.
        if (part.Length <= LongestFrame - _assembledLength)
        {
            part.CopyTo(_assembled.AsSpan(_assembledLength));
        }

        _assembledLength += part.Length;
        if (last)
        {
            Give(receiver, _assembledLength <= LongestFrame ? _assembled.AsSpan(0, _assembledLength) : default);
            _assembledLength = 0;
        }
    }

    private void Give(IFrameReceiver receiver, Span<byte> frame)
    {
        if (frame.Length < EthernetHeader.Length)
        {
            Counters.Malformed++;
            return;
        }

        Counters.Received++;
        receiver.OnFrame(this, FrameOffload.None, frame);
        _nic?.Mark = null;
    }

    /// <summary>The program's word stands right before the frame. It is taken away: the next frame in this chunk may have none.</summary>
    private void ReadMark(ulong frame)
    {
        if (_nic is { } nic && frame >= NicMetadata.Length)
        {
            ref var metadata = ref MemoryMarshal.AsRef<NicMetadata>(_socket.Memory(frame - NicMetadata.Length, NicMetadata.Length));
            nic.Mark = metadata.Verdict is { } verdict ? new(verdict, new(metadata.Id), new(metadata.Epoch)) : null;
            metadata = default;
        }
    }

    /// <summary>
    /// Has the checksum completed: by the device or the kernel where the kernel makes a packet of the frame, here where it
    /// does not or the frame has a tag, since not every driver can.
    /// </summary>
    private uint AskForChecksum(ulong chunk, FrameLayout layout, Span<byte> frame, int tag, int pieces)
    {
        if ((_socket.IsZeroCopy || tag > 0) && pieces == 1)
        {
            // What stands behind a tag looks like a frame without one.
            FrameLayout.CompleteChecksum(frame[tag..]);
            return 0;
        }

        // struct xsk_tx_metadata: flags (2: checksum), then where it starts and where it goes.
        const ulong checksum = 2;
        var metadata = _socket.Memory(chunk, XdpSocket.MetadataLength);
        BinaryPrimitives.WriteUInt64LittleEndian(metadata, checksum);
        BinaryPrimitives.WriteUInt16LittleEndian(metadata[8..], (ushort)(layout.TransportOffset + tag));
        BinaryPrimitives.WriteUInt16LittleEndian(metadata[10..], (ushort)layout.ChecksumOffset);
        return XdpDescriptor.HasMetadata;
    }

    /// <summary>The headers with the tag between addresses and EtherType, until the next call.</summary>
    private ReadOnlySpan<byte> PutTagOn(ReadOnlySpan<byte> headers)
    {
        const int addresses = 12;
        headers[..addresses].CopyTo(_tagged);
        BinaryPrimitives.WriteUInt16BigEndian(_tagged.AsSpan(addresses), VlanTag.Protocol);
        BinaryPrimitives.WriteUInt16BigEndian(_tagged.AsSpan(addresses + 2), _vlan);
        headers[addresses..].CopyTo(_tagged.AsSpan(addresses + VlanTag.Length));
        return _tagged.AsSpan(0, headers.Length + VlanTag.Length);
    }

    private void TakeCompleted()
    {
        var ring = _socket.Completed;
        int count = ring.Waiting;
        for (int i = 0; i < count; i++)
        {
            _free[_freeCount++] = ring[i] & ~(ulong)(XdpSocket.ChunkLength - 1);
        }

        if (count > 0)
        {
            ring.Consume(count);
        }
    }

    /// <summary>Copies bytes <paramref name="at"/> and on of a frame that stands in three parts.</summary>
    private static void CopyPart(ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload, ReadOnlySpan<byte> more, int at, Span<byte> room)
    {
        while (!room.IsEmpty)
        {
            var part = at < headers.Length ? headers[at..]
                : at < headers.Length + payload.Length ? payload[(at - headers.Length)..]
                : more[(at - headers.Length - payload.Length)..];
            part = part[..Math.Min(part.Length, room.Length)];
            part.CopyTo(room);
            room = room[part.Length..];
            at += part.Length;
        }
    }

    /// <summary>Asks the kernel, which by busy polling finds some; in any case it says now and then if the interface is gone.</summary>
    private void AskForFrames()
    {
        bool checks = false;
        if (++_empties == EmptiesBetweenChecks)
        {
            _empties = 0;
            var now = MonotonicClock.Now;
            checks = now >= _nextCheck;
            if (checks)
            {
                _nextCheck = now + s_checkPause;
                Counters.Missed = _socket.CountMissed();
            }
        }

        if ((checks || _socket.BusyPolls) && Syscalls.ReceiveFrom(_socket.Descriptor, null, 0, Syscalls.MSG_DONTWAIT, null, null) < 0)
        {
            EnsureInterface(Syscalls.LastError);
        }
    }

    /// <summary>The kernel unbinds a socket whose interface goes.</summary>
    private void EnsureInterface(int error)
    {
        if (error == Syscalls.ENXIO)
        {
            throw new LinkException($"Interface {Name} was deleted.", "restart the node", Syscalls.ENXIO);
        }
    }
}
