using System.Diagnostics.CodeAnalysis;
using Baton.Handoff;
using Baton.Stack;
using Baton.Tcp;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>
/// Joins the handoff protocol with stack, directory and channels: what the protocol wants done is routed in
/// <see cref="Route(HandoffOutput)"/>, one line each. No protocol decision stands here.
/// </summary>
internal sealed class HandoffRouter
{
    private const byte ApplicationOptional = 1;
    private const string AnyApplication = "*";

    // So much of a message that it takes the peer longer to receive it than this node to write the next.
    private const int LongPiece = 16 * 1024;

    private readonly Shard _shard;
    private readonly HandoffAgent _agent;
    private readonly Dictionary<HandoffId, RunningHandoff> _running = [];
    private readonly QueuesAhead _ahead;
    private readonly ResidueDesk _residues;
    private readonly Queue<EndedEndpoint> _closedLater = new();
    private HandoffOutput? _later;
    private bool _isAmid;
    private int _overruns;

    public HandoffRouter(Shard shard, HandoffLimits limits)
    {
        _shard = shard;
        _agent = new HandoffAgent(shard.Farm.Self.Id, limits);
        _ahead = new QueuesAhead(shard, _agent);
        _residues = new ResidueDesk(shard, _agent);
        Log = new HandoffLog(shard.Options.Limits.History);
    }

    /// <summary>What happened.</summary>
    public HandoffLog Log { get; }

    /// <summary>Called before each thing that the protocol wants done; null for nobody.</summary>
    public Action<HandoffOutput>? Observer { get; set; }

    /// <summary>Messages without effect.</summary>
    public DropCounters Drops => _agent.Drops;

    /// <summary>When <see cref="OnDeadline"/> is due.</summary>
    public Instant NextDeadline => _agent.NextDeadline;

    /// <summary>Handoffs under way.</summary>
    public int Running => _running.Count;

    private NodeId Self => _shard.Farm.Self.Id;

    private Instant Now => _shard.Now;

    /// <summary>An application hands its endpoint off; it is quiesced already.</summary>
    public void BeginAttached(Attachment attachment, HandOffRequest request, ReadOnlyMemory<byte> unread)
    {
        var record = EndpointRecord.Of(attachment.Endpoint);
        if (record is null)
        {
            attachment.Resume(new MoveResult(MoveOutcome.NotMovable, "the connection is not one of a service", null));
            return;
        }

        var carried = new CarriedState(unread, request.Context, Served: true, Closing: false);
        Begin(record, request.Target, request.Application ?? attachment.Facts.Application, carried, [], fresh: false, null);
    }

    /// <summary>The engine moves an endpoint that has no application, or whose application has closed it or does not mind.</summary>
    public void BeginByEngine(EndpointRecord record, string? target, bool fresh, Action<MoveResult>? onEnded)
    {
        // What its application has closed needs none at the target: the stack finishes it.
        bool closing = record.Stage == EndpointStage.Closing;
        var attachment = record.Attachment;
        var carried = closing ? new CarriedState(default, default, record.Served, Closing: true)
            : new CarriedState(attachment?.Quiesce() ?? record.Unread, record.Context, record.Served, Closing: false);
        string application = attachment?.Facts.Application ?? record.WantedApplication ?? record.Endpoint.Service!.ApplicationName ?? AnyApplication;
        byte[] options = closing || (attachment is null && !fresh) ? [ApplicationOptional] : [];
        Begin(record, target, application, carried, options, fresh, onEnded);
    }

    /// <summary>An application does not want its endpoint's handoff any more; the home has the last word.</summary>
    public void CallOff(Endpoint endpoint)
    {
        if (EndpointRecord.Of(endpoint)?.Running is { } running)
        {
            _agent.Cancel(Now, running.Id, HandoffReason.Cancelled);
        }
    }

    /// <summary>An endpoint of a service has ended: its handoff is given up, its home is told.</summary>
    public void OnEndpointClosed(EndpointRecord record, byte reason)
    {
        if (record.Running is { } running)
        {
            _agent.Cancel(Now, running.Id, HandoffReason.EndpointClosed);
        }

        var ended = new EndedEndpoint(record.Endpoint, reason);
        if (!TryTell(ended))
        {
            _closedLater.Enqueue(ended);
        }
    }

    /// <summary>An endpoint of a service may be in TIME-WAIT, with nobody who reads from it: then its home is to answer for it.</summary>
    public void OnTimeWait(EndpointRecord record) => _residues.Offer(record, HomeOf(record.Endpoint));

    /// <summary>Connections in TIME-WAIT that this node as home has taken from their owners.</summary>
    public long ResiduesTaken => _residues.Taken;

    public void OnMessage(NodeId from, ReadOnlySpan<byte> message) => _agent.OnMessage(Now, from, message);

    public void OnChannelUp(NodeId peer, ulong incarnation) => _agent.OnChannelUp(Now, peer, incarnation);

    public void OnChannelDown(NodeId peer) => _agent.OnChannelDown(Now, peer);

    public void OnMemberUnreachable(NodeId peer) => _agent.OnMemberUnreachable(Now, peer);

    public void OnHome(InetAddress address, NodeId home, bool serving) => _agent.OnHome(Now, address, home, serving);

    public void OnDeadline()
    {
        if (_agent.NextDeadline <= Now)
        {
            _agent.OnDeadline(Now);
        }

        while (_closedLater.TryPeek(out var ended) && TryTell(ended))
        {
            _closedLater.Dequeue();
        }
    }

    /// <summary>Does what the protocol wants done; true when it wants to go on once what was said has left.</summary>
    public bool RouteAll()
    {
        bool any = _isAmid, said = false;
        if (!_isAmid)
        {
            _ahead.Run();
        }

        _isAmid = true;
        while (TryTake(out var output))
        {
            if (said && output is (HandoffOutput.BecomeTombstone or HandoffOutput.Completed))
            {
                // Somebody waits for what was said, and nobody for this.
                _later = output;
                return true;
            }

            any = true;
            said |= output is HandoffOutput.Send;
            Observer?.Invoke(output);
            Route(output);
            if (output is HandoffOutput.Send { Chunk.Length: >= LongPiece })
            {
                // On its way before the next one is copied: its receiver is not to wait for all of them.
                return true;
            }
        }

        _isAmid = false;
        return any || _ahead.OnIdle();
    }

    private bool TryTake([NotNullWhen(true)] out HandoffOutput? output)
    {
        output = _later;
        _later = null;
        return output is not null || _agent.TryTakeOutput(out output);
    }

    /// <summary>Until an address has been claimed, its home is the configured one.</summary>
    private NodeId HomeOf(Endpoint endpoint) =>
        _shard.Node.HomeOf(endpoint.Flow.Tuple.LocalAddress) is { Value: not 0 } home ? home : endpoint.Service!.Home;

    private bool TryTell(EndedEndpoint ended)
    {
        var endpoint = ended.Endpoint;

        // The next home has the entry already, and does not know its own name yet.
        return !_shard.Node.IsYielding(endpoint.Flow.Tuple.LocalAddress)
            && _agent.OnEndpointClosed(Now, endpoint.Flow, HomeOf(endpoint), endpoint.Epoch, endpoint.Id, ended.Reason);
    }

    private void Route(HandoffOutput output)
    {
        switch (output)
        {
            case HandoffOutput.Send o: _shard.Node.Send(o.Peer, o.Message.Span, o.Chunk.Span); break;
            case HandoffOutput.Precopy o: _ahead.Send(o, _running.GetValueOrDefault(o.Handoff)); break;
            case HandoffOutput.Freeze o: Freeze(o); break;
            case HandoffOutput.Thaw o: Thaw(o); break;
            case HandoffOutput.BecomeTombstone o: BecomeTombstone(o); break;
            case HandoffOutput.CreateEmbryo o: CreateEmbryo(o); break;
            case HandoffOutput.Install o: Install(o); break;
            case HandoffOutput.Activate o: Activate(o); break;
            case HandoffOutput.Discard o: Discard(o); break;
            case HandoffOutput.AskSwap o when _shard.Node.Serves(o.Flow.Tuple.LocalAddress): _agent.OnSwapped(Now, o.Asker, o.Question, _shard.Flows.CompareAndSwap(o.Question)); break;
            case HandoffOutput.AskSwap: break; // Asked again when there is a home that decides.
            case HandoffOutput.RemoveEntry o: _shard.Flows.TryClose(o.Flow, o.Owner, o.Epoch, o.Endpoint); break;
            case HandoffOutput.WriteResidue o: _residues.Write(o); break;
            case HandoffOutput.TakeResidue o when _shard.Node.Serves(o.Flow.Tuple.LocalAddress): _residues.Take(o); break;
            case HandoffOutput.TakeResidue: break; // Told again when there is a home that decides.
            case HandoffOutput.DropResidue o: _residues.Drop(o); break;
            case HandoffOutput.Completed o: Completed(o); break;
            default: throw new InvalidOperationException($"No route for {output.GetType().Name}.");
        }
    }

    private void Begin(
        EndpointRecord record,
        string? targetName,
        string application,
        in CarriedState carried,
        byte[] options,
        bool fresh,
        Action<MoveResult>? onEnded)
    {
        var endpoint = record.Endpoint;
        var id = new HandoffId(_shard.Random.NextName());
        var refusal = Check(record, targetName, carried, out var target);
        var running = new RunningHandoff(id, record, target) { Carried = refusal is null ? carried.ToBytes() : [], OnEnded = onEnded };
        if (refusal is not null)
        {
            End(running, refusal);
            return;
        }

        record.Running = running;
        _running.Add(id, running);
        running.HeldBefore = endpoint.Held.Total;
        bool precopy = !fresh && endpoint is TcpEndpoint && EstimateImage(endpoint) > PrecopiedQueues.WorthWhile;
        var result = _agent.Begin(Now, new HandoffRequest
        {
            Id = id,
            Flow = endpoint.Flow,
            Endpoint = endpoint.Id,
            Epoch = endpoint.Epoch,
            Home = HomeOf(endpoint),
            Target = target,
            ApplicationName = application,
            Options = options,
            ExpectedStateBytes = EstimateImage(endpoint) + running.Carried.Length,
            Fresh = fresh,
            FreezeBudget = record.FreezeBudget(_shard.Options.HandoffBudget, _overruns),
            Precopy = precopy,
        });
        if (result != BeginResult.Started)
        {
            _running.Remove(id);
            End(running, new MoveResult(HandoffNames.OutcomeOf(result), HandoffNames.Describe(result), null));
            return;
        }

        if (precopy)
        {
            _ahead.Add(running);
        }
    }

    /// <summary>Why an endpoint cannot be handed off, or null.</summary>
    private MoveResult? Check(EndpointRecord record, string? name, in CarriedState carried, out NodeId target)
    {
        target = NodeId.None;
        var endpoint = record.Endpoint;
        if (record.Running is not null || endpoint.Phase != EndpointPhase.Active)
        {
            return new MoveResult(
                MoveOutcome.NotMovable, record.IsSuspended ? "its home cannot be reached" : "it is in a handoff already", null);
        }

        if (endpoint is TcpEndpoint { IsEstablished: false } or TcpEndpoint { Connection.State: TcpState.TimeWait or TcpState.Closed })
        {
            return new MoveResult(MoveOutcome.NotMovable, "it is not established", null);
        }

        if (carried.Length > _shard.Options.Limits.ContextBytes)
        {
            return new MoveResult(MoveOutcome.NotMovable, $"context and unread bytes are longer than {_shard.Options.Limits.ContextBytes} bytes", null);
        }

        if (name is not null)
        {
            if (!_shard.Farm.Members.TryFind(name, out var member))
            {
                return new MoveResult(MoveOutcome.NotFound, $"there is no node '{name}'", null);
            }

            target = member.Id;
        }
        else
        {
            target = _shard.Placer.SelectOther(endpoint);
        }

        return target == NodeId.None ? new MoveResult(MoveOutcome.Unreachable, "no other node takes connections", null)
            : target == Self ? new MoveResult(MoveOutcome.NotMovable, "it is at that node", null)
            : null;
    }

    private void Freeze(HandoffOutput.Freeze o)
    {
        if (!_running.TryGetValue(o.Handoff, out var running) || running.Record.Endpoint is not { Phase: EndpointPhase.Active or EndpointPhase.Frozen } endpoint)
        {
            _agent.OnFreezeFailed(Now, o.Handoff, HandoffReason.EndpointClosed);
            return;
        }

        if (endpoint.Phase == EndpointPhase.Active && !_shard.Stack.Freeze(Now, endpoint))
        {
            _agent.OnFreezeFailed(Now, o.Handoff, HandoffReason.FreezeFailed);
            return;
        }

        // Silent for want of a lease already: from here on only the handoff's end wakes it, whatever becomes of the lease.
        running.Record.IsSuspended = false;
        int precopied = o.PrecopiedBytes >= running.Precopied.Length ? running.Precopied.Length : 0;
        byte[] image = precopied > 0 && endpoint is TcpEndpoint tcp
            ? tcp.ToImage(Now, running.PrecopiedTo.Send, running.PrecopiedTo.Receive)
            : endpoint.ToImage(Now);
        running.ImageBytes = precopied + image.Length + running.Carried.Length;
        _agent.OnFrozen(Now, o.Handoff, new FrozenState { Image = image, Context = running.Carried, PrecopiedBytes = precopied });
    }

    private void Thaw(HandoffOutput.Thaw o)
    {
        // One that its home does not know any more ends with the handoff.
        if (_shard.Stack.Find(o.Endpoint) is { Phase: EndpointPhase.Frozen } endpoint && EndpointRecord.Of(endpoint) is not { IsGone: true })
        {
            _shard.Stack.Thaw(Now, endpoint, o.Epoch);
            _shard.HomeShare.OnAwake(endpoint);
        }
    }

    private void BecomeTombstone(HandoffOutput.BecomeTombstone o)
    {
        _shard.Tombstones.Add(Now, o.Endpoint, o.Owner, o.Reference);
        if (_shard.Stack.Find(o.Endpoint) is { } endpoint)
        {
            var reference = o.Reference;
            var owner = o.Owner;
            endpoint.TakeHeld((offload, packet) => _shard.Lan.ForwardHeld(packet, offload, in reference, owner));
            _shard.Stack.Remove(endpoint);
        }

        if (_running.TryGetValue(o.Handoff, out var running))
        {
            running.Epoch = o.Epoch;
        }
    }

    private void CreateEmbryo(HandoffOutput.CreateEmbryo o)
    {
        bool optional = o.Options.Length > 0 && (o.Options.Span[0] & ApplicationOptional) != 0;
        string? application = o.ApplicationName == AnyApplication ? null : o.ApplicationName;
        if (!_shard.Farm.Services.TryFind(o.Flow, out var service)
            || (!optional && _shard.Applications.Find(service, application) is null))
        {
            _agent.OnPrepareRefused(Now, o.Handoff, HandoffReason.UnknownApplication);
            return;
        }

        var refusal = _shard.IsDraining ? HandoffReason.Draining
            : o.ExpectedStateBytes > _shard.Options.Limits.ImageBytes ? HandoffReason.StateTooLarge
            : HandoffReason.None;
        if (refusal != HandoffReason.None)
        {
            _agent.OnPrepareRefused(Now, o.Handoff, refusal);
            return;
        }

        var reason = _shard.Stack.TryCreateEmbryo(
            Now, o.Flow, service, _shard.NameEndpoint(), o.Epoch, out var embryo);
        if (reason != DropReason.None)
        {
            _agent.OnPrepareRefused(Now, o.Handoff, reason == DropReason.FlowInUse ? HandoffReason.FlowInUse : HandoffReason.NoCapacity);
            return;
        }

        var record = new EndpointRecord(embryo!, Now) { WantedApplication = application, From = o.Source };
        embryo!.Tag = record;
        var running = new RunningHandoff(o.Handoff, record, o.Source) { Epoch = o.Epoch, IsArrival = true };
        record.Running = running;
        _running.Add(o.Handoff, running);
        _agent.OnPrepared(Now, o.Handoff, embryo.Id);
    }

    private void Install(HandoffOutput.Install o)
    {
        if (!_running.TryGetValue(o.Handoff, out var running) || !CarriedState.TryRead(o.State.Context, out var carried))
        {
            _agent.OnInstallFailed(Now, o.Handoff, HandoffReason.StateMalformed);
            return;
        }

        var installed = PrecopiedQueues.TryRead(o.Precopied, out var ahead)
            ? _shard.Stack.Install(Now, running.Record.Endpoint, o.State.Image, ahead)
            : InstallResult.BadImage;
        if (installed != InstallResult.Installed)
        {
            _agent.OnInstallFailed(Now, o.Handoff, HandoffNames.ReasonOf(installed));
            return;
        }

        var record = running.Record;
        record.Context = carried.Context.ToArray();
        record.Unread = carried.Unread.ToArray();
        record.Served = carried.Served;
        record.Stage = carried.Closing ? EndpointStage.Closing : EndpointStage.Placed;
        running.ImageBytes = o.Precopied.Length + o.State.Image.Length + o.State.Context.Length;
        ushort? port = _shard.Applications.PortOf(record.Endpoint.Service!, record.WantedApplication);
        _agent.OnInstalled(Now, o.Handoff, _shard.Stack.IssueReference(record.Endpoint, o.Epoch, port));
    }

    private void Activate(HandoffOutput.Activate o)
    {
        if (_running.TryGetValue(o.Handoff, out var running))
        {
            running.HeldPackets = running.Record.Endpoint.Held.Total;
            _shard.Stack.Activate(Now, running.Record.Endpoint);
            _shard.HomeShare.OnAwake(running.Record.Endpoint);
        }
    }

    private void Discard(HandoffOutput.Discard o)
    {
        if (_shard.Stack.Find(o.Endpoint) is { } endpoint)
        {
            _shard.Stack.Remove(endpoint);
        }
    }

    private void Completed(HandoffOutput.Completed o)
    {
        if (!_running.Remove(o.Handoff, out var running))
        {
            return;
        }

        _ahead.Forget(running);
        var record = running.Record;
        bool isSource = o.Role == Handoff.HandoffRole.Source;
        bool moved = o.Outcome == Handoff.HandoffOutcome.Committed;
        var handoff = new HandoffEvent(
            Now - _shard.Started,
            isSource ? HandoffRole.Source : HandoffRole.Target,
            o.Handoff,
            o.Flow,
            record.Endpoint.Id,
            isSource ? Self : o.Peer,
            isSource ? o.Peer : Self,
            moved ? running.Epoch : record.Endpoint.Epoch,
            HandoffNames.OutcomeOf(o.Outcome),
            moved ? "" : HandoffNames.Describe(o.Reason),
            o.Frozen.TotalMicroseconds,
            (int)(isSource ? record.Endpoint.Held.Total - running.HeldBefore : running.HeldPackets),
            running.ImageBytes);
        record.Add(handoff);
        Log.Add(handoff);
        if (isSource)
        {
            record.OnHandoffEnded(o.Reason == HandoffReason.FreezeBudget);
            LearnFrom(record, moved && o.Frozen <= _shard.Options.HandoffBudget);
            End(running, new MoveResult(handoff.Outcome, handoff.Reason, handoff));
            _shard.HomeShare.OnHandoffEnded(record);
            if (o.Outcome == Handoff.HandoffOutcome.Gone)
            {
                // A home that was told of it as frozen has an entry.
                OnEndpointClosed(record, 0);
            }
        }
        else
        {
            record.Running = null;
            if (moved && _shard.Applications.TryBind(record) && record.Endpoint.Phase == EndpointPhase.Closed)
            {
                // A held packet has ended it: its application has what came before that, and no more.
                record.Attachment!.Leave(LeaveReason.Closed);
            }

            MoveDesk.OnArrived(record);
        }

        OnTimeWait(record);
    }

    /// <summary>How busy the nodes are is not one endpoint's affair: the next one need not find it out again.</summary>
    private void LearnFrom(EndpointRecord record, bool inTime) =>
        _overruns = inTime ? Math.Max(0, _overruns - 1) : Math.Max(_overruns, record.Overruns);

    /// <summary>Roughly how long an endpoint's image will be: its queues and some state.</summary>
    private static int EstimateImage(Endpoint endpoint)
    {
        const int Fixed = 1024;
        return Fixed + (endpoint is TcpEndpoint { Connection: { } connection }
            ? connection.ReadableBytes + ShardReports.SendQueue(connection)
            : ((UdpEndpoint)endpoint).WaitingBytes);
    }

    /// <summary>The source's end: whoever asked is told, and the application has its endpoint back or has lost it.</summary>
    private void End(RunningHandoff running, MoveResult result)
    {
        var record = running.Record;
        if (ReferenceEquals(record.Running, running))
        {
            record.Running = null;
        }

        var attachment = record.Attachment;
        switch (result.Outcome)
        {
            case MoveOutcome.Moved:
                attachment?.Leave(LeaveReason.Moved, result);
                break;
            case MoveOutcome.Closed:
                attachment?.Leave(LeaveReason.Closed, result);
                break;
            default:
                attachment?.Resume(result);
                break;
        }

        _shard.Moves.OnHandoffEnded(record, result);
        running.OnEnded?.Invoke(result);
    }

    private readonly record struct EndedEndpoint(Endpoint Endpoint, byte Reason);
}
