using Baton.Tcp;
using Baton.Wire;

namespace Baton.Stack;

/// <summary>
/// The TCP endpoints that may have something to send, in turn: one segment or super-segment each, so that none starves
/// the others. A segment is made only when its next hop is known; until then its bytes stay in the connection.
/// </summary>
internal sealed class TcpEmitter
{
    // The longest packet less the longest headers: what a super-segment may carry, over either family.
    private const int MaxSuperSegment = ushort.MaxValue - Ipv6Header.Length - TcpHeader.MaxLength;

    private readonly Transmitter _transmitter;
    private readonly DropCounters _drops;
    private readonly Queue<TcpEndpoint> _queue = new();

    public TcpEmitter(Transmitter transmitter, DropCounters drops)
    {
        _transmitter = transmitter;
        _drops = drops;
    }

    public bool HasWork => _queue.Count > 0;

    /// <summary>The endpoint may have something to send.</summary>
    public void Mark(TcpEndpoint endpoint)
    {
        if (!endpoint.IsQueuedToEmit && !endpoint.IsParked && endpoint.Phase == EndpointPhase.Active)
        {
            endpoint.IsQueuedToEmit = true;
            _queue.Enqueue(endpoint);
        }
    }

    /// <summary>Takes the endpoint whose turn it is; frozen and removed ones fall out here, so that they never emit.</summary>
    public bool TryNext(out TcpEndpoint endpoint)
    {
        while (_queue.TryDequeue(out endpoint!))
        {
            endpoint.IsQueuedToEmit = false;
            if (endpoint.Phase == EndpointPhase.Active)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether the endpoint's next hop is known; if not it is asked for, and the endpoint parked until the answer.</summary>
    public bool TryRoute(Instant now, TcpEndpoint endpoint, out Neighbour? neighbour)
    {
        neighbour = endpoint.NextHop;
        if (neighbour is not null && neighbour.IsSettled(now))
        {
            return true;
        }

        neighbour = null;
        var tuple = endpoint.Flow.Tuple;
        if (_transmitter.Routes.TryFind(tuple.LocalAddress, tuple.RemoteAddress, out var networkInterface, out var nextHop))
        {
            neighbour = networkInterface.Neighbours.Find(now, nextHop);
        }

        endpoint.NextHop = neighbour;
        if (neighbour is { State: NeighbourState.Incomplete })
        {
            endpoint.IsParked = true;
            neighbour.Parked.Add(endpoint);
            return false;
        }

        return true;
    }

    /// <summary>
    /// Makes one frame of the endpoint; false when it has nothing to send now. Towards a neighbour that does not answer
    /// the frame is lost here, as it would be on the link, and the connection's timers see to the rest.
    /// </summary>
    public bool TryEmit(Instant now, TcpEndpoint endpoint, Neighbour? neighbour, Span<byte> scratch, out OutgoingFrame frame)
    {
        frame = default;
        bool tso = neighbour?.Interface.Options.Tso ?? false;
        int limit = tso ? MaxSuperSegment : 0; // 0: no more than one segment, whatever the peer's MSS.
        while (endpoint.Connection!.TryEmit(now, limit, out var emission))
        {
            if (neighbour is not { IsUsable: true })
            {
                _drops.Count(DropReason.NeighbourUnresolved);
                continue;
            }

            frame = Build(endpoint, neighbour, emission, scratch);
            return true;
        }

        return false;
    }

    private static OutgoingFrame Build(TcpEndpoint endpoint, Neighbour neighbour, scoped in TcpEmission emission, Span<byte> scratch)
    {
        var tuple = endpoint.Connection!.Tuple;
        var options = neighbour.Interface.Options;
        int headerLength = emission.Header.Length;
        int segmentLength = headerLength + emission.PayloadLength;
        Transmitter.WriteLinkHeader(scratch, neighbour);

        // DF is set on all of TCP, so that path MTU discovery works (RFC 1191) and the packet is atomic (RFC 6864 §4.1).
        int headersEnd = EthernetHeader.Length + IpHeader.Write(
            scratch[EthernetHeader.Length..],
            tuple.LocalAddress,
            tuple.RemoteAddress,
            IpProtocol.Tcp,
            segmentLength,
            (byte)(endpoint.TrafficClass | emission.Ecn),
            endpoint.HopLimit,
            flowLabel: endpoint.FlowLabel);
        var header = scratch.Slice(headersEnd, headerLength);
        emission.Header.Write(header);
        var offload = FrameOffload.None;
        if (options.ChecksumOffload)
        {
            TcpChecksum.Write(header, TcpChecksum.Partial(tuple.LocalAddress, tuple.RemoteAddress, segmentLength));
            var gso = emission.SegmentSize == 0 ? GsoType.None : tuple.RemoteAddress.IsV4 ? GsoType.TcpV4 : GsoType.TcpV6;
            offload = new FrameOffload(ChecksumState.Partial, gso, emission.SegmentSize);
        }
        else
        {
            TcpChecksum.Write(
                header, TcpChecksum.Compute(tuple.LocalAddress, tuple.RemoteAddress, header, emission.Payload, emission.MorePayload));
        }

        return new OutgoingFrame(
            neighbour.Interface.Id,
            offload,
            scratch[..(headersEnd + headerLength)],
            emission.Payload,
            emission.MorePayload);
    }
}
