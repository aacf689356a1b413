using Baton.Wire;

namespace Baton.Stack;

/// <summary>Drives UDP endpoints: receive queues, sending, idle time.</summary>
internal sealed class UdpDriver
{
    // UDP_MAX_SEGMENTS of older kernels, which the other end of a link may have.
    private const int MaxTogether = 64;

    private readonly StackOptions _options;
    private readonly EndpointTable _table;
    private readonly Transmitter _transmitter;
    private readonly BufferPool _pool;

    public UdpDriver(StackOptions options, EndpointTable table, Transmitter transmitter, BufferPool pool)
    {
        _options = options;
        _table = table;
        _transmitter = transmitter;
        _pool = pool;
    }

    /// <summary>Reads and verifies a datagram: its header, and the payload that the header's length covers.</summary>
    public static DropReason Parse(
        in IpPacket packet, ReadOnlySpan<byte> bytes, FrameOffload offload, out UdpHeader header, out ReadOnlySpan<byte> payload)
    {
        payload = default;
        var datagram = packet.Payload(bytes);
        var reason = UdpHeader.TryParse(datagram, out header);
        if (reason != DropReason.None)
        {
            return reason;
        }

        // Bytes behind the datagram's own length are no part of it (RFC 1122 §4.1.3.4 has the checksum cover that length).
        datagram = datagram[..header.DatagramLength];
        payload = datagram[UdpHeader.Length..];
        return offload.Checksum != ChecksumState.Complete || UdpChecksum.Verify(packet, datagram)
            ? DropReason.None
            : DropReason.UdpBadChecksum;
    }

    /// <summary>Gives one datagram to an active endpoint.</summary>
    public DropReason Deliver(Instant now, UdpEndpoint endpoint, in IpPacket packet, ReadOnlySpan<byte> bytes, FrameOffload offload)
    {
        var reason = Parse(packet, bytes, offload, out var header, out var payload);
        return reason == DropReason.None
            ? Receive(now, endpoint, packet.Source, header.SourcePort, payload, offload)
            : Drop(reason);
    }

    /// <summary>Queues a payload that has been verified: one datagram, or those that a super-segment stands for.</summary>
    /// <returns>The last reason why one was dropped.</returns>
    public DropReason Receive(
        Instant now, UdpEndpoint endpoint, InetAddress source, ushort port, ReadOnlySpan<byte> payload, FrameOffload offload)
    {
        if (offload.Gso != GsoType.UdpL4 || offload.SegmentSize == 0)
        {
            return Receive(now, endpoint, source, port, payload);
        }

        var result = DropReason.None;
        for (; !payload.IsEmpty; payload = payload[Math.Min(offload.SegmentSize, payload.Length)..])
        {
            var received = Receive(now, endpoint, source, port, payload[..Math.Min(offload.SegmentSize, payload.Length)]);
            result = received == DropReason.None ? result : received;
        }

        return result;
    }

    private DropReason Receive(Instant now, UdpEndpoint endpoint, InetAddress source, ushort port, ReadOnlySpan<byte> payload)
    {
        endpoint.In = (endpoint.In.Packets + 1, endpoint.In.Bytes + payload.Length);
        Touch(now, endpoint);
        if (endpoint.WaitingDatagrams >= _options.Limits.DatagramsPerEndpoint
            || endpoint.WaitingBytes + payload.Length > _options.Limits.DatagramBytesPerEndpoint
            || !TryEnqueue(endpoint, source, port, payload))
        {
            endpoint.Overflows++;
            return Drop(DropReason.ReceiveQueueFull);
        }

        _table.Raise(endpoint, EndpointEvents.Readable);
        return DropReason.None;
    }

    /// <summary>Puts a copy of the payload at the end of the receive queue.</summary>
    public bool TryEnqueue(UdpEndpoint endpoint, InetAddress source, ushort port, ReadOnlySpan<byte> payload)
    {
        if (!_pool.TryRentCopy(payload, out var buffer))
        {
            return false;
        }

        endpoint.Enqueue(new UdpEndpoint.Datagram(buffer, source, port));
        CountLoad(endpoint);
        return true;
    }

    public void CountLoad(UdpEndpoint endpoint) => _table.CountLoad(endpoint);

    /// <summary>Sends datagrams of <paramref name="segmentSize"/> bytes, the last of what is left: as one super-segment where the link cuts it.</summary>
    public UdpSendResult SendBatch(
        Instant now, UdpEndpoint endpoint, ReadOnlySpan<byte> payload, int segmentSize, InetAddress remoteAddress, ushort remotePort)
    {
        int together = FitsCut(endpoint, remoteAddress, segmentSize) ? MaxTogether : 1;
        while (payload.Length > segmentSize)
        {
            int length = Math.Min(payload.Length, segmentSize * together);
            var result = Send(now, endpoint, payload[..length], remoteAddress, remotePort, segmentSize);
            if (result != UdpSendResult.Sent)
            {
                return result;
            }

            payload = payload[length..];
        }

        return payload.IsEmpty ? UdpSendResult.Sent : Send(now, endpoint, payload, remoteAddress, remotePort);
    }

    /// <summary>Bytes of all headers of a datagram made here, the link's too.</summary>
    public static int HeadersLength(ReadOnlySpan<byte> frame) =>
        EthernetHeader.Length + (frame[EthernetHeader.Length] >> 4 == 4 ? Ipv4Header.Length : Ipv6Header.Length) + UdpHeader.Length;

    /// <param name="now">The time.</param>
    /// <param name="endpoint">The sender.</param>
    /// <param name="payload">One datagram's; or, above <paramref name="segmentSize"/>, of several that the link cuts apart.</param>
    /// <param name="remoteAddress">Where to.</param>
    /// <param name="remotePort">Its port.</param>
    /// <param name="segmentSize">Bytes of each; zero for one.</param>
    public UdpSendResult Send(
        Instant now, UdpEndpoint endpoint, ReadOnlySpan<byte> payload, InetAddress remoteAddress, ushort remotePort, int segmentSize = 0)
    {
        var tuple = endpoint.Flow.Tuple;
        var source = tuple.LocalAddress;
        if (source.Family != remoteAddress.Family || remoteAddress.IsMulticast
            || (source.IsUnspecified && !_transmitter.Routes.TryChooseSource(remoteAddress, out source)))
        {
            return UdpSendResult.Unreachable;
        }

        int headerLength = IpHeader.Length(remoteAddress);
        int datagramLength = UdpHeader.Length + payload.Length;
        int mtu = _transmitter.Routes.TryFind(source, remoteAddress, out var networkInterface, out _)
            ? Math.Min(endpoint.PathMtu, networkInterface.Options.Mtu)
            : endpoint.PathMtu;

        if (!_transmitter.TryRent(headerLength + datagramLength, out var buffer))
        {
            return UdpSendResult.QueueFull;
        }

        // What fits the path goes unfragmented and finds out if the path shrinks; what does not, goes in fragments.
        var packet = Transmitter.Packet(buffer);
        bool isSuper = segmentSize > 0 && payload.Length > segmentSize;
        bool fits = isSuper || headerLength + datagramLength <= mtu;
        IpHeader.Write(
            packet,
            source,
            remoteAddress,
            IpProtocol.Udp,
            datagramLength,
            endpoint.TrafficClass,
            endpoint.HopLimit,
            fits ? null : (ushort)_transmitter.NextIdentification(source, remoteAddress),
            endpoint.FlowLabel);
        var datagram = packet[headerLength..];
        new UdpHeader(tuple.LocalPort, remotePort, (ushort)datagramLength, 0).Write(datagram);
        payload.CopyTo(datagram[UdpHeader.Length..]);
        var offload = isSuper ? new FrameOffload(ChecksumState.Partial, GsoType.UdpL4, (ushort)segmentSize) : FrameOffload.None;
        UdpChecksum.Write(datagram, isSuper
            ? UdpChecksum.Partial(source, remoteAddress, datagramLength)
            : UdpChecksum.Compute(source, remoteAddress, datagram));

        Touch(now, endpoint);
        switch (_transmitter.Send(now, buffer, remoteAddress, mtu, offload))
        {
            case DropReason.None:
                int count = isSuper ? (payload.Length + segmentSize - 1) / segmentSize : 1;
                endpoint.Out = (endpoint.Out.Packets + count, endpoint.Out.Bytes + payload.Length);
                return UdpSendResult.Sent;

            case DropReason.NoRoute or DropReason.NeighbourUnresolved:
                return UdpSendResult.Unreachable;

            default:
                return UdpSendResult.QueueFull;
        }
    }

    /// <summary>Whether the way to an address begins with a link that cuts super-segments, and each datagram fits the path.</summary>
    private bool FitsCut(UdpEndpoint endpoint, InetAddress remoteAddress, int segmentSize)
    {
        if (!_transmitter.Routes.TryFind(endpoint.Flow.Tuple.LocalAddress, remoteAddress, out var networkInterface, out _))
        {
            return false;
        }

        var options = networkInterface.Options;
        int length = IpHeader.Length(remoteAddress) + UdpHeader.Length + segmentSize;
        return options is { Uso: true, ChecksumOffload: true } && length <= Math.Min(endpoint.PathMtu, options.Mtu);
    }

    /// <summary>A datagram went by; the timer is looked at only when it fires.</summary>
    public void Touch(Instant now, UdpEndpoint endpoint)
    {
        endpoint.LastActivity = now;
        if (endpoint.Deadline == Instant.Never && endpoint.Phase == EndpointPhase.Active)
        {
            Schedule(endpoint);
        }
    }

    /// <summary>Sets the timer anew. Endpoints of the node's own addresses do not age.</summary>
    public void Schedule(UdpEndpoint endpoint) =>
        _table.Timers.Set(endpoint, endpoint.Service is null ? Instant.Never : NextDeadline(endpoint));

    public void OnDeadline(Instant now, UdpEndpoint endpoint)
    {
        if (endpoint.Phase != EndpointPhase.Active)
        {
            return;
        }

        var due = NextDeadline(endpoint);
        if (due > now)
        {
            _table.Timers.Set(endpoint, due);
            return;
        }

        if (endpoint.Application is null && endpoint.LastActivity + _options.Limits.UdpIdleTimeout > now)
        {
            _options.Drops.Count(DropReason.UnattachedTooLong);
            _table.Raise(endpoint, EndpointEvents.UnattachedTooLong);
        }

        Finish(endpoint);
    }

    /// <summary>Takes an endpoint out of the tables and says so; what nobody has read is lost.</summary>
    public void Finish(UdpEndpoint endpoint)
    {
        endpoint.Clear();
        _table.Remove(endpoint);
        _table.Raise(endpoint, EndpointEvents.Closed);
    }

    /// <summary>
    /// An error about a datagram of the endpoint (RFC 1122 §4.1.3.3): told to its holder. An unconnected endpoint's path
    /// MTU is not changed by it, since it belongs to one of many remote ends.
    /// </summary>
    public void OnIcmpError(Instant now, UdpEndpoint endpoint, in IcmpMessage message, in IpPacket quoted)
    {
        if (message.ErrorKind == IcmpErrorKind.None)
        {
            Drop(DropReason.IcmpIgnored);
            return;
        }

        endpoint.SetError(message.ErrorKind, quoted.Destination, quoted.DestinationPort);
        _table.Raise(endpoint, EndpointEvents.Error);
        if (message.ErrorKind == IcmpErrorKind.PacketTooBig && endpoint.IsConnected)
        {
            endpoint.PathMtu = PathMtu.Lower(endpoint.PathMtu, message.NextHopMtu);
        }
    }

    private Instant NextDeadline(UdpEndpoint endpoint)
    {
        var idle = endpoint.LastActivity + _options.Limits.UdpIdleTimeout;
        return endpoint.Application is null
            ? Instant.Min(idle, endpoint.UnattachedSince + _options.Limits.UnattachedTimeout)
            : idle;
    }

    private DropReason Drop(DropReason reason)
    {
        _options.Drops.Count(reason);
        return reason;
    }
}
