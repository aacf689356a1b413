using Baton.Link;
using Baton.Stack;
using Baton.Wire;

namespace Baton.Simulation;

/// <summary>One seed: a farm, its flows and its handoffs, from the first SYN until every table is empty.</summary>
internal sealed class SimulationRun : IDisposable
{
    // Far more virtual time than any recovery takes: retransmission backs off to a minute at most.
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(20);

    private readonly Farm _farm;
    private readonly Scenario _scenario;
    private readonly FarmWatch _watch;
    private readonly HandoffWatch _handoffs;
    private readonly DefectPlanter _planter;
    private readonly PriorityQueue<Action, (long Ticks, long Number)> _timeline = new();
    private readonly List<SimulatedFlow> _flows = [];
    private readonly Dictionary<Flow, SimulatedFlow> _byFlow = [];
    private readonly Dictionary<Endpoint, SimulatedFlow> _byClientEndpoint = new(ReferenceEqualityComparer.Instance);
    private string? _failure;
    private long _number;

    private SimulationRun(ulong seed, PlantedDefect defect)
    {
        Seed = seed;
        Random = new SeededRandom(seed);
        _scenario = Scenario.Draw(seed, Random.Split());
        _farm = new Farm(_scenario.Farm);
        _watch = new FarmWatch(this, _farm);
        _handoffs = new HandoffWatch(this, _farm);
        _planter = new DefectPlanter(defect, this, _farm);
        _farm.AfterStep = AfterStep;
        Mover = new Mover(this, _farm, _scenario);
    }

    public ulong Seed { get; }

    public SeededRandom Random { get; }

    public Mover Mover { get; }

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
    public static SimulationResult Run(ulong seed, PlantedDefect defect = PlantedDefect.None, TextWriter? trace = null)
    {
        using var run = new SimulationRun(seed, defect) { Trace = trace };
        try
        {
            run.RunAll();
            return new SimulationResult(seed, null, run.Totals, run._watch.TraceHash);
        }
        catch (InvariantException e)
        {
            return new SimulationResult(seed, $"at {run.Now}: {e.Message}\n{run.Describe()}", run.Totals, run._watch.TraceHash);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return new SimulationResult(seed, $"at {run.Now}: {e}", run.Totals, run._watch.TraceHash);
        }
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
    }

    private void RunAll()
    {
        _farm.Connect();
        BindApplications();
        foreach (var client in _farm.Clients)
        {
            client.OnEvent = OnClientEvent;
        }

        for (int i = 0; i < _scenario.Flows; i++)
        {
            int index = i;
            After(new TimeSpan(Random.Next(TimeSpan.TicksPerMillisecond * 20)), () => Open(index));
        }

        Mover.Start();
        RunUntil(() => Mover.IsDone && _flows.Count == _scenario.Flows, "the moves are not through");
        foreach (var flow in _flows)
        {
            flow.Release();
        }

        RunUntil(() => _flows.TrueForAll(flow => flow.IsComplete), "the flows are not complete");
        RunUntil(IsEmpty, "something is left");
        _handoffs.CheckComplete();
        RunUntil(NoBufferIsLent, "buffers are lent");
    }

    private void BindApplications()
    {
        foreach (var node in _farm.Nodes)
        {
            // Its home always has the application; another node may lack it.
            node.BindUdp("udp", () => new DatagramApplication(this, node), "datagrams");
            node.Bind("placed", () => new StreamApplication(this, node), "stream");
            if (!_scenario.LacksApplication || node.Number != 3)
            {
                node.Bind("tcp", () => new StreamApplication(this, node), "stream");
            }
        }
    }

    private void Open(int index)
    {
        var client = _farm.Clients[(int)Random.Next(_farm.Clients.Count)];
        var home = _farm.Nodes[(int)Random.Next(_farm.Nodes.Count - (_scenario.LacksApplication ? 1 : 0))];
        if (index > 0 && Random.Chance(0.25))
        {
            var endpoint = client.ConnectUdp(home.ServiceAddress, 53, (ushort)(40_000 + index));
            Totals.Count(Total.DatagramFlows);
            var datagrams = new DatagramFlow(this, _flows.Count, client, home, endpoint, Scenario.DrawDatagrams(Random))
            {
                Watch = new FlowWatch(this, new Flow(IpProtocol.Udp, endpoint.Flow.Tuple.Reversed), home),
            };
            Add(datagrams, endpoint);
            datagrams.Start();
        }
        else
        {
            var plan = Scenario.DrawStream(Random);
            var endpoint = client.Connect(home.ServiceAddress, plan.Port);
            Totals.Count(Total.Streams);
            var flow = new StreamFlow(this, _flows.Count, client, home, endpoint, plan)
            {
                Watch = new FlowWatch(this, new Flow(IpProtocol.Tcp, endpoint.Flow.Tuple.Reversed), home),
            };
            Add(flow, endpoint);
        }
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

    private void RunUntil(Func<bool> condition, string otherwise)
    {
        var end = Now + s_limit;
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
                Fail($"after {s_limit.TotalMinutes} minutes {otherwise}:\n{Describe()}");
            }
        }
    }

    private bool IsEmpty() => _farm.Nodes.All(IsEmpty) && _farm.Clients.All(client => client.Stack.Endpoints.All(e => e is UdpEndpoint));

    private static bool IsEmpty(FarmNode node)
    {
        var shard = node.Shard;
        return shard.Flows.Count == 0
            && shard.Tombstones.Count == 0
            && shard.RunningHandoffs == 0
            && shard.Stack.HeldBytes == 0
            && shard.Stack.Embryos == 0
            && shard.Stack.Endpoints.All(endpoint => endpoint.Service is null);
    }

    /// <summary>With nothing under way no buffer is lent.</summary>
    private bool NoBufferIsLent() => _farm.Pool.Lent == 0
        && _farm.Nodes.All(node => node.Shard.Stack.Pool.Lent == 0)
        && _farm.Clients.All(client => client.Stack.Pool.Lent == 0);

    private string Describe() => string.Join("\n",
    [
        .. _flows.Where(flow => !flow.IsComplete).Select(flow => $"  {flow.Flow} home {flow.Home.Name}: {flow.Progress}"),
        $"  buffers: {_farm.Pool.Lent} {string.Join(' ', _farm.Nodes.Select(n => n.Shard.Stack.Pool.Lent).Concat(_farm.Clients.Select(c => c.Stack.Pool.Lent)))}",
        .. _farm.Nodes.Select(node => $"  {node.Name}: {node.Shard.Flows.Count} flows, {node.Shard.Tombstones.Count} tombstones, {node.Shard.RunningHandoffs} handoffs, {string.Join(", ", node.Shard.DescribeHomes().Where(home => home.Phase != Handoff.HomePhase.Elsewhere).Select(home => $"{home.Address} {home.Phase}"))}"),
        .. _farm.Nodes.SelectMany(node => node.Shard.Stack.Endpoints.Where(e => e.Service is not null).Select(e =>
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
