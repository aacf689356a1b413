using Baton.Director;
using Baton.Handoff;
using Baton.Stack;
using Baton.Tcp;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>
/// Joins the home role with stack, directory, channels and leases: what it wants done is routed in
/// <see cref="Route(HomeOutput)"/>, one line each. No protocol decision stands here.
/// </summary>
internal sealed class HomeRouter
{
    private readonly Shard _shard;
    private readonly HomeAgent _agent;
    private readonly InterfaceId _front;
    private readonly List<(NodeId From, Action<TakeoverOutcome> OnEnded)> _takeovers = [];
    private int _leaseChanges = -1;

    public HomeRouter(Shard shard, InterfaceId front)
    {
        _shard = shard;
        _front = front;
        _agent = new HomeAgent(
            shard.Farm.Self.Id,
            shard.Farm.Members.Members.Select(member => member.Id),
            shard.Farm.Members.Members.SelectMany(member => member.ServiceAddresses.Select(address => (address, member.Id))),
            ShardSettings.Home(shard.Options),
            shard.Started);
    }

    /// <summary>Called before each thing that the role wants done; null for nobody.</summary>
    public Action<HomeOutput>? Observer { get; set; }

    /// <summary>When <see cref="OnDeadline"/> is due.</summary>
    public Instant NextDeadline => _agent.NextDeadline;

    /// <summary>Messages without effect.</summary>
    public DropCounters Drops => _agent.Drops;

    /// <summary>Flows whose owner was lost, and whose clients are reset when they send next.</summary>
    public long WrittenOff { get; private set; }

    /// <summary>Endpoints that ended here because their home did not know them any more.</summary>
    public long Discarded { get; private set; }

    /// <summary>Entries removed because their owner did not list them.</summary>
    public long Reconciled { get; private set; }

    /// <summary>The service addresses and what this node is for each.</summary>
    public IEnumerable<(HomeClaim Claim, HomePhase Phase)> Addresses => _agent.Addresses;

    /// <summary>Service addresses that are this node's.</summary>
    public int Held => _agent.Held;

    private Instant Now => _shard.Now;

    private NodeId Self => _shard.Farm.Self.Id;

    /// <summary>The home of a flow; none while nobody has claimed its address.</summary>
    public NodeId HomeOf(in Flow flow) => _agent.HomeOf(flow.Tuple.LocalAddress);

    /// <summary>Whether this node answers for a service address.</summary>
    public bool Answers(InetAddress address) => _agent.Answers(address);

    /// <summary>Whether this node's endpoints behind an address may emit.</summary>
    public bool MaySpeak(InetAddress address) => _agent.MaySpeak(address);

    /// <summary>Whether unknown flows may begin here, and handoffs are decided here.</summary>
    public bool Serves(in Flow flow) => Serves(flow.Tuple.LocalAddress);

    /// <summary>The same of an address.</summary>
    public bool Serves(InetAddress address) => _agent.Serves(address);

    /// <summary>Whether packets of known flows are forwarded although the address is not this node's any more.</summary>
    public bool ForwardsLate(InetAddress address) => _agent.PhaseOf(address) is HomePhase.Yielding or HomePhase.Former;

    /// <summary>Whether the directory of a flow's address has gone to the next home, which has not said so yet.</summary>
    public bool IsYielding(in Flow flow) => _agent.PhaseOf(flow.Tuple.LocalAddress) == HomePhase.Yielding;

    public void OnChannelUp(NodeId peer, ulong incarnation) => Do(() => _agent.OnChannelUp(Now, peer, incarnation));

    public void OnChannelDown(NodeId peer) => Do(() => _agent.OnChannelDown(Now, peer));

    public void OnMemberUnreachable(NodeId member) => Do(() => _agent.OnMemberUnreachable(Now, member));

    public void OnMemberReachable(NodeId member) => Do(() => _agent.OnMemberReachable(member));

    // At once, before the next message: a list says what was so when it was sent.
    public void OnMessage(NodeId from, ReadOnlySpan<byte> message)
    {
        _agent.OnMessage(Now, from, message);
        RouteAll();
    }

    public void OnDeadline()
    {
        if (_agent.NextDeadline <= Now)
        {
            _agent.OnDeadline(Now);
            RouteAll();
        }
    }

    /// <summary>Tells the role which leases hold, when that has changed.</summary>
    public void CheckLeases()
    {
        var exchange = _shard.Exchange;
        if (exchange.LeaseChanges == _leaseChanges)
        {
            return;
        }

        _leaseChanges = exchange.LeaseChanges;
        foreach (var member in _shard.Farm.Members.Members)
        {
            if (member.Id != Self)
            {
                _agent.OnLease(Now, member.Id, exchange.HoldsLease(member.Id));
            }
        }

        _agent.OnRole(Now, exchange.IsHeardByHalf);
        RouteAll();
    }

    /// <summary>Whether the node gives its addresses away rather than take others'.</summary>
    public void SetDeclining(bool declines) => _agent.SetDeclining(declines);

    /// <summary>Begins to give every address to the least loaded member that may take it.</summary>
    /// <returns>Whether there is anything left to give that somebody may take.</returns>
    public bool YieldAll()
    {
        bool any = false;
        foreach (var (claim, phase) in _agent.Addresses.ToArray())
        {
            if (phase is HomePhase.Elsewhere or HomePhase.Former)
            {
                continue;
            }

            var heir = SelectHeir(claim.Address);
            any |= heir != NodeId.None;
            if (phase == HomePhase.Serving && heir != NodeId.None)
            {
                Yield(claim.Address, heir);
            }
        }

        return any;
    }

    /// <summary>Begins to give one address to another member.</summary>
    public bool Yield(InetAddress address, NodeId heir)
    {
        bool begun = _agent.Yield(Now, address, heir);
        RouteAll();
        return begun;
    }

    /// <summary>Asks for the addresses that are this node's by configuration.</summary>
    public void TakeBack() => Do(_agent.TakeBack);

    /// <summary>Takes the addresses of a dead member.</summary>
    public void TakeOver(NodeId from, bool force, Action<TakeoverOutcome> onEnded)
    {
        _takeovers.Add((from, onEnded));
        Do(() => _agent.TakeOver(Now, from, force ? from == Self || _shard.Exchange.IsUnheard(Now, from) : _shard.Exchange.IsSilent(Now, from), force));
    }

    /// <summary>An endpoint has become active here: it is silent if its home cannot be heard.</summary>
    public void OnAwake(Endpoint endpoint)
    {
        if (!MaySpeak(endpoint.Flow.Tuple.LocalAddress))
        {
            Suspend(endpoint);
            Do(() => _agent.OnSilentlyActive(endpoint.Flow.Tuple.LocalAddress));
        }
    }

    /// <summary>A handoff away from here has ended: what its home did not know any more, and it has left here, ends too.</summary>
    public void OnHandoffEnded(EndpointRecord record)
    {
        if (record.IsGone && record.Endpoint.Phase is EndpointPhase.Active or EndpointPhase.Frozen)
        {
            Discard(record);
        }
    }

    /// <summary>Does what the role wants done.</summary>
    public void RouteAll()
    {
        while (_agent.TryTakeOutput(out var output))
        {
            Observer?.Invoke(output);
            Route(output);
        }

        _shard.Exchange.Digest = _agent.Digest;
        _shard.Nic?.OnHomes();
    }

    private void Do(Action input)
    {
        input();
        RouteAll();
    }

    private void Route(HomeOutput output)
    {
        switch (output)
        {
            case HomeOutput.Send o: _shard.Channels.Send(o.Peer, PeerMessageKind.Home, o.Message.Span); break;
            case HomeOutput.TakeAddress o: _shard.Stack.AnnounceAddress(Now, _front, o.Address); break;
            case HomeOutput.GiveAddress o: _shard.Stack.WithdrawAddress(_front, o.Address); break;
            case HomeOutput.HomeIs o: _shard.Handoffs.OnHome(o.Address, o.Home, o.Serving); break;
            case HomeOutput.ListEndpoints o: _agent.OnListed(Now, o.Home, o.Number, ListEndpoints(o.Addresses)); break;
            case HomeOutput.ListDirectory o: _agent.OnListed(Now, o.Heir, o.Number, ListDirectory(o.Address)); break;
            case HomeOutput.Announce o: Announce(o); break;
            case HomeOutput.RemoveUnlisted o: Reconciled += _shard.Flows.RemoveUnlisted(o.Owner, o.Address, o.List); break;
            case HomeOutput.Restore o: _shard.Flows.Restore(o.Entry); break;
            case HomeOutput.Forget o: _shard.Flows.RemoveAll(o.Address, NodeId.None); break;
            case HomeOutput.WriteOff o: WrittenOff += _shard.Flows.RemoveAll(o.Address, o.Owner); break;
            case HomeOutput.Discard o: Discard(o); break;
            case HomeOutput.Silence o: ForEach(o.Address, Suspend); break;
            case HomeOutput.Speak o: ForEach(o.Address, Continue); break;
            case HomeOutput.AskSilence o: _agent.OnSilence(Now, o.Asker, o.Number, o.Home, _shard.Exchange.IsSilent(Now, o.Home)); break;
            case HomeOutput.TakeoverEnded o: TakeoverEnded(o); break;
            default: throw new InvalidOperationException($"No route for {output.GetType().Name}.");
        }
    }

    private void Announce(HomeOutput.Announce o)
    {
        bool known = _shard.Flows.TryFind(o.Announced.Flow, out var before);
        _agent.OnAnnounced(o.Announced, _shard.Flows.Announce(o.Announced, o.List, o.Recovering) is AnnounceResult.Gone or AnnounceResult.Full);
        if (known && _shard.Flows.TryFind(o.Announced.Flow, out var after) && after.Owner != before.Owner)
        {
            _agent.OnDisplaced(before.Flow, before.Owner, ReferenceCodec.Id(before.Reference.Span));
        }
    }

    private NodeId SelectHeir(InetAddress address)
    {
        var heir = NodeId.None;
        var least = new LoadScore(ulong.MaxValue);
        foreach (ref readonly var state in _shard.Exchange.Candidates)
        {
            var score = LoadScore.Of(state);
            if (state.Node != Self && !state.Draining && _shard.Channels.IsUp(state.Node) && _shard.Farm.MayHold(state.Node, address) && score < least)
            {
                (heir, least) = (state.Node, score);
            }
        }

        return heir;
    }

    private List<Announcement> ListEndpoints(IReadOnlyList<InetAddress> addresses)
    {
        var list = new List<Announcement>();
        foreach (var endpoint in _shard.Stack.Endpoints)
        {
            if (endpoint.Service is null || endpoint.Reference.Length == 0 || endpoint.Phase == EndpointPhase.Closed
                || endpoint is TcpEndpoint { Connection.State: TcpState.Closed }
                || !addresses.Contains(endpoint.Flow.Tuple.LocalAddress))
            {
                continue;
            }

            // What only its lease keeps silent is nobody else's.
            var phase = endpoint.Phase switch
            {
                EndpointPhase.Embryo => AnnouncedPhase.Ready,
                EndpointPhase.Frozen when EndpointRecord.Of(endpoint) is not { IsSuspended: true } => AnnouncedPhase.Frozen,
                _ => AnnouncedPhase.Active,
            };
            list.Add(new(endpoint.Flow, Self, endpoint.Epoch, phase, HandoffId.None, endpoint.Reference));
        }

        return list;
    }

    private List<Announcement> ListDirectory(InetAddress address)
    {
        var list = new List<Announcement>();
        foreach (ref readonly var entry in _shard.Flows)
        {
            if (entry.Flow.Tuple.LocalAddress == address)
            {
                list.Add(new(entry.Flow, entry.Owner, entry.Epoch, AnnouncedPhase.Active, entry.LastHandoff, entry.Reference));
            }
        }

        return list;
    }

    /// <summary>One that is in a handoff ends with it: by the home's word, or when it is called off.</summary>
    private void Discard(HomeOutput.Discard o)
    {
        if (_shard.Stack.Find(o.Endpoint) is not { } endpoint || EndpointRecord.Of(endpoint) is not { } record)
        {
            return;
        }

        if (record.Running is { IsArrival: false })
        {
            record.IsGone = true;
            _shard.Handoffs.CallOff(endpoint);
        }
        else if (record.Running is null)
        {
            Discard(record);
        }
    }

    private void Discard(EndpointRecord record)
    {
        Discarded++;
        var endpoint = record.Endpoint;
        _shard.Moves.OnClosed(record);
        _shard.Stack.Remove(endpoint);
        (endpoint.Application as Attachment)?.Leave(LeaveReason.Closed);
    }

    private void ForEach(InetAddress address, Action<Endpoint> action)
    {
        foreach (var endpoint in _shard.Stack.Endpoints.ToArray())
        {
            if (endpoint.Service is not null && endpoint.Flow.Tuple.LocalAddress == address)
            {
                action(endpoint);
            }
        }
    }

    private void Suspend(Endpoint endpoint)
    {
        if (endpoint.Phase != EndpointPhase.Active || EndpointRecord.Of(endpoint) is not { } record)
        {
            return;
        }

        if (_shard.Stack.Freeze(Now, endpoint))
        {
            record.IsSuspended = true;
        }
        else
        {
            // Half open: it cannot hold, and its client tries again.
            _shard.Stack.Remove(endpoint);
            _shard.Handoffs.OnEndpointClosed(record, 0);
        }
    }

    private void Continue(Endpoint endpoint)
    {
        if (EndpointRecord.Of(endpoint) is { IsSuspended: true } record)
        {
            record.IsSuspended = false;
            if (endpoint.Phase == EndpointPhase.Frozen)
            {
                _shard.Stack.Thaw(Now, endpoint, endpoint.Epoch);
                record.Attachment?.Continue();
                _shard.Applications.TryBind(record);
            }
        }
    }

    private void TakeoverEnded(HomeOutput.TakeoverEnded o)
    {
        int at = _takeovers.FindIndex(waiting => waiting.From == o.From);
        if (at >= 0)
        {
            var onEnded = _takeovers[at].OnEnded;
            _takeovers.RemoveAt(at);
            onEnded(new TakeoverOutcome(o.Result, o.By == NodeId.None ? null : _shard.Farm.NameOf(o.By), [.. o.Addresses.Select(address => address.ToString())]));
        }
    }
}
