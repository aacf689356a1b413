using Baton.Tcp;
using Baton.Wire;

namespace Baton.Stack;

/// <summary>Drives TCP connections: gives them their segments and deadlines, and passes on what follows from it.</summary>
internal sealed class TcpDriver
{
    private readonly StackOptions _options;
    private readonly EndpointTable _table;
    private readonly TcpEmitter _emitter;
    private readonly ResetSender _resets;
    private readonly ResetSender _hostResets;
    private readonly FastOpenCache _servers;

    public TcpDriver(StackOptions options, EndpointTable table, TcpEmitter emitter, ResetSender resets, ResetSender hostResets, FastOpenCache servers)
    {
        _servers = servers;
        _options = options;
        _table = table;
        _emitter = emitter;
        _resets = resets;
        _hostResets = hostResets;
    }

    /// <summary>Reads and verifies a segment.</summary>
    public static DropReason Parse(
        in IpPacket packet, ReadOnlySpan<byte> segment, FrameOffload offload, out TcpHeader header, out int headerLength)
    {
        var reason = TcpHeader.TryParse(segment, out header, out headerLength);
        if (reason != DropReason.None)
        {
            return reason;
        }

        return offload.Checksum != ChecksumState.Complete || TcpChecksum.Verify(packet, segment)
            ? DropReason.None
            : DropReason.TcpBadChecksum;
    }

    /// <summary>Gives one segment to an active endpoint.</summary>
    public DropReason Deliver(Instant now, TcpEndpoint endpoint, in IpPacket packet, ReadOnlySpan<byte> bytes, FrameOffload offload)
    {
        var segment = packet.Payload(bytes);
        var reason = Parse(packet, segment, offload, out var header, out int headerLength);
        if (reason != DropReason.None)
        {
            return Drop(reason);
        }

        var disposition = endpoint.Connection!.OnSegment(now, header, segment[headerLength..], (byte)(packet.TrafficClass & 3));
        AfterCall(endpoint, now);
        switch (disposition)
        {
            case TcpDisposition.Reopen:
                Finish(endpoint);
                return DropReason.TcpReopen;

            case TcpDisposition.NoConnection:
                var resets = endpoint.Service is null ? _hostResets : _resets;
                return resets.Answer(now, packet, header, segment.Length - headerLength);

            case TcpDisposition.Ignored or TcpDisposition.RateLimited or TcpDisposition.NoRoom:
                return Drop(DropReason.TcpUnacceptable);

            case TcpDisposition.NoMemory:
                return Drop(DropReason.TcpNoMemory);

            default:
                return DropReason.None;
        }
    }

    /// <summary>After any input: what happened is told, what is due will be sent.</summary>
    public void AfterCall(TcpEndpoint endpoint, Instant now)
    {
        if (endpoint.Phase == EndpointPhase.Active)
        {
            Collect(endpoint, now);
            _table.CountLoad(endpoint);
            _emitter.Mark(endpoint);
        }
    }

    /// <summary>After the last emission: the next deadline is set, and a connection that is closed leaves.</summary>
    public void Settle(TcpEndpoint endpoint, Instant now)
    {
        Collect(endpoint, now);
        if (endpoint.Connection!.State == TcpState.Closed && !endpoint.IsParked)
        {
            Finish(endpoint);
            return;
        }

        _table.Timers.Set(endpoint, Instant.Min(endpoint.Connection.NextDeadline, UnattachedDeadline(endpoint)));
    }

    public void OnDeadline(Instant now, TcpEndpoint endpoint)
    {
        if (endpoint.Phase != EndpointPhase.Active)
        {
            return;
        }

        if (UnattachedDeadline(endpoint) <= now)
        {
            _options.Drops.Count(DropReason.UnattachedTooLong);
            _table.Raise(endpoint, EndpointEvents.UnattachedTooLong);
            endpoint.Connection!.Abort(now);
        }
        else if (endpoint.Connection!.NextDeadline <= now)
        {
            endpoint.Connection.OnDeadline(now);
        }

        AfterCall(endpoint, now);
    }

    /// <summary>Takes an endpoint out of the tables and says so.</summary>
    public void Finish(TcpEndpoint endpoint)
    {
        switch (endpoint.Connection!.CloseReason)
        {
            case TcpCloseReason.UserTimeout:
                Drop(DropReason.TcpUserTimeout);
                break;
            case TcpCloseReason.StalledAfterClose:
                Drop(DropReason.TcpStalledAfterClose);
                break;
            case TcpCloseReason.LingerExpired:
                Drop(DropReason.TcpLingerExpired);
                break;
        }

        endpoint.Listener?.Leave(endpoint);
        _table.Remove(endpoint);
        _table.Raise(endpoint, EndpointEvents.Closed);
    }

    public void OnIcmpError(Instant now, TcpEndpoint endpoint, in IcmpMessage message, ReadOnlySpan<byte> quotedTransport)
    {
        // RFC 5927 §4.1: the connection ignores an error whose quoted sequence number is not in flight.
        var sequence = new SeqNum(System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(quotedTransport[4..]));
        var connection = endpoint.Connection!;
        switch (message.ErrorKind)
        {
            case IcmpErrorKind.PacketTooBig:
                connection.OnPathMtu(now, (int)message.NextHopMtu, sequence);
                break;

            case IcmpErrorKind.PortUnreachable or IcmpErrorKind.ProtocolUnreachable or IcmpErrorKind.Prohibited:
                connection.OnIcmpError(now, TcpIcmpError.Prohibited, sequence);
                break;

            case IcmpErrorKind.Unreachable or IcmpErrorKind.TimeExceeded:
                connection.OnIcmpError(now, TcpIcmpError.Unreachable, sequence);
                break;

            default:
                Drop(DropReason.IcmpIgnored);
                return;
        }

        AfterCall(endpoint, now);
    }

    /// <summary>When an endpoint without application is reset. One that is closing ends by its connection's own timers.</summary>
    private Instant UnattachedDeadline(TcpEndpoint endpoint)
    {
        bool waits = endpoint is { Service: not null, Application: null }
            && endpoint.Connection!.State is TcpState.SynReceived or TcpState.Established or TcpState.CloseWait;
        return waits ? endpoint.UnattachedSince + _options.Limits.UnattachedTimeout : Instant.Never;
    }

    private void Collect(TcpEndpoint endpoint, Instant now)
    {
        // The values are the same by construction; Closed is told when the endpoint has left.
        var events = (EndpointEvents)endpoint.Connection!.TakeEvents() & ~EndpointEvents.Closed;
        if ((events & EndpointEvents.Established) != 0)
        {
            _table.CountHalfOpen(endpoint);
            endpoint.Listener?.OnEstablished(endpoint);
            if (endpoint.Connection.FastOpenOutcome != FastOpenOutcome.None && !endpoint.Connection.OpenedFast)
            {
                _servers.OnEstablished(now, endpoint.Connection);
            }
        }

        _table.Raise(endpoint, events);
    }

    private DropReason Drop(DropReason reason)
    {
        _options.Drops.Count(reason);
        return reason;
    }
}
