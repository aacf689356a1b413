using Baton.Stack;
using Baton.Tcp;
using Baton.Wire;

namespace Baton.Simulation;

/// <summary>What the front has seen of one flow, held against what may not happen.</summary>
internal sealed class FlowWatch(SimulationRun run, Flow flow)
{
    // From here on a UDP endpoint does not end for want of traffic within a run.
    private static readonly TimeSpan s_longIdle = TimeSpan.FromSeconds(20);

    private SeqNum? _farmEnd;
    private SeqNum? _clientEnd;
    private SeqNum? _edge;
    private uint? _timestamp;
    private int _scale;
    private NodeId _owner;
    private Epoch _epoch;
    private int _crashes;
    private FarmNode? _activeAt;
    private Epoch _activeEpoch;
    private (FarmNode Node, ulong Incarnation)[] _knew = [];

    /// <summary>The highest acknowledgment that the client was sent.</summary>
    public SeqNum? Acknowledged { get; private set; }

    /// <summary>The endpoint that was active last.</summary>
    public Endpoint? Active { get; set; }

    /// <summary>The frozen copy, while there is one.</summary>
    public Endpoint? Frozen { get; set; }

    /// <summary>Packets that nodes have encapsulated for the flow's owner.</summary>
    public long Forwarded { get; set; }

    /// <summary>How often the protocol let a frozen copy go on.</summary>
    public int Thaws { get; set; }

    /// <summary>Handoffs that have taken the flow to another node.</summary>
    public int Moves { get; set; }

    /// <summary>A TCP segment of the farm, as it leaves a node.</summary>
    public void OnFarmSegment(FarmNode node, in TcpHeader header, int length)
    {
        bool mayBeLost = run.FlowOf(flow)!.MayBeLost;

        // The home itself answers for a flow that it has given up, whatever embryo it has of a handoff that came to nothing.
        bool isGivenUp = mayBeLost && header.Has(TcpFlags.Rst) && run.HomeOf(run.FlowOf(flow)!) == node && !run.TryFindEntry(flow, out _);
        if (!isGivenUp)
        {
            CheckEmitter(node);
        }

        if (header.Has(TcpFlags.Rst))
        {
            // Once the connection has ended in order, what is late or a copy is answered as RFC 9293 §3.10.7.1 wants.
            // A held packet may have ended it in the step in which it arrived.
            if (!mayBeLost && !HasEndedInOrder(Active) && !HasEndedInOrder(node.Find(flow)))
            {
                run.Fail($"{flow}: node {node.Name} sends RST ({Active}, {(Active as TcpEndpoint)?.Connection?.CloseReason}).");
            }

            return;
        }

        if (header.Has(TcpFlags.Syn))
        {
            if (mayBeLost)
            {
                // The endpoint of the first SYN was lost before the client had heard of it.
                (_farmEnd, _edge, _timestamp, Acknowledged) = (null, null, null, null);
            }

            _scale = header.Options.WindowScale ?? 0;
        }

        if (header.Has(TcpFlags.Ack))
        {
            if (Acknowledged is { } before && header.Acknowledgment < before)
            {
                run.Fail($"{flow}: node {node.Name} acknowledges {header.Acknowledgment} after {before}.");
            }

            Acknowledged = header.Acknowledgment;
            OnEdge(node, in header);
        }

        if (header.Options.HasTimestamps)
        {
            uint value = header.Options.TimestampValue;

            // A residue's clock is as late as its message: its client drops the ACK then (RFC 7323 §5.3), and repeats its FIN.
            if (_timestamp is { } before && (int)(value - before) < 0 && !run.IsLeftToHome(flow))
            {
                run.Fail($"{flow}: TSval at node {node.Name} goes back from {before} to {value}.");
            }

            _timestamp = value;
        }

        CountRepeated(ref _farmEnd, in header, length);
    }

    /// <summary>A TCP segment of the client.</summary>
    public void OnClientSegment(in TcpHeader header, int length)
    {
        // A client never acknowledges what it was not sent.
        if (header.Has(TcpFlags.Ack) && !header.Has(TcpFlags.Rst) && _farmEnd is { } end && header.Acknowledgment > end)
        {
            run.Fail($"{flow}: the client acknowledges {header.Acknowledgment}, beyond {end}.");
        }

        CountRepeated(ref _clientEnd, in header, length);
    }

    /// <summary>The directory's entry: each ownership has an epoch of its own, higher than all before.</summary>
    public void OnEntry(NodeId owner, Epoch epoch)
    {
        if (owner == _owner && epoch == _epoch)
        {
            return;
        }

        // What a home had decided and nobody heard may be decided anew once it has been lost; who was active counts.
        bool knowsBefore = _crashes == run.Crashes;
        _crashes = run.Crashes;
        if (epoch <= _epoch && knowsBefore)
        {
            run.Fail($"{flow}: the directory goes from node {_owner} in epoch {_epoch} to node {owner} in epoch {epoch}.");
        }

        (_owner, _epoch) = (owner, epoch);
    }

    /// <summary>An endpoint has become active, or goes on.</summary>
    public void OnActive(FarmNode node, Endpoint endpoint)
    {
        // Once the owner and its home have both been started anew, nobody knows of that ownership any more: an owner that was
        // cut off since before it, and listed to the new home, is as good as any.
        bool isForgotten = _knew.Length > 0 && Array.TrueForAll(_knew, each => !each.Node.IsUp || each.Node.Incarnation != each.Incarnation);
        if (!isForgotten && (endpoint.Epoch < _activeEpoch || (endpoint.Epoch == _activeEpoch && node != _activeAt)))
        {
            run.Fail($"{flow}: active at node {node.Name} in epoch {endpoint.Epoch}, and was at node {_activeAt?.Name} in epoch {_activeEpoch}.");
        }

        (_activeAt, _activeEpoch) = (node, endpoint.Epoch);
        _knew = [(node, node.Incarnation), .. run.ServingNode(flow.Tuple.LocalAddress) is { } home ? [(home, home.Incarnation)] : Array.Empty<(FarmNode, ulong)>()];
        Active = endpoint;
        Frozen = null;
    }

    /// <summary>A node was killed.</summary>
    public void OnCrash(FarmNode node)
    {
        Active = _activeAt == node ? null : Active;
        Frozen = Frozen is not null && ReferenceEquals(node.Find(flow), Frozen) ? null : Frozen;
    }

    /// <summary>A client's first packet has made an endpoint: the first, or one in the place of what was lost.</summary>
    public void OnCreated(FarmNode node, Endpoint endpoint)
    {
        if (_activeEpoch != default && run.FlowOf(flow) is { MayBeLost: false, Flow.Protocol: IpProtocol.Udp } && node.Shard.Options.Limits.DatagramIdle > s_longIdle)
        {
            run.Fail($"{endpoint}: made at node {node.Name}, though it was at node {_activeAt?.Name} and was not lost.");
        }

        (_owner, _epoch, _activeAt, _activeEpoch) = (default, default, null, default);
    }

    /// <summary>An endpoint that was half open has ended: all that it has acknowledged is a SYN, and the next one makes another.</summary>
    public void OnHalfOpenEnded(Endpoint endpoint)
    {
        if (ReferenceEquals(Active, endpoint))
        {
            (_owner, _epoch, _activeAt, _activeEpoch) = (default, default, null, default);
        }
    }

    private static bool HasEndedInOrder(Endpoint? endpoint) => endpoint is TcpEndpoint { Connection.CloseReason: TcpCloseReason.Normal };

    /// <summary>Who sends is the owner, and its endpoint is active.</summary>
    private void CheckEmitter(FarmNode node)
    {
        if (run.TryFindEntry(flow, out var entry))
        {
            OnEntry(entry.Owner, entry.Epoch);
            bool isLeft = node.Find(flow) is TcpEndpoint { Connection.State: TcpState.TimeWait } && run.IsLeftToHome(flow);
            if (entry.Owner != node.Id && !isLeft)
            {
                run.Fail($"{flow}: node {node.Name} emits, but the owner is {entry.Owner} in epoch {entry.Epoch}.");
            }
        }

        if (node.Find(flow) is { Phase: EndpointPhase.Frozen or EndpointPhase.Embryo } endpoint)
        {
            run.Fail($"{flow}: node {node.Name} emits from {endpoint.Phase}.");
        }
    }

    private void OnEdge(FarmNode node, in TcpHeader header)
    {
        // RFC 7323 §2.4: the scaled field cannot say every edge; what it rounds off is less than one granule.
        int scale = header.Has(TcpFlags.Syn) ? 0 : _scale;
        var edge = header.Acknowledgment + ((uint)header.Window << scale);
        if (_edge is { } before && edge + ((1u << scale) - 1) < before)
        {
            run.Fail($"{flow}: node {node.Name} takes the right edge back from {before} to {edge}.");
        }

        _edge = _edge is { } known ? SeqNum.Max(known, edge) : edge;
    }

    private void CountRepeated(ref SeqNum? end, in TcpHeader header, int length)
    {
        bool takesSpace = header.Has(TcpFlags.Syn) || header.Has(TcpFlags.Fin);
        var last = header.Sequence + length + (takesSpace ? 1 : 0);
        if (end is null || last > end)
        {
            end = last;
        }
        else if (length > 0)
        {
            run.Totals.Count(Frozen is not null ? Total.RetransmittedDuring : Moves > 0 ? Total.RetransmittedAfter : Total.RetransmittedBefore);
        }
    }
}
