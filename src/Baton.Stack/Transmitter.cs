using System.Diagnostics.CodeAnalysis;
using Baton.Wire;

namespace Baton.Stack;

/// <summary>
/// The way out of packets that are made at once (ARP, ICMP, RST, UDP): route, neighbour, then the queue that
/// <see cref="NetworkStack.TryEmit"/> empties. TCP endpoints have no packets waiting here, only their next hop.
/// </summary>
internal sealed class Transmitter
{
    private readonly StackLimits _limits;
    private readonly DropCounters _drops;
    private readonly BufferPool _pool;
    private readonly Queue<QueuedFrame> _ready = new();
    private readonly Queue<PooledBuffer> _leaving = new();
    private readonly HashKey _identificationKey;
    private uint _identification;

    public Transmitter(StackLimits limits, DropCounters drops, BufferPool pool, HashKey identificationKey)
    {
        _identificationKey = identificationKey;
        _limits = limits;
        _drops = drops;
        _pool = pool;
    }

    public RoutingTable Routes { get; } = new();

    public bool HasReady => _ready.Count > 0;

    /// <summary>A buffer for a packet of <paramref name="length"/> bytes behind its link header; a refusal is counted.</summary>
    public bool TryRent(int length, [NotNullWhen(true)] out PooledBuffer? buffer)
    {
        if (_pool.TryRent(EthernetHeader.Length + length, out buffer))
        {
            return true;
        }

        _drops.Count(DropReason.SendQueueFull);
        return false;
    }

    /// <summary>The packet's place in a rented buffer.</summary>
    public static Span<byte> Packet(PooledBuffer buffer) => buffer.Span[EthernetHeader.Length..];

    /// <summary>
    /// Sends the IP packet in <paramref name="buffer"/>, which is the transmitter's from now on. A packet longer than the
    /// link's MTU, or over IPv6 the path's, is fragmented, unless the link cuts it; an IPv4 one with DF set is dropped.
    /// </summary>
    public DropReason Send(Instant now, PooledBuffer buffer, InetAddress destination, int pathMtu = ushort.MaxValue, FrameOffload offload = default)
    {
        var packet = Packet(buffer);
        bool v6 = !destination.IsV4;
        var source = v6 ? InetAddress.FromBytes(packet[8..24]) : default;
        if (!Routes.TryFind(source, destination, out var networkInterface, out var nextHop))
        {
            return Drop(buffer, DropReason.NoRoute);
        }

        var neighbour = networkInterface.Neighbours.Find(now, nextHop);
        if (neighbour is null)
        {
            return Drop(buffer, DropReason.NeighbourUnresolved);
        }

        int mtu = v6 ? Math.Min(pathMtu, networkInterface.Options.Mtu) : networkInterface.Options.Mtu;
        if (packet.Length <= mtu || offload.Gso != GsoType.None)
        {
            return SendTo(neighbour, new QueuedFrame(buffer, networkInterface, offload));
        }

        if (!v6 && Ipv4Fragmenter.HasDontFragment(packet))
        {
            return Drop(buffer, DropReason.TooBig);
        }

        var result = v6 ? SendFragmentsV6(neighbour, packet, mtu, source, destination) : SendFragments(neighbour, packet);
        buffer.Dispose();
        return result;
    }

    /// <summary>
    /// An identification for a packet that may be fragmented (RFC 6864 §4.1): a counter that starts elsewhere for each
    /// pair of hosts, so that who sees one does not know another's (RFC 7739 §5.3).
    /// </summary>
    public uint NextIdentification(InetAddress source, InetAddress destination) =>
        (uint)new Flow(IpProtocol.IcmpV6, new FourTuple(source, 0, destination, 0)).Hash(_identificationKey) + ++_identification;

    /// <summary>Queues a frame that is complete, link header included.</summary>
    public DropReason Enqueue(in QueuedFrame frame)
    {
        if (_ready.Count >= _limits.QueuedPackets)
        {
            return Drop(frame.Buffer, DropReason.SendQueueFull);
        }

        _ready.Enqueue(frame);
        return DropReason.None;
    }

    /// <summary>
    /// Takes the oldest frame and copies it to <paramref name="scratch"/>; of a super-segment only the headers, its payload stays
    /// where it is until <see cref="ReleaseSent"/>.
    /// </summary>
    public bool TryTake(Span<byte> scratch, out OutgoingFrame frame)
    {
        if (!_ready.TryDequeue(out var queued))
        {
            frame = default;
            return false;
        }

        var bytes = queued.Buffer.Span;
        bool isSuper = queued.Offload.Gso != GsoType.None;
        int copied = isSuper ? UdpDriver.HeadersLength(bytes) : bytes.Length;
        bytes[..copied].CopyTo(scratch);
        frame = new OutgoingFrame(queued.Interface.Id, queued.Offload, scratch[..copied], bytes[copied..], default);
        if (isSuper)
        {
            _leaving.Enqueue(queued.Buffer);
        }
        else
        {
            queued.Buffer.Dispose();
        }

        return true;
    }

    /// <summary>Gives back what super-segments stood in: the link was flushed.</summary>
    public void ReleaseSent()
    {
        while (_leaving.TryDequeue(out var buffer))
        {
            buffer.Dispose();
        }
    }

    /// <summary>Sends what waited for a neighbour that has answered.</summary>
    public void Release(Neighbour neighbour)
    {
        while (neighbour.Waiting.TryDequeue(out var frame))
        {
            SendTo(neighbour, frame);
        }
    }

    /// <summary>Drops what waited for a neighbour that does not answer.</summary>
    public void Abandon(Neighbour neighbour)
    {
        while (neighbour.Waiting.TryDequeue(out var frame))
        {
            Drop(frame.Buffer, DropReason.NeighbourUnresolved);
        }
    }

    private DropReason SendTo(Neighbour neighbour, in QueuedFrame frame)
    {
        switch (neighbour.State)
        {
            case NeighbourState.Reachable or NeighbourState.Stale or NeighbourState.Delay or NeighbourState.Probe:
                WriteLinkHeader(frame.Buffer.Span, neighbour);
                return Enqueue(frame);

            case NeighbourState.Incomplete when neighbour.Waiting.Count < _limits.PacketsPerNeighbour:
                neighbour.Waiting.Enqueue(frame);
                return DropReason.None;

            case NeighbourState.Incomplete:
                return Drop(frame.Buffer, DropReason.NeighbourQueueFull);

            default:
                return Drop(frame.Buffer, DropReason.NeighbourUnresolved);
        }
    }

    private DropReason SendFragments(Neighbour neighbour, ReadOnlySpan<byte> packet)
    {
        var result = DropReason.None;
        var fragments = new Ipv4Fragmenter(packet, neighbour.Interface.Options.Mtu);
        while (fragments.NextLength is > 0 and var length)
        {
            if (!TryRent(length, out var buffer))
            {
                return DropReason.SendQueueFull;
            }

            fragments.WriteNext(Packet(buffer));
            var sent = SendTo(neighbour, new QueuedFrame(buffer, neighbour.Interface));
            result = sent == DropReason.None ? result : sent;
        }

        return result;
    }

    private DropReason SendFragmentsV6(Neighbour neighbour, ReadOnlySpan<byte> packet, int mtu, InetAddress source, InetAddress destination)
    {
        var result = DropReason.None;
        var fragments = new Ipv6Fragmenter(packet, mtu, NextIdentification(source, destination));
        while (fragments.NextLength is > 0 and var length)
        {
            if (!TryRent(length, out var buffer))
            {
                return DropReason.SendQueueFull;
            }

            fragments.WriteNext(Packet(buffer));
            var sent = SendTo(neighbour, new QueuedFrame(buffer, neighbour.Interface));
            result = sent == DropReason.None ? result : sent;
        }

        return result;
    }

    public static void WriteLinkHeader(Span<byte> frame, Neighbour neighbour)
    {
        new EthernetHeader(neighbour.MacAddress, neighbour.Interface.Options.MacAddress, EtherType.Of(neighbour.Address.Family)).Write(frame);
    }

    private DropReason Drop(PooledBuffer buffer, DropReason reason)
    {
        buffer.Dispose();
        _drops.Count(reason);
        return reason;
    }
}
