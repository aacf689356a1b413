using Baton.Director;
using Baton.Engine;
using Baton.Handoff;
using Baton.Link;
using Baton.Stack;
using Baton.Wire;

namespace Baton.Simulation;

/// <summary>One seed: a farm, its flows and its handoffs, from the first SYN until every table is empty.</summary>
internal sealed class SimulationRun : IDisposable
{
    private readonly Farm _farm;
    private readonly Scenario _scenario;
    private readonly FarmWatch _watch;
    private readonly HandoffWatch _handoffs;
    private readonly DefectPlanter _planter;
    private readonly HomeWatch _homes;
    private readonly PriorityQueue<Action, (long Ticks, long Number)> _timeline = new();
    private readonly List<SimulatedFlow> _flows = [];
    private readonly Dictionary<Flow, SimulatedFlow> _byFlow = [];
    private readonly Dictionary<Endpoint, SimulatedFlow> _byClientEndpoint = new(ReferenceEqualityComparer.Instance);
    private string? _failure;
    private long _number;
    private int _opened;

    private SimulationRun(ulong seed, PlantedDefect defect, RunLimits limits, SeedForm form, Scenario? scenario = null)
    {
        Seed = seed;
        Limits = limits;
        Random = new SeededRandom(seed);
        _scenario = scenario ?? Scenario.Draw(seed, Random.Split(), form);
        _farm = new Farm(_scenario.Farm);
        _watch = new FarmWatch(this, _farm);
        _handoffs = new HandoffWatch(this, _farm);
        _planter = new DefectPlanter(defect, this, _farm);
        _homes = new HomeWatch(this, _farm);
        _farm.AfterStep = AfterStep;
        Mover = new Mover(this, _farm, _scenario);
        Striker = new Striker(this, _farm, [.. _scenario.Strikes.Where((_, index) => limits.Keeps(index))]);
    }

    public ulong Seed { get; }

    public SeededRandom Random { get; }

    /// <summary>What of the seed is left out.</summary>
    public RunLimits Limits { get; }

    public Mover Mover { get; }

    public Striker Striker { get; }

    /// <summary>Nodes killed so far.</summary>
    public int Crashes { get; private set; }

    public Totals Totals { get; } = new();

    /// <summary>Copies that the network made of last fragments too short to show which datagram they end.</summary>
    public int UnnamedCopies { get; set; }

    public IReadOnlyList<SimulatedFlow> Flows => _flows;

    public Instant Now => _farm.Now;

    /// <summary>Where a line for each event goes, or null.</summary>
    public TextWriter? Trace { get; private init; }

    /// <summary>Runs a seed.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="defect">What a test plants.</param>
    /// <param name="trace">Gets a line for each segment at the front, each phase of an endpoint and each outcome, or null.</param>
    /// <param name="limits">What of the seed is left out; null for nothing.</param>
    /// <param name="form">How much its flows carry; null for <see cref="SeedForm.Long"/>.</param>
    public static SimulationResult Run(
        ulong seed, PlantedDefect defect = PlantedDefect.None, TextWriter? trace = null, RunLimits? limits = null, SeedForm? form = null)
    {
        using var run = new SimulationRun(seed, defect, limits ?? RunLimits.None, form ?? SeedForm.Long) { Trace = trace };
        return run.Result(run.RunAll);
    }

    /// <summary>Runs what a script does in a farm that is watched.</summary>
    public static SimulationResult RunScript(Scenario scenario, Action<SimulationRun, Farm> script)
    {
        using var run = new SimulationRun(scenario.Farm.Seed, PlantedDefect.None, RunLimits.None, SeedForm.Long, scenario);
        return run.Result(() =>
        {
            run.Begin();
            script(run, run._farm);
        });
    }

    /// <summary>An invariant does not hold: the run ends here.</summary>
    /// <exception cref="InvariantException">Always.</exception>
    public void Fail(string what)
    {
        _failure ??= what;
        throw new InvariantException(_failure);
    }

    /// <summary>Ends the farm; what its nodes then send is nobody's business.</summary>
    public void Dispose()
    {
        _watch.Leave();
        _farm.AfterStep = null;
        _farm.Dispose();
    }

    /// <summary>Does something later.</summary>
    public void After(TimeSpan delay, Action action) => _timeline.Enqueue(action, ((Now + delay).Ticks, _number++));

    /// <summary>The directory's entry of a flow, where there is a home that decides about it.</summary>
    public bool TryFindEntry(in Flow flow, out FlowEntry entry)
    {
        if (FlowOf(flow) is { } known)
        {
            if (!_scenario.HasFaults)
            {
                return known.Home.ShardOf(flow).Flows.TryFind(flow, out entry);
            }

            if (HomeOf(known) is { } home)
            {
                return home.ShardOf(flow).Flows.TryFind(flow, out entry);
            }
        }

        entry = default;
        return false;
    }

    /// <summary>The node that decides about a flow at present, or null.</summary>
    public FarmNode? HomeOf(SimulatedFlow flow) => ServingNode(flow.Flow.Tuple.LocalAddress);

    /// <summary>The node that serves an address at present, or null.</summary>
    public FarmNode? ServingNode(InetAddress address)
    {
        foreach (var node in _farm.Nodes)
        {
            if (node.IsUp && node.Shard.Homes.Serves(new Flow(IpProtocol.Tcp, new(address, 0, address, 0))))
            {
                return node;
            }
        }

        return null;
    }

    /// <summary>Whether a home has what is left of the flow's connection in TIME-WAIT: its last owner may answer too, until it hears so.</summary>
    public bool IsLeftToHome(in Flow flow)
    {
        foreach (var node in _farm.Nodes)
        {
            if (node.IsUp && node.Find(flow) is TcpEndpoint { IsResidue: true })
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether there is a flow that was not lost with its node.</summary>
    public bool IsAnythingLeft => !Striker.IsDone || _opened < _scenario.Flows || _flows.Exists(flow => !flow.IsLost);

    /// <summary>Whether any node that runs has an endpoint of a flow.</summary>
    public bool IsAnywhere(in Flow flow)
    {
        foreach (var node in _farm.Nodes)
        {
            if (node.IsUp && node.Find(flow) is not null)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>From now on some flows may end with a reset.</summary>
    public void MayLose(Func<SimulatedFlow, bool> which)
    {
        foreach (var flow in _flows)
        {
            flow.MayBeLost |= which(flow);
        }
    }

    /// <summary>Sees each thing that the handoff protocol wants done, before it is.</summary>
    public Action<FarmNode, HandoffOutput>? Stepping { get; set; }

    public SimulatedFlow? FlowOf(in Flow flow) => _byFlow.GetValueOrDefault(flow);

    public StreamFlow StreamOf(in Flow flow) => (StreamFlow)_byFlow[flow];

    public DatagramFlow DatagramsOf(in Flow flow) => (DatagramFlow)_byFlow[flow];

    /// <summary>Whether a flow is frozen somewhere.</summary>
    public bool IsMoving(in Flow flow) => FlowOf(flow)?.Watch.Frozen is not null;

    public void OnCopied(in Datagram datagram)
    {
        if (datagram.Flow < _flows.Count)
        {
            (_flows[datagram.Flow] as DatagramFlow)?.OnCopied(in datagram);
        }
    }

    private void AfterStep()
    {
        _planter.AfterStep();
        _watch.AfterStep();
        if (_scenario.HasFaults)
        {
            _homes.AfterStep();
        }
    }

    private void OnCrash(FarmNode node)
    {
        Crashes++;
        Totals.Count(Total.WrittenOff, node.Shard.Shards.Sum(shard => shard.HomeShare.WrittenOff));
        Totals.Count(Total.Gone, node.Shard.Shards.Sum(shard => shard.HomeShare.Discarded));
        _handoffs.OnCrash(node);
        MayLose(flow =>
        {
            bool isHere = node.Find(flow.Flow) is not null;
            Totals.Count(Total.InHandoffAtCrash, isHere && IsMoving(flow.Flow) ? 1 : 0);
            return isHere || IsKnownToOnly(node, flow.Flow) || IsUnanswerable(flow.Flow) || Striker.MayHaveBeenWrittenOff(flow.Flow, by: node);
        });
        foreach (var flow in _flows)
        {
            flow.OnCrash(node);
        }
    }

    /// <summary>Whether a node that was home and source has decided for a target which has not heard of it.</summary>
    private bool IsKnownToOnly(FarmNode node, in Flow flow)
    {
        bool embryo = false;
        foreach (var other in _farm.Nodes)
        {
            if (other.IsUp && other.Find(flow) is { } endpoint)
            {
                if (endpoint.Phase != EndpointPhase.Embryo)
                {
                    return false;
                }

                embryo |= EndpointRecord.Of(endpoint)!.From == node.Id;
            }
        }

        return embryo;
    }

    /// <summary>Whether a source waits for what only its target and its home could say, and both are killed.</summary>
    private bool IsUnanswerable(in Flow flow)
    {
        foreach (var source in _farm.Nodes)
        {
            if (source.IsUp
                && source.Find(flow) is { Phase: EndpointPhase.Frozen } endpoint
                && EndpointRecord.Of(endpoint)!.Running is { IsArrival: false, Peer: var target }
                && source.Shard.Homes.HomeOf(flow.Tuple.LocalAddress) is var home
                && home != target)
            {
                return _farm.Nodes.All(node => !node.IsUp || (node.Id != target && node.Id != home));
            }
        }

        return false;
    }

    private void OnRestart(FarmNode node)
    {
        Bind(node);
        Watch(node);
    }

    private void Watch(FarmNode node)
    {
        _handoffs.Watch(node);
        node.Shard.Homes.Observer = output => _homes.OnStep(node, output);
    }

    private SimulationResult Result(Action run)
    {
        try
        {
            run();
            return new SimulationResult(Seed, null, Totals, _watch.TraceHash);
        }
        catch (InvariantException e)
        {
            return new SimulationResult(Seed, $"at {Now}: {e.Message}\n{Describe()}", Totals, _watch.TraceHash);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return new SimulationResult(Seed, $"at {Now}: {e}", Totals, _watch.TraceHash);
        }
    }

    /// <summary>The farm is up and watched.</summary>
    private void Begin()
    {
        _farm.Connect();
        foreach (var node in _farm.Nodes)
        {
            Bind(node);
            Watch(node);
            node.Crashed = () => OnCrash(node);
            node.Restarted = () => OnRestart(node);
        }

        foreach (var client in _farm.Clients)
        {
            client.OnEvent = OnClientEvent;
        }

        if (_scenario.HasFaults)
        {
            // Until every member has renewed every other's lease: nobody can speak for a takeover of whom it never relied on.
            _farm.RunFor(TimeSpan.FromSeconds(1));
        }
    }

    private void RunAll()
    {
        var settings = _scenario.Farm;
        Totals.Count(Total.SealedFarms, settings.Sealed ? 1 : 0);
        Totals.Count(Total.ClientsV6OverLanV4, settings is { Family: AddressFamily.V6, LanFamily: AddressFamily.V4 } ? 1 : 0);
        Totals.Count(Total.ClientsV4OverLanV6, settings is { Family: AddressFamily.V4, LanFamily: AddressFamily.V6 } ? 1 : 0);
        Begin();
        for (int i = 0; i < _scenario.Flows; i++)
        {
            int index = i;
            After(new TimeSpan(Random.Next(TimeSpan.TicksPerMillisecond * 20)), () => Open(index));
        }

        Mover.Start();
        Striker.Start();
        RunUntil(() => Mover.IsDone && Striker.IsDone && _opened == _scenario.Flows, "the moves are not through");
        Finish();
    }

    /// <summary>Every flow ends, and nothing is left of any.</summary>
    public void Finish()
    {
        foreach (var flow in _flows)
        {
            flow.Release();
        }

        RunUntil(() => _flows.TrueForAll(flow => flow.IsComplete || flow.IsLost), "the flows are not complete");
        Judge();
        RunUntil(IsEmpty, "something is left");
        _handoffs.CheckComplete();
        RunUntil(NoBufferIsLent, "buffers are lent");
    }

    private void Bind(FarmNode node)
    {
        // Its home always has the application; another node may lack it.
        node.BindUdp("udp", () => new DatagramApplication(this, node), "datagrams");
        node.Bind("placed", () => new StreamApplication(this, node), "stream");
        if (!_scenario.LacksApplication || node.Number != 3)
        {
            node.Bind("tcp", () => new StreamApplication(this, node), "stream");
        }
    }

    /// <summary>Who was lost was told so once, and nobody else was.</summary>
    private void Judge()
    {
        foreach (var flow in _flows)
        {
            if (flow.IsLost)
            {
                (flow as StreamFlow)?.GiveUp();
            }
            else if (flow.MayBeLost && flow is StreamFlow)
            {
                Totals.Count(Total.Survived);
            }
        }

        foreach (var node in _farm.Nodes)
        {
            Totals.Count(Total.WrittenOff, node.IsUp ? node.Shard.Shards.Sum(shard => shard.HomeShare.WrittenOff) : 0);
            Totals.Count(Total.Gone, node.IsUp ? node.Shard.Shards.Sum(shard => shard.HomeShare.Discarded) : 0);
        }
    }

    private void Open(int index)
    {
        var client = _farm.Clients[(int)Random.Next(_farm.Clients.Length)];
        var home = _farm.Nodes[(int)Random.Next(_farm.Nodes.Length - (_scenario.LacksApplication ? 1 : 0))];
        _opened++;
        if (index > 0 && Random.Chance(0.25))
        {
            var plan = _scenario.DrawDatagrams(Random);
            if (index >= Limits.Flows)
            {
                Random.Split();
                return;
            }

            OpenDatagrams(client, home, (ushort)(40_000 + index), plan);
        }
        else
        {
            var plan = _scenario.DrawStream(Random);
            if (index < Limits.Flows)
            {
                OpenStream(client, home, plan);
            }
        }
    }

    /// <summary>A UDP flow of a client to a home's service begins.</summary>
    public DatagramFlow OpenDatagrams(FarmClient client, FarmNode home, ushort port, DatagramPlan plan)
    {
        var endpoint = client.ConnectUdp(home.ServiceAddress, 53, port);
        Totals.Count(Total.DatagramFlows);
        var datagrams = new DatagramFlow(this, _flows.Count, client, home, endpoint, plan)
        {
            Watch = new FlowWatch(this, new Flow(IpProtocol.Udp, endpoint.Flow.Tuple.Reversed)),
        };
        Add(datagrams, endpoint);
        datagrams.Start();
        return datagrams;
    }

    /// <summary>A TCP connection of a client to a home's service begins.</summary>
    public StreamFlow OpenStream(FarmClient client, FarmNode home, StreamPlan plan)
    {
        var endpoint = client.Connect(home.ServiceAddress, plan.Port);
        Totals.Count(Total.Streams);
        var flow = new StreamFlow(this, _flows.Count, client, home, endpoint, plan)
        {
            Watch = new FlowWatch(this, new Flow(IpProtocol.Tcp, endpoint.Flow.Tuple.Reversed)),
        };
        Add(flow, endpoint);
        return flow;
    }

    private void Add(SimulatedFlow flow, Endpoint clientEndpoint)
    {
        _flows.Add(flow);
        _byFlow.Add(flow.Flow, flow);
        _byClientEndpoint.Add(clientEndpoint, flow);
    }

    private void OnClientEvent(Endpoint endpoint, EndpointEvents events)
    {
        switch (_byClientEndpoint.GetValueOrDefault(endpoint))
        {
            case StreamFlow stream:
                stream.OnEvents(events);
                break;
            case DatagramFlow datagrams:
                datagrams.OnEvents(events);
                break;
        }
    }

    /// <summary>Runs until something is so, and fails when it is not after a long time.</summary>
    public void RunUntil(Func<bool> condition, string otherwise)
    {
        var end = Now + _scenario.Limit;
        while (!condition())
        {
            while (_timeline.TryPeek(out var action, out var due) && due.Ticks <= Now.Ticks)
            {
                _timeline.Dequeue();
                action();
            }

            var until = _timeline.TryPeek(out _, out var next) ? Instant.Min(end, new Instant(next.Ticks)) : end;
            if (!_farm.StepUntil(until) && Now >= end)
            {
                Fail($"after {_scenario.Limit.TotalMinutes} minutes {otherwise}:\n{Describe()}");
            }
        }
    }

    private bool IsEmpty() => _farm.Nodes.All(node => !node.IsUp || IsEmpty(node)) && _farm.Clients.All(client => client.Stack.Endpoints.All(e => e is UdpEndpoint));

    private static bool IsEmpty(FarmNode node) => node.Shard.Shards.All(shard =>
        shard.Flows.Count == 0
        && shard.Tombstones.Count == 0
        && shard.RunningHandoffs == 0
        && shard.Stack.HeldBytes == 0
        && shard.Stack.Embryos == 0
        && shard.Stack.Endpoints.All(endpoint => endpoint.Service is null));

    /// <summary>With nothing under way no buffer is lent, but to what waits for the link address of a node that is off, and is dropped soon.</summary>
    private bool NoBufferIsLent()
    {
        bool anyIsOff = _farm.Nodes.Any(node => !node.IsUp);
        return _farm.Pool.Lent == 0
            && _farm.Nodes.All(node => !node.IsUp || node.Shard.Shards.All(shard => shard.Stack.Pool.Lent == (anyIsOff ? shard.Stack.AwaitingNeighbours : 0)))
            && _farm.Clients.All(client => client.Stack.Pool.Lent == 0);
    }

    private string Describe() => string.Join("\n",
    [
        .. _flows.Where(flow => !flow.IsComplete).Select(flow => $"  {flow.Flow} home {flow.Home.Name}: {flow.Progress}"),
        $"  buffers: {_farm.Pool.Lent} {string.Join(' ', _farm.Nodes.Select(n => n.Shard.Shards.Sum(shard => shard.Stack.Pool.Lent)).Concat(_farm.Clients.Select(c => c.Stack.Pool.Lent)))}",
        .. _farm.Nodes.Select(node => $"  {node.Name}{(node.IsUp ? "" : " (off)")}: {node.FlowCount} flows, {node.Shard.Shards.Sum(shard => shard.Tombstones.Count)} tombstones, {node.RunningHandoffs} handoffs, {string.Join(", ", node.Shard.DescribeHomes().Where(home => home.Phase != Handoff.HomePhase.Elsewhere).Select(home => $"{home.Address} {home.Phase}"))}"),
        .. _farm.Nodes.Where(node => node.IsUp).SelectMany(node => node.StackEndpoints.Where(e => e.Service is not null).Select(e =>
            $"  {node.Name}: {e} {(e as TcpEndpoint)?.Connection?.State} {(e as TcpEndpoint)?.Connection?.Statistics}")),
    ]);
}

/// <summary>What became of a seed.</summary>
/// <param name="Seed">The seed.</param>
/// <param name="Failure">What did not hold, and when; null when everything did.</param>
/// <param name="Totals">What happened in it.</param>
/// <param name="TraceHash">A hash of every frame.</param>
internal sealed record SimulationResult(ulong Seed, string? Failure, Totals Totals, ulong TraceHash);

/// <summary>An invariant does not hold.</summary>
internal sealed class InvariantException(string what) : Exception(what);
