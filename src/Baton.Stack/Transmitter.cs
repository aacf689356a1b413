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
    private readonly PacketPool _pool;
    private readonly Queue<QueuedPacket> _ready = new();
    private ushort _identification;

    public Transmitter(StackLimits limits, DropCounters drops, PacketPool pool)
    {
        _limits = limits;
        _drops = drops;
        _pool = pool;
    }

    public RoutingTable Routes { get; } = new();

    public bool HasReady => _ready.Count > 0;

    /// <summary>A buffer for an IP packet of <paramref name="ipLength"/> bytes behind its link header.</summary>
    public byte[] Rent(int ipLength) => _pool.Rent(EthernetHeader.Length + ipLength);

    public void Return(byte[] buffer) => _pool.Return(buffer);

    /// <summary>The IP packet's place in a rented buffer.</summary>
    public static Span<byte> Packet(byte[] buffer, int ipLength) => buffer.AsSpan(EthernetHeader.Length, ipLength);

    /// <summary>
    /// Sends the IP packet in <paramref name="buffer"/>, which is the transmitter's from now on. A packet longer than the
    /// MTU is fragmented, unless DF is set.
    /// </summary>
    public DropReason Send(Instant now, byte[] buffer, int ipLength, InetAddress destination)
    {
        if (!Routes.TryFind(destination, out var networkInterface, out var nextHop))
        {
            return Drop(buffer, DropReason.NoRoute);
        }

        var neighbour = networkInterface.Neighbours.Find(now, nextHop);
        if (neighbour is null)
        {
            return Drop(buffer, DropReason.NeighbourUnresolved);
        }

        var packet = Packet(buffer, ipLength);
        if (ipLength <= networkInterface.Options.Mtu)
        {
            return SendTo(neighbour, new QueuedPacket(buffer, EthernetHeader.Length + ipLength, networkInterface));
        }

        if (Ipv4Fragmenter.HasDontFragment(packet))
        {
            return Drop(buffer, DropReason.TooBig);
        }

        var result = SendFragments(neighbour, packet);
        _pool.Return(buffer);
        return result;
    }

    /// <summary>An identification for a packet that may be fragmented (RFC 6864 §4.1).</summary>
    public ushort NextIdentification() => ++_identification;

    /// <summary>Queues a frame that is complete, link header included.</summary>
    public DropReason Enqueue(in QueuedPacket packet)
    {
        if (_ready.Count >= _limits.QueuedPackets)
        {
            return Drop(packet.Buffer, DropReason.SendQueueFull);
        }

        _ready.Enqueue(packet);
        return DropReason.None;
    }

    /// <summary>Takes the oldest frame and copies it to <paramref name="destination"/>.</summary>
    public bool TryTake(Span<byte> destination, out int length, out InterfaceId networkInterface)
    {
        if (!_ready.TryDequeue(out var packet))
        {
            length = 0;
            networkInterface = default;
            return false;
        }

        packet.Frame.CopyTo(destination);
        length = packet.Length;
        networkInterface = packet.Interface.Id;
        _pool.Return(packet.Buffer);
        return true;
    }

    /// <summary>Sends what waited for a neighbour that has answered.</summary>
    public void Release(Neighbour neighbour)
    {
        while (neighbour.Waiting.TryDequeue(out var packet))
        {
            SendTo(neighbour, packet);
        }
    }

    /// <summary>Drops what waited for a neighbour that does not answer.</summary>
    public void Abandon(Neighbour neighbour)
    {
        while (neighbour.Waiting.TryDequeue(out var packet))
        {
            Drop(packet.Buffer, DropReason.NeighbourUnresolved);
        }
    }

    private DropReason SendTo(Neighbour neighbour, in QueuedPacket packet)
    {
        switch (neighbour.State)
        {
            case NeighbourState.Reachable or NeighbourState.Probing:
                WriteLinkHeader(packet.Buffer, neighbour);
                return Enqueue(packet);

            case NeighbourState.Incomplete when neighbour.Waiting.Count < _limits.PacketsPerNeighbour:
                neighbour.Waiting.Enqueue(packet);
                return DropReason.None;

            case NeighbourState.Incomplete:
                return Drop(packet.Buffer, DropReason.NeighbourQueueFull);

            default:
                return Drop(packet.Buffer, DropReason.NeighbourUnresolved);
        }
    }

    private DropReason SendFragments(Neighbour neighbour, ReadOnlySpan<byte> packet)
    {
        var result = DropReason.None;
        var fragments = new Ipv4Fragmenter(packet, neighbour.Interface.Options.Mtu);
        while (fragments.NextLength is > 0 and var length)
        {
            var buffer = Rent(length);
            fragments.WriteNext(Packet(buffer, length));
            var sent = SendTo(neighbour, new QueuedPacket(buffer, EthernetHeader.Length + length, neighbour.Interface));
            result = sent == DropReason.None ? result : sent;
        }

        return result;
    }

    public static void WriteLinkHeader(Span<byte> frame, Neighbour neighbour)
    {
        new EthernetHeader(neighbour.MacAddress, neighbour.Interface.Options.MacAddress, EtherType.Of(neighbour.Address.Family)).Write(frame);
    }

    private DropReason Drop(byte[] buffer, DropReason reason)
    {
        _pool.Return(buffer);
        _drops.Count(reason);
        return reason;
    }
}
