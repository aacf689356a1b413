using Baton.Engine;
using Baton.Handoff;
using Baton.Handoff.Messages;
using Baton.Link;
using Baton.Stack;
using Baton.Tcp;
using Baton.Wire;

namespace Baton.Simulation;

/// <summary>
/// One handoff from node a to node b with one fault before one of its steps, in a farm that is watched as in any other
/// simulation. A step is a thing that the protocol wants done at one of the nodes.
/// </summary>
internal sealed class SingleFaultRun
{
    private static readonly TimeSpan s_backAfter = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan s_cutFor = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan s_untilSilent = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan s_untilWrittenOff = TimeSpan.FromSeconds(14);
    private static readonly TimeSpan s_untilSettled = TimeSpan.FromSeconds(2);

    private readonly SimulationRun _run;
    private readonly Farm _farm;
    private readonly SingleFault _fault;
    private readonly FarmNode _source;
    private readonly FarmNode _target;
    private readonly FarmNode _home;
    private readonly HashSet<(MemoryLink From, MemoryLink To)> _cuts = [];
    private readonly List<string> _steps = [];
    private SimulatedFlow? _flow;
    private HandoffId _handoff;
    private bool _isOff;
    private bool _isCounting;
    private bool _struck;

    private SingleFaultRun(SimulationRun run, Farm farm, SingleFault fault)
    {
        _run = run;
        _farm = farm;
        _fault = fault;
        _source = farm.Nodes[0];
        _target = farm.Nodes[1];
        _home = farm.Nodes[(int)fault.Home];
        _farm.Lan.Filter = (from, to, _) => _cuts.Count == 0 || !_cuts.Contains((from, to));
    }

    /// <summary>Runs one.</summary>
    /// <returns>The steps before the fault, and what became of the connection.</returns>
    /// <exception cref="InvariantException">An invariant did not hold.</exception>
    public static (IReadOnlyList<string> Steps, string Outcome) Run(SingleFault fault)
    {
        SingleFaultRun? single = null;
        string outcome = "";
        var result = SimulationRun.RunScript(Settings(fault), (run, farm) =>
        {
            single = new SingleFaultRun(run, farm, fault);
            run.Stepping = single.OnStep;
            outcome = single.RunAll();
        });
        return result.Failure is null ? (single!._steps, outcome) : throw new InvariantException($"{fault}: {result.Failure}");
    }

    /// <summary>Whether a fault can be put in before a step of that name.</summary>
    public static bool Applies(HomePlace home, Fault fault, string step) => fault switch
    {
        Fault.None => false,
        Fault.Lost or Fault.Twice => step.Contains(" sends ", StringComparison.Ordinal),
        Fault.HomeBack or Fault.HomeOff => home == HomePlace.Third,
        Fault.SourceHomeCut or Fault.TargetHomeCut => home == HomePlace.Third,
        _ => true,
    };

    private static Scenario Settings(SingleFault fault) => new()
    {
        Farm = new FarmSettings
        {
            Sealed = fault.Channels == ChannelState.Sealed,
            Grid = TimeSpan.FromMicroseconds(20),
            ClientTcp = TcpSettings.Default with { TimeWaitLength = TimeSpan.FromSeconds(2), ReceiveBufferLimit = 32 << 10 },
            Services = Scenario.Services,
            Adjust = options => Scenario.Adjusted(
                options,
                new EngineLimits { Flows = 256, Tombstones = 256, SendBuffer = 128 << 10, TombstoneTime = TimeSpan.FromSeconds(2), DatagramIdle = TimeSpan.FromSeconds(40) },
                TimeSpan.FromMilliseconds(20)),
        },
        Attempts = 0,
        AttemptPause = TimeSpan.FromMilliseconds(1),
        Flows = 1,
        LanOutages = 0,
        LacksApplication = false,
        Strikes = [],
        HasFaults = true,
        Limit = TimeSpan.FromMinutes(2),
    };

    private string RunAll()
    {
        var flow = _flow = Open();
        _run.RunUntil(() => OwnerOf(flow) is { } owner && HasServed(flow, owner), "the flow does not begin");
        if (_home != _source)
        {
            Move(_home, _source);
        }

        if (_fault.Channels == ChannelState.Fresh)
        {
            BreakChannels();
        }

        var epoch = Active(_source)!.Epoch;
        _isCounting = true;
        Move(_source, _target, mustMove: _fault.Fault == Fault.None);
        if (_fault.Fault != Fault.None)
        {
            _run.RunUntil(() => _struck, "there is no such step");
        }

        _run.RunUntil(IsHealed, "the farm does not heal");
        var settled = _run.Now + (_isOff ? s_untilWrittenOff : s_untilSettled);
        _run.RunUntil(() => _run.Now >= settled, "time stands still");
        string outcome = OutcomeOf(flow, epoch);
        _run.Finish();
        if (flow is StreamFlow && flow.IsLost != (outcome == "lost"))
        {
            _run.Fail($"{flow.Flow}: {outcome}, and in the end {flow.Progress}.");
        }

        return outcome;
    }

    private SimulatedFlow Open()
    {
        var client = _farm.Clients[0];
        if (_fault.Kind == FlowKind.Datagrams)
        {
            var datagrams = new DatagramPlan { Key = 1, Up = 64 << 10, Down = 32 << 10, Pause = TimeSpan.FromMicroseconds(100), MaxLength = 1200 };
            return _run.OpenDatagrams(client, _home, 40_000, datagrams);
        }

        // Its client reads for a moment only: what the farm's application writes waits in the queue, at each node in turn.
        bool ahead = _fault.Kind == FlowKind.StreamAhead;
        return _run.OpenStream(client, _home, new StreamPlan
        {
            Key = 1,
            Up = 64 << 10,
            Down = ahead ? 160 << 10 : 64 << 10,
            Port = 80,
            ClientPause = ahead ? new ReadingPause(20_000, TimeSpan.FromSeconds(2)) : null,
        });
    }

    private static bool HasServed(SimulatedFlow flow, FarmNode owner) => flow switch
    {
        StreamFlow stream => stream is { ReadByFarm: > 30_000, Application: not null } && owner.Shard.RunningHandoffs == 0,
        DatagramFlow datagrams => datagrams.DeliveredToFarm > 3,
        _ => false,
    };

    private void Move(FarmNode from, FarmNode to, bool mustMove = true)
    {
        var pending = from.Move(Active(from)!.Id, to);
        if (!mustMove)
        {
            return;
        }

        _run.RunUntil(() => pending.Result is not null && Active(to) is not null, "the move does not end");
        if (!pending.Result!.Moved)
        {
            _run.Fail($"The move from {from.Name} to {to.Name} is {pending.Result}.");
        }
    }

    private void OnStep(FarmNode node, HandoffOutput output)
    {
        if (!_isCounting || _struck || output.Flow != _flow!.Flow || output is HandoffOutput.Completed or HandoffOutput.RemoveEntry)
        {
            return;
        }

        _handoff = _handoff == HandoffId.None ? output.Handoff : _handoff;
        if (output.Handoff != _handoff)
        {
            return;
        }

        _steps.Add(NameOf(node, output));
        if (_steps.Count == _fault.Step)
        {
            _struck = true;
            Strike(node, output);
        }
        else if (_steps.Count == _fault.Step - 1)
        {
            // If nothing follows, it is after the last step.
            _run.After(TimeSpan.FromSeconds(1), () =>
            {
                if (!_struck)
                {
                    _struck = true;
                    Strike(node, output);
                }
            });
        }
    }

    private string NameOf(FarmNode node, HandoffOutput output)
    {
        string who = node == _source ? "S" : node == _target ? "T" : "H";
        return output switch
        {
            HandoffOutput.Send send => (MessageKind)send.Message.Span[1] switch
            {
                MessageKind.Swapped => $"H sends SWAPPED to {(send.Peer == _source.Id ? "S" : "T")}",
                MessageKind.Swap => $"{who} sends SWAP to H",
                var kind => $"{who} sends {kind.ToString().ToUpperInvariant()} to {(send.Peer == _source.Id ? "S" : "T")}",
            },
            HandoffOutput.CreateEmbryo => "T makes the embryo",
            HandoffOutput.Precopy => "S copies its queues",
            HandoffOutput.Freeze => "S freezes",
            HandoffOutput.Install => "T installs",
            HandoffOutput.AskSwap => "H compares and swaps",
            HandoffOutput.Activate => "T activates",
            HandoffOutput.BecomeTombstone => "S becomes a tombstone",
            _ => $"{who}: {output.GetType().Name}",
        };
    }

    private void Strike(FarmNode node, HandoffOutput output)
    {
        switch (_fault.Fault)
        {
            case Fault.Lost:
                BreakChannel(node, ((HandoffOutput.Send)output).Peer);
                break;
            case Fault.Twice:
                Repeat(node, (HandoffOutput.Send)output);
                break;
            case Fault.SourceTargetCut:
                Cut(_source, _target);
                break;
            case Fault.SourceHomeCut:
                Cut(_source, _home);
                break;
            case Fault.TargetHomeCut:
                Cut(_target, _home);
                break;
            case Fault.SourceBack or Fault.TargetBack or Fault.HomeBack:
                var back = Victim();
                _run.After(s_backAfter, back.Restart);
                back.Crash();
                break;
            default:
                var off = Victim();
                _isOff = true;
                if (off == _home)
                {
                    _run.After(s_untilSilent, () => TakeOver(off));
                }

                off.Crash();
                break;
        }
    }

    private FarmNode Victim() => _fault.Fault switch
    {
        Fault.SourceBack or Fault.SourceOff => _source,
        Fault.TargetBack or Fault.TargetOff => _target,
        _ => _home,
    };

    /// <summary>The message goes into a connection that is reset before it leaves, and is lost with it.</summary>
    private void BreakChannel(FarmNode node, NodeId peer)
    {
        var address = Farm.LanAddress(peer.Value);
        foreach (var endpoint in node.Shard.Stack.Endpoints.OfType<TcpEndpoint>().Where(e => e.Tag is PeerChannel && e.Flow.Tuple.RemoteAddress == address).ToArray())
        {
            endpoint.Abort(_farm.Now);
        }
    }

    /// <summary>At their far ends: the handoff begins before its source has heard of it, and what it sends first is lost.</summary>
    private void BreakChannels()
    {
        BreakChannel(_target, _source.Id);
        if (_fault.Home == HomePlace.Third)
        {
            BreakChannel(_target, _home.Id);
            BreakChannel(_home, _source.Id);
            _home.Touch();
        }

        _target.Touch();
    }

    private void Repeat(FarmNode node, HandoffOutput.Send send)
    {
        byte[] message = [.. send.Message.Span, .. send.Chunk.Span];
        var peer = _farm.Nodes[send.Peer.Value - 1];
        _run.After(TimeSpan.FromMicroseconds(200), () =>
        {
            peer.Shard.Handoffs.OnMessage(node.Id, message);
            peer.Touch();
        });
    }

    private void Cut(FarmNode one, FarmNode two)
    {
        _cuts.Add((one.LanLink, two.LanLink));
        _cuts.Add((two.LanLink, one.LanLink));
        _run.After(s_cutFor, _cuts.Clear);
    }

    private void TakeOver(FarmNode dead)
    {
        var taker = dead == _source ? _farm.Nodes[2] : _source;
        taker.Shard.TakeOver(dead.Id, force: false, outcome =>
        {
            if (outcome.Result != TakeoverResult.Taken)
            {
                _run.Fail($"{taker.Name} cannot take {dead.Name}'s addresses: {outcome.Result}.");
            }
        });
        taker.Touch();
    }

    private bool IsHealed() => _cuts.Count == 0 && _farm.Nodes.All(node =>
        node.IsUp
            ? _farm.Nodes.All(peer => peer == node || !peer.IsUp || node.Shard.IsChannelUp(peer.Id))
            : _isOff) && _run.HomeOf(_flow!) is not null;

    private FarmNode? OwnerOf(SimulatedFlow flow) => _farm.Nodes.FirstOrDefault(node => node.IsUp && node.Shard.Stack.Find(flow.Flow) is { Phase: EndpointPhase.Active });

    private Endpoint? Active(FarmNode node) => node.Shard.Stack.Find(_flow!.Flow) is { Phase: EndpointPhase.Active } endpoint ? endpoint : null;

    private string OutcomeOf(SimulatedFlow flow, Epoch epoch)
    {
        if (OwnerOf(flow) is not { } owner || flow is DatagramFlow { HasBegunAnew: true })
        {
            return "lost";
        }

        var now = Active(owner)!.Epoch;
        return owner == _source && now == epoch ? "S"
            : owner == _source && now == epoch + 2 ? "S+2"
            : owner == _target && now == epoch + 1 ? "T"
            : throw new InvariantException($"{flow.Flow}: at node {owner.Name} in epoch {now}, and was at a in epoch {epoch}.");
    }
}
