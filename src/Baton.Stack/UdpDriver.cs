using Baton.Wire;

namespace Baton.Stack;

/// <summary>Drives UDP endpoints: receive queues, sending, idle time.</summary>
internal sealed class UdpDriver
{
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
            ? Receive(now, endpoint, packet.Source, header.SourcePort, payload)
            : Drop(reason);
    }

    /// <summary>Queues a payload that has been verified.</summary>
    public DropReason Receive(Instant now, UdpEndpoint endpoint, InetAddress source, ushort port, ReadOnlySpan<byte> payload)
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

    public UdpSendResult Send(Instant now, UdpEndpoint endpoint, ReadOnlySpan<byte> payload, InetAddress remoteAddress, ushort remotePort)
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
        bool fits = headerLength + datagramLength <= mtu;
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
        UdpChecksum.Write(datagram, UdpChecksum.Compute(source, remoteAddress, datagram));

        Touch(now, endpoint);
        switch (_transmitter.Send(now, buffer, remoteAddress, mtu))
        {
            case DropReason.None:
                endpoint.Out = (endpoint.Out.Packets + 1, endpoint.Out.Bytes + payload.Length);
                return UdpSendResult.Sent;

            case DropReason.NoRoute or DropReason.NeighbourUnresolved:
                return UdpSendResult.Unreachable;

            default:
                return UdpSendResult.QueueFull;
        }
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
