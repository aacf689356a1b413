using Baton.Membership;
using Baton.Stack;
using Baton.Tcp;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>
/// Where moves are asked for: by an operator, a drain, or the placement rule. What has no application, or one that does
/// not mind, is moved at once; else the application is asked.
/// </summary>
internal sealed class MoveDesk
{
    private static readonly TimeSpan s_drainPeriod = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan s_retryPeriod = TimeSpan.FromMilliseconds(200);

    // What was called off, mostly for being frozen too long, need not be so the next time.
    private static readonly TimeSpan s_abortedRetryPeriod = TimeSpan.FromMilliseconds(10);

    // Packets that a router sent here before it heard of the next home are forwarded meanwhile.
    private static readonly TimeSpan s_linger = TimeSpan.FromMilliseconds(250);

    private readonly Shard _shard;
    private readonly List<EndpointRecord> _asked = [];
    private DrainJob? _drain;
    private Instant _nextDrainStep = Instant.Never;

    public MoveDesk(Shard shard)
    {
        _shard = shard;
        Rule = shard.Options.Rule is { } options ? new MoveRule(options, shard.Started) : null;
    }

    /// <summary>Asks for moves by the members' states (R29); null for none. Set by tests that load a farm before it may begin.</summary>
    public MoveRule? Rule { get; set; }

    /// <summary>When <see cref="OnDeadline"/> is due.</summary>
    public Instant NextDeadline
    {
        get
        {
            var deadline = _drain is { HasRoom: true } ? Now : _nextDrainStep;
            foreach (var record in _asked)
            {
                // Once it has handed off, the handoff's outcome is the answer, however long that takes.
                deadline = record.Running is null ? Instant.Min(deadline, record.Pending!.Deadline) : deadline;
            }

            return deadline;
        }
    }

    private Instant Now => _shard.Now;

    /// <summary>Asks for a move.</summary>
    /// <param name="id">The endpoint.</param>
    /// <param name="target">The node, or null for a choice by policy.</param>
    /// <param name="cause">Who asks.</param>
    /// <param name="onEnded">Called once with the outcome.</param>
    public void Request(EndpointId id, string? target, MoveCause cause, Action<MoveResult>? onEnded)
    {
        if (_shard.Stack.Find(id) is not { } endpoint || EndpointRecord.Of(endpoint) is not { } record)
        {
            onEnded?.Invoke(new MoveResult(MoveOutcome.NotFound, $"there is no endpoint {id} of a service here", null));
            return;
        }

        if (record is { Running.IsArrival: true, Deferred: null })
        {
            record.Deferred = () => Request(id, target, cause, onEnded);
        }
        else if (record.Running is not null || record.Pending is { OnEnded: not null })
        {
            onEnded?.Invoke(new MoveResult(MoveOutcome.NotMovable, "it is in a handoff, or asked for one, already", null));
        }
        else if (record.Attachment is not { } attachment || attachment.MovesTransparently || record.Stage == EndpointStage.Closing)
        {
            Explain(endpoint, target, cause);
            Withdraw(record);
            _shard.Handoffs.BeginByEngine(record, target, fresh: false, onEnded);
        }
        else
        {
            Explain(endpoint, target, cause);
            Withdraw(record);
            var request = new MoveRequest(target, cause);
            record.Pending = new PendingMove(request, Now + _shard.Options.MoveTimeout, onEnded);
            _asked.Add(record);
            attachment.User.OnMoveRequested(attachment, request);
        }
    }

    /// <summary>An endpoint that was arriving is here, or did not come.</summary>
    public static void OnArrived(EndpointRecord record)
    {
        var deferred = record.Deferred;
        record.Deferred = null;
        deferred?.Invoke();
    }

    /// <summary>A handoff of the endpoint has ended, whoever began it.</summary>
    public void OnHandoffEnded(EndpointRecord record, MoveResult result) => Answer(record, result);

    /// <summary>The endpoint has ended.</summary>
    public void OnClosed(EndpointRecord record) => Answer(record, new MoveResult(MoveOutcome.Closed, "the connection has ended", null));

    /// <summary>Begins to give every endpoint of this node away, those of its other shards too.</summary>
    public DrainJob Drain(Action<DrainProgress> onProgress)
    {
        var job = Begin(onProgress, _shard.Shards.Count - 1);
        _shard.OnOthers(other => other.Moves.Begin(progress => other.RunOn(_shard, _ => job.Others[other.Index - 1] = progress), others: 0));

        return job;
    }

    /// <summary>Ends a drain before its end.</summary>
    public void Cancel(DrainJob job)
    {
        job.IsOver = true;
        if (ReferenceEquals(job, _drain))
        {
            _shard.OnEach(static shard => shard.Moves.End());
        }
    }

    /// <summary>Ends the drain that runs, if any: what is still here stays.</summary>
    public void CallOffDrain()
    {
        if (_drain is { } drain)
        {
            drain.IsCalledOff = true;
            Cancel(drain);
            drain.Report(Movable().Count(), Addresses);
        }
    }

    private DrainJob Begin(Action<DrainProgress> onProgress, int others)
    {
        _drain = new DrainJob(Movable().Count(), others, onProgress);
        _nextDrainStep = Now;
        return _drain;
    }

    private void End()
    {
        _drain = null;
        _nextDrainStep = Instant.Never;
    }

    /// <summary>The members' states are new: the rule is asked (R29).</summary>
    public void OnStates()
    {
        if (Rule?.Propose(Now, _shard.Exchange.Own, _shard.Exchange.Candidates) is not { } proposal || _shard.IsDraining)
        {
            return;
        }

        // Of several shards each gives its part: flows are spread evenly over them.
        int shards = _shard.Shards.Count;
        int asked = 0;
        for (int index = 0; index < shards; index++)
        {
            int part = (proposal.Connections + index) / shards;
            if (index == _shard.Index)
            {
                asked += Propose(proposal.Target, part);
            }
            else if (part > 0)
            {
                asked += part;
                _shard.RunOn(_shard.Shards[index], other => other.Moves.Propose(proposal.Target, part));
            }
        }

        Rule.OnMoved(Now, asked);
    }

    /// <summary>Asks for moves of connections that have been here longest.</summary>
    /// <returns>How many.</returns>
    private int Propose(NodeId target, int connections)
    {
        int asked = 0;
        foreach (var record in Movable().OrderBy(r => r.Since).ToArray())
        {
            if (asked == connections || !Rule!.HasDwelt(Now, record.Since))
            {
                break;
            }

            if (record is { Running: null, Pending: null, Stage: EndpointStage.Placed })
            {
                asked++;
                Request(record.Endpoint.Id, _shard.Farm.NameOf(target), MoveCause.Rule, null);
            }
        }

        return asked;
    }

    /// <summary>Does what is due.</summary>
    public void OnDeadline()
    {
        for (int i = _asked.Count - 1; i >= 0; i--)
        {
            var record = _asked[i];
            if (record.Pending is { } pending && pending.Deadline <= Now && record.Running is null)
            {
                Answer(record, new MoveResult(MoveOutcome.NotHandedOff, "its application did not hand it off in time", null));
            }
        }

        if (_drain is { HasRoom: true } ongoing)
        {
            Ask(ongoing);
        }

        if (_drain is { } drain && Now >= _nextDrainStep)
        {
            Step(drain);
        }
    }

    private static bool IsMovable(Endpoint endpoint) => endpoint.Phase is EndpointPhase.Active or EndpointPhase.Frozen
        && endpoint is not TcpEndpoint { Connection.State: TcpState.TimeWait or TcpState.Closed };

    private IEnumerable<EndpointRecord> Movable() =>
        _shard.Stack.Endpoints.Where(IsMovable).Select(EndpointRecord.Of).OfType<EndpointRecord>();

    /// <summary>
    /// Looks for what is to be moved once nothing of what was found last is left: to look at every endpoint each time would
    /// take longer than to move some.
    /// </summary>
    private void Step(DrainJob drain)
    {
        int left = drain.Waiting.Count + drain.Outstanding;
        if (drain.Waiting.Count == 0)
        {
            left = 0;
            foreach (var record in Movable())
            {
                left++;
                if (record is { Running: null, Pending: null } && record.RetryAt <= Now)
                {
                    drain.Waiting.Enqueue(record);
                }
            }
        }

        Ask(drain);
        drain.Report(left, Addresses);
        if (_shard.Index == 0 && left == 0 && drain.Outstanding == 0 && drain.OthersAreEmpty && AddressesAreGone(drain))
        {
            Cancel(drain);
            drain.Report(0, Addresses);
        }
        else
        {
            _nextDrainStep = Now + s_drainPeriod;
        }
    }

    private void Ask(DrainJob drain)
    {
        while (drain.HasRoom)
        {
            // It may have ended or moved since it was found.
            var record = drain.Waiting.Dequeue();
            if (record is { Running: null, Pending: null } && IsMovable(record.Endpoint))
            {
                drain.Outstanding++;
                Request(record.Endpoint.Id, null, MoveCause.Drain, result => OnDrained(drain, record, result));
            }
        }
    }

    // The first shard ends the drain: the addresses are the node's.
    private int Addresses => _shard.Index == 0 ? _shard.Homes.Held : 0;

    /// <summary>The home role goes last: what is created meanwhile is placed elsewhere by this node.</summary>
    private bool AddressesAreGone(DrainJob drain)
    {
        if (_shard.Homes.Held > 0)
        {
            // Nobody to take them: they stay, and so must the node.
            drain.AddressesGone = null;
            return !_shard.Homes.YieldAll();
        }

        drain.AddressesGone ??= Now;
        return Now >= drain.AddressesGone + s_linger;
    }

    private void OnDrained(DrainJob drain, EndpointRecord record, MoveResult result)
    {
        drain.Outstanding--;
        switch (result.Outcome)
        {
            case MoveOutcome.Moved:
                drain.Moved++;
                break;
            case MoveOutcome.Closed:
                drain.Closed++;
                break;
            default:
                drain.Failed++;
                record.RetryAt = Now + (result.Outcome == MoveOutcome.Aborted ? s_abortedRetryPeriod : s_retryPeriod);
                break;
        }
    }

    private void Explain(Endpoint endpoint, string? target, MoveCause cause)
    {
        var named = target is not null && _shard.Farm.Members.TryFind(target, out var member) ? member.Id : NodeId.None;
        _shard.Placements.Add(Now, endpoint.Flow, endpoint.Service!.Policy, cause, named, _shard.Node.Candidates);
    }

    private void Answer(EndpointRecord record, MoveResult result)
    {
        var pending = record.Pending;
        Withdraw(record);
        pending?.OnEnded?.Invoke(result);
    }

    private void Withdraw(EndpointRecord record)
    {
        if (record.Pending is not null)
        {
            record.Pending = null;
            _asked.Remove(record);
        }
    }
}
