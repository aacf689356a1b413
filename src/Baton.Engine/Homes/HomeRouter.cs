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
    private readonly HomeFactsOfOthers? _facts;
    private int _leaseChanges = -1;
    private bool _isRouting;

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
        Lists = new GatheredLists(shard);
        _facts = shard.Options.Shards > 1 ? new HomeFactsOfOthers() : null;
    }

    /// <summary>Called before each thing that the role wants done; null for nobody.</summary>
    public Action<HomeOutput>? Observer { get; set; }

    /// <summary>When <see cref="OnDeadline"/> is due.</summary>
    public Instant NextDeadline => _agent.NextDeadline;

    /// <summary>Messages without effect.</summary>
    public DropCounters Drops => _agent.Drops;

    /// <summary>Lists of what all shards have.</summary>
    public GatheredLists Lists { get; }

    /// <summary>The service addresses and what this node is for each.</summary>
    public IEnumerable<(HomeClaim Claim, HomePhase Phase)> Addresses => _agent.Addresses;

    /// <summary>Service addresses that are this node's.</summary>
    public int Held => _agent.Held;

    private Instant Now => _shard.Now;

    private NodeId Self => _shard.Farm.Self.Id;

    /// <summary>The home of an address; none while nobody has claimed it.</summary>
    public NodeId HomeOf(InetAddress address) => _agent.HomeOf(address);

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

    /// <summary>Whether the directory of an address has gone to the next home, which has not said so yet.</summary>
    public bool IsYielding(InetAddress address) => _agent.PhaseOf(address) == HomePhase.Yielding;

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

    /// <summary>An endpoint behind the address has become active here, and is silent.</summary>
    public void OnSilentlyActive(InetAddress address) => Do(() => _agent.OnSilentlyActive(address));

    /// <summary>The directory has no place for an endpoint that was announced, or has another owner in the place of one.</summary>
    public void OnAnnounced(Announcement announced, bool gone, FlowEntry? displaced) => Do(() =>
    {
        _agent.OnAnnounced(announced, gone);
        if (displaced is { } before)
        {
            _agent.OnDisplaced(before.Flow, before.Owner, ReferenceCodec.Id(before.Reference.Span));
        }
    });

    /// <summary>Does what the role wants done.</summary>
    public void RouteAll()
    {
        if (_isRouting)
        {
            // What an answer made is taken in its turn.
            return;
        }

        _isRouting = true;
        _facts?.TellWhatIsOver(_shard, _agent);
        while (_agent.TryTakeOutput(out var output))
        {
            Observer?.Invoke(output);
            Route(output);
            _facts?.TellWhatIsOver(_shard, _agent);
        }

        _facts?.TellAll(_shard, _agent);
        _isRouting = false;
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
            case HomeOutput.Send { AfterAnnounced: true } o: _shard.OnOthersThen(static _ => { }, () => _shard.Channels.Send(o.Peer, PeerMessageKind.Home, o.Message.Span)); break;
            case HomeOutput.Send o: _shard.Channels.Send(o.Peer, PeerMessageKind.Home, o.Message.Span); break;
            case HomeOutput.BreakChannel o: _shard.Channels.Break(o.Peer); break;
            case HomeOutput.TakeAddress o: _shard.OnEach(shard => shard.Stack.AnnounceAddress(shard.Now, _front, o.Address)); break;
            case HomeOutput.GiveAddress o: _shard.OnEach(shard => shard.Stack.WithdrawAddress(_front, o.Address)); break;
            case HomeOutput.HomeIs o: _shard.OnEach(shard => shard.Handoffs.OnHome(o.Address, o.Home, o.Serving)); break;
            case HomeOutput.ListEndpoints o: Lists.Gather(share => share.ListEndpoints(o.Addresses), list => _agent.OnListed(Now, o.Home, o.Number, list)); break;
            case HomeOutput.ListDirectory o: Lists.Gather(share => share.ListDirectory(o.Address), list => _agent.OnListed(Now, o.Heir, o.Number, list)); break;
            case HomeOutput.Announce o: OnShardOf(o.Announced.Flow, share => share.Announce(o)); break;
            case HomeOutput.RemoveUnlisted o: _shard.OnEach(shard => shard.HomeShare.RemoveUnlisted(o)); break;
            case HomeOutput.Restore o: OnShardOf(o.Entry.Flow, share => share.Restore(o)); break;
            case HomeOutput.Forget o: _shard.OnEach(shard => shard.HomeShare.Forget(o)); break;
            case HomeOutput.WriteOff o: _shard.OnEach(shard => shard.HomeShare.WriteOff(o)); break;
            case HomeOutput.Discard o: OnShardOf(o.Flow, share => share.Discard(o)); break;
            case HomeOutput.Silence o: _shard.OnEach(shard => shard.HomeShare.Silence(o)); break;
            case HomeOutput.EndSilent o: _shard.OnEach(shard => shard.HomeShare.EndSilent(o)); break;
            case HomeOutput.Speak o: _shard.OnEach(shard => shard.HomeShare.Speak(o)); break;
            case HomeOutput.AskSilence o: _agent.OnSilence(Now, o.Asker, o.Number, o.Home, _shard.Exchange.IsSilent(Now, o.Home)); break;
            case HomeOutput.TakeoverEnded o: TakeoverEnded(o); break;
            default: throw new InvalidOperationException($"No route for {output.GetType().Name}.");
        }
    }

    private void OnShardOf(in Flow flow, Action<HomeShare> action) => _shard.RunOn(_shard.Shards[_shard.Steering.OfFlow(in flow)], shard => action(shard.HomeShare));

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
