using Baton.Engine;
using Baton.Stack;
using Baton.Tcp;
using Baton.Wire;

namespace Baton.Simulation;

/// <summary>One endpoint at one node, from step to step.</summary>
internal sealed class EndpointWatch(SimulationRun run, FarmNode node, Endpoint endpoint, SimulatedFlow flow)
{
    // The lan may have to be asked for the owner's link address; a question that is lost is repeated, three are asked.
    private static readonly TimeSpan s_neighbourAsked = TimeSpan.FromMilliseconds(600);

    private readonly ulong _incarnation = node.Incarnation;
    private EndpointPhase? _phase;
    private Epoch _epoch;
    private bool _suspended;
    private int _thaws;
    private SeqNum? _unacknowledged;
    private int _held;
    private long _heldTotal;
    private long _forwarded;
    private int _toForward;
    private bool _installed;
    private bool _halfOpen;
    private Instant? _leftAt;

    /// <summary>A frozen copy that has left the tables: what it held and its image does not contain was forwarded.</summary>
    /// <returns>Whether the endpoint is one no more.</returns>
    public bool IsGone()
    {
        if (!node.IsUp || node.Incarnation != _incarnation)
        {
            return true;
        }

        if (endpoint.Phase == EndpointPhase.Frozen)
        {
            return false;
        }

        if (_leftAt is null)
        {
            if (endpoint.Phase != EndpointPhase.Closed || !run.TryFindEntry(flow.Flow, out var entry) || entry.Owner == node.Id)
            {
                return true;
            }

            _leftAt = run.Now;
        }

        if (!node.LanLink.IsPluggedIn || flow.MayBeLost || flow.Watch.Forwarded - _forwarded >= _toForward)
        {
            return true;
        }

        if (run.Now - _leftAt.Value > s_neighbourAsked)
        {
            run.Fail($"{endpoint}: node {node.Name} held {_toForward} packets and forwarded {flow.Watch.Forwarded - _forwarded}.");
        }

        return false;
    }

    /// <summary>
    /// Whether its handshake is complete, or it is none any more. One that is half open cannot be frozen and ends with its home's
    /// lease: its client, to whom nothing has been acknowledged, is reset.
    /// </summary>
    public bool IsHalfOpenNoMore()
    {
        if (endpoint is TcpEndpoint { Phase: EndpointPhase.Active, Connection.State: TcpState.SynReceived })
        {
            _halfOpen = true;
            return false;
        }

        if (_halfOpen && endpoint.Phase == EndpointPhase.Closed && node.IsUp && node.Incarnation == _incarnation)
        {
            flow.Watch.OnHalfOpenEnded(endpoint);
            flow.MayBeLost |= !node.ShardOf(flow.Flow).MaySpeakFor(flow.Flow);
        }

        return true;
    }

    /// <summary>After a step in which the node ran.</summary>
    /// <returns>Whether the endpoint was frozen in it.</returns>
    public bool Check()
    {
        var phase = endpoint.Phase;
        if (endpoint.Epoch < _epoch)
        {
            run.Fail($"{endpoint}: the epoch goes back from {_epoch} at node {node.Name}.");
        }

        // In another epoch, for another reason, or after it was thawed it was awake in between, if only for as long as it takes to be
        // silent for want of a lease.
        bool suspended = EndpointRecord.Of(endpoint) is { IsSuspended: true };
        bool changed = phase != _phase || endpoint.Epoch != _epoch || suspended != _suspended || flow.Watch.Thaws != _thaws;
        (_suspended, _thaws) = (suspended, flow.Watch.Thaws);
        _epoch = endpoint.Epoch;
        if (changed)
        {
            run.Trace?.WriteLine($"{run.Now} {node.Name} {endpoint} {(endpoint as TcpEndpoint)?.Connection?.State} {(endpoint as TcpEndpoint)?.Connection?.Statistics}");
            OnPhase(phase);
            _phase = phase;
        }

        if (phase == EndpointPhase.Active)
        {
            if (endpoint is TcpEndpoint tcp)
            {
                CheckConnection(tcp, tcp.Connection!);
            }
        }
        else if (phase is EndpointPhase.Frozen or EndpointPhase.Embryo)
        {
            CheckHeld(changed);
        }

        return changed && phase == EndpointPhase.Frozen;
    }

    private void OnPhase(EndpointPhase phase)
    {
        var watch = flow.Watch;
        if (_phase is null && phase is EndpointPhase.Active or EndpointPhase.Frozen && EndpointRecord.Of(endpoint) is { From.Value: 0 })
        {
            // It may have been handed off in the step that made it.
            watch.OnCreated(node, endpoint);
        }

        switch (phase)
        {
            case EndpointPhase.Active when endpoint is TcpEndpoint { IsResidue: false, Connection.State: TcpState.TimeWait } && run.IsLeftToHome(flow.Flow):
                break;

            case EndpointPhase.Active:
                bool isLeft = endpoint is TcpEndpoint { IsResidue: true } && watch.Active is TcpEndpoint { Connection.State: TcpState.TimeWait };
                if (!isLeft && watch.Active is { Phase: EndpointPhase.Active } other && !ReferenceEquals(other, endpoint))
                {
                    run.Fail($"{flow.Flow}: active at node {node.Name} and elsewhere: {other}.");
                }

                if (run.TryFindEntry(flow.Flow, out var entry))
                {
                    watch.OnEntry(entry.Owner, entry.Epoch);
                    if (entry.Owner != node.Id)
                    {
                        run.Fail($"{flow.Flow}: active at node {node.Name}, but the directory names node {entry.Owner} in epoch {entry.Epoch}.");
                    }
                }

                watch.OnActive(node, endpoint);
                break;

            case EndpointPhase.Frozen when !node.ShardOf(flow.Flow).MaySpeakFor(flow.Flow):
                run.Totals.Count(Total.Suspended);
                break;

            case EndpointPhase.Frozen:
                watch.Frozen = endpoint;
                CountFrozen();
                break;
        }
    }

    private void CheckConnection(TcpEndpoint tcp, TcpConnection connection)
    {
        if (!connection.IsSynchronized)
        {
            return;
        }

        var sequence = connection.Sequence;
        if (_unacknowledged is { } before && sequence.SndUna < before)
        {
            run.Fail($"{endpoint}: SND.UNA goes back from {before} to {sequence.SndUna}.");
        }

        _unacknowledged = sequence.SndUna;
        if (flow.Watch.Acknowledged is { } acknowledged && sequence.RcvNxt < acknowledged)
        {
            run.Fail($"{endpoint}: RCV.NXT is {sequence.RcvNxt}, but {acknowledged} was acknowledged.");
        }

        int queued = connection.Sender.Queue.Length;
        bool outstanding = queued > 0 || sequence.SndUna != sequence.SndNxt;
        if (outstanding
            && !tcp.IsParked
            && !tcp.IsQueuedToEmit
            && (connection.NextDeadline == Instant.Never || tcp.Deadline > connection.NextDeadline))
        {
            run.Fail($"{endpoint}: {queued} bytes are not acknowledged, and no timer runs ({connection.State}, {connection.Statistics}).");
        }

        if (flow is StreamFlow { Application: { Attachment.IsOpen: true } application } && application.Attachment.Id == endpoint.Id)
        {
            CheckApplication(application, connection, sequence, queued);
        }
    }

    /// <summary>What the client was acknowledged is with the application or in the queue, and what it wrote is sent or queued.</summary>
    private void CheckApplication(StreamApplication application, TcpConnection connection, SequenceGroup sequence, int queued)
    {
        bool remoteClosed = connection.State is TcpState.CloseWait or TcpState.LastAck or TcpState.Closing or TcpState.TimeWait;
        long received = (uint)(sequence.RcvNxt - sequence.Irs) - 1 - (remoteClosed ? 1 : 0);
        long accounted = application.Received + application.Attachment!.ReadableBytes;
        if (received != accounted)
        {
            run.Fail($"{endpoint}: {received} bytes were acknowledged, but {application.Received} are read and {accounted - application.Received} readable.");
        }

        if (connection.State is TcpState.Established or TcpState.CloseWait)
        {
            long written = (uint)(sequence.SndUna - sequence.Iss) - 1 + queued;
            if (written != application.Sent)
            {
                run.Fail($"{endpoint}: the application wrote {application.Sent} bytes, of which {written} are acknowledged or queued.");
            }
        }
    }

    /// <summary>What is held stays so until the outcome.</summary>
    private void CheckHeld(bool first)
    {
        var held = endpoint.Held;
        if (!first && held.Count - _held != held.Total - _heldTotal)
        {
            run.Fail($"{endpoint}: node {node.Name} held {_held} packets, took {held.Total - _heldTotal} more, and holds {held.Count}.");
        }

        if (endpoint.Phase == EndpointPhase.Frozen)
        {
            (_toForward, _forwarded) = (held.Count - held.InImage, flow.Watch.Forwarded);
        }
        else if (endpoint.IsInstalled && !_installed)
        {
            _installed = true;
            if (flow.Watch.Frozen is { Phase: EndpointPhase.Frozen } source && held.Total < source.Held.InImage)
            {
                run.Fail($"{endpoint}: {source.Held.InImage} held packets came with the image, but node {node.Name} has {held.Total}.");
            }
        }

        run.Totals.Count(Total.PacketsHeld, first ? held.Count : held.Total - _heldTotal);
        (_held, _heldTotal) = (held.Count, held.Total);
    }

    private void CountFrozen()
    {
        if ((endpoint as TcpEndpoint)?.Connection is not { } connection)
        {
            return;
        }

        var statistics = connection.Statistics;
        run.Totals.Count(Total.ZeroWindowAtFreeze, statistics.SendWindow == 0 ? 1 : 0);
        run.Totals.Count(Total.HalfClosedAtFreeze, connection.State is TcpState.CloseWait or TcpState.FinWait1 or TcpState.FinWait2 ? 1 : 0);
        run.Totals.Count(Total.ClosingAtFreeze, flow is StreamFlow { FarmHasClosed: true } ? 1 : 0);
        run.Totals.Count(Total.OutOfOrderAtFreeze, statistics.OutOfOrderBytes > 0 ? 1 : 0);
        run.Totals.Count(Total.UnacknowledgedAtFreeze, statistics.BytesInFlight > 0 ? 1 : 0);
    }
}
