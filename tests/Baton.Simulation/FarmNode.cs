using Baton.Engine;
using Baton.Link;
using Baton.Membership;
using Baton.Stack;
using Baton.Wire;

namespace Baton.Simulation;

/// <summary>A node of a simulated farm.</summary>
public sealed class FarmNode
{
    private readonly Farm _farm;
    private readonly MemoryLink[] _links;
    private Instant _next = Instant.Zero;
    private bool _isRunning;

    internal FarmNode(Farm farm, string name, int number)
    {
        _farm = farm;
        Name = name;
        Number = number;
        var settings = farm.Settings;
        FrontLink = farm.Front.Attach(new MemoryLinkOptions
        {
            Name = $"{name}-front",
            Address = new MacAddress(0x02_00_00_00_01_00 + (ulong)number),
            Mtu = settings.FrontMtu,
            Offloads = settings.Offloads,
            Faults = settings.Front,
        });
        LanLink = farm.Lan.Attach(new MemoryLinkOptions
        {
            Name = $"{name}-lan",
            Address = new MacAddress(0x02_00_00_00_02_00 + (ulong)number),
            Mtu = settings.LanMtu,
            Offloads = settings.Offloads,
            Faults = settings.Lan,
        });
        FrontQueues = [.. Enumerable.Range(1, settings.Shards(number) - 1).Select(_ => FrontLink.AddQueue())];
        LanQueues = [.. Enumerable.Range(1, settings.Shards(number) - 1).Select(_ => LanLink.AddQueue())];
        _links = [FrontLink, LanLink, .. FrontQueues, .. LanQueues];
        Shard = new Shard(farm.OptionsOf(this), farm.Now);
    }

    /// <summary>Called when it has been killed; its shard is still the last one.</summary>
    public Action? Crashed { get; set; }

    /// <summary>Called when it has been started anew.</summary>
    public Action? Restarted { get; set; }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>Its number, from 1 on.</summary>
    public int Number { get; }

    /// <summary>Its number as an id.</summary>
    public NodeId Id => new((ushort)Number);

    /// <summary>The address that it is home of and that the clients use.</summary>
    public InetAddress ServiceAddress =>
        _farm.Settings.Family == AddressFamily.V4 ? Farm.ServiceAddress(Number) : Farm.ServiceAddressV6(Number);

    /// <summary>Its port on the front.</summary>
    public MemoryLink FrontLink { get; }

    /// <summary>Its port on the lan.</summary>
    public MemoryLink LanLink { get; }

    /// <summary>The further queues of its port on the front, one for each shard but the first.</summary>
    public IReadOnlyList<MemoryLink> FrontQueues { get; }

    /// <summary>The same on the lan.</summary>
    public IReadOnlyList<MemoryLink> LanQueues { get; }

    /// <summary>Its first core; another one after <see cref="Restart"/>.</summary>
    public Shard Shard { get; private set; }

    /// <summary>The number of its present start, from 1 on.</summary>
    public ulong Incarnation { get; private set; } = 1;

    /// <summary>Whether it runs.</summary>
    public bool IsUp { get; private set; } = true;

    /// <summary>Its endpoints of services.</summary>
    public IReadOnlyList<EndpointDescription> Endpoints =>
        Shard.Shards.Count == 1 ? Shard.DescribeAll() : [.. Shard.Shards.SelectMany(shard => shard.DescribeAll())];

    /// <summary>Its only endpoint.</summary>
    public EndpointDescription Endpoint => Endpoints.Single();

    /// <summary>Its only TCP endpoint of a service, or null without one.</summary>
    public TcpEndpoint? Tcp => Shard.Shards.SelectMany(shard => shard.Stack.Endpoints).OfType<TcpEndpoint>().SingleOrDefault(endpoint => endpoint.Service is not null);

    /// <summary>The endpoints of all its stacks, its own ones too.</summary>
    public IEnumerable<Endpoint> StackEndpoints => Shard.Shards.Count == 1 ? Shard.Stack.Endpoints : Shard.Shards.SelectMany(shard => shard.Stack.Endpoints);

    /// <summary>The flows in its directory.</summary>
    public int FlowCount => Shard.Shards.Sum(shard => shard.Flows.Count);

    /// <summary>Its handoffs under way.</summary>
    public int RunningHandoffs => Shard.Shards.Sum(shard => shard.RunningHandoffs);

    /// <summary>What it has counted.</summary>
    public EngineCounters Counters => Shard.Shards.Select(shard => shard.Counters()).Aggregate(EngineCounters.Add);

    /// <summary>Its endpoint of a flow, or null.</summary>
    public Endpoint? Find(Flow flow) => ShardOf(flow).Stack.Find(flow);

    /// <summary>The core that a flow belongs to.</summary>
    public Shard ShardOf(Flow flow) => Shard.Shards[Shard.Steering.OfFlow(in flow)];

    /// <summary>Whether it has heard of a member.</summary>
    public bool Sees(FarmNode peer) => Shard.Exchange.View.StatusOf(peer.Id) == MemberStatus.Reachable;

    /// <summary>Binds an application to a TCP service.</summary>
    public void Bind(string service, Func<IEndpointApplication> accept, string application = "pattern", bool transparent = false) =>
        Bind(new ApplicationBinding(new BatonEndPoint(service), IpProtocol.Tcp, application, accept, transparent));

    /// <summary>Binds an application to a UDP service.</summary>
    public void BindUdp(string service, Func<IEndpointApplication> accept, string application = "echo", bool transparent = false) =>
        Bind(new ApplicationBinding(new BatonEndPoint(service), IpProtocol.Udp, application, accept, transparent));

    /// <summary>Asks for a move of its only endpoint; the result is there once it has ended.</summary>
    public PendingResult Move(FarmNode target) => Move(Endpoint.Id, target);

    /// <summary>Asks for a move of an endpoint; the result is there once it has ended.</summary>
    public PendingResult Move(EndpointId endpoint, FarmNode target)
    {
        var pending = new PendingResult();
        Shard.Shards[Shard.Steering.OfEndpoint(endpoint)].RequestMove(endpoint, target.Name, Engine.MoveCause.Operator, result => pending.Result = result);
        _next = Instant.Zero;
        return pending;
    }

    /// <summary>
    /// Its process is killed: it says nothing any more, and forgets everything. In the middle of its own run too: what it had
    /// not sent by then is lost with it.
    /// </summary>
    public void Crash()
    {
        IsUp = false;
        FrontLink.IsPluggedIn = LanLink.IsPluggedIn = false;
        DropWaiting();
        Crashed?.Invoke();
        if (_isRunning)
        {
            throw new NodeCrashException();
        }
    }

    /// <summary>Its process is started anew, with no memory.</summary>
    public void Restart()
    {
        DropWaiting();
        Incarnation++;
        Shard = new Shard(_farm.OptionsOf(this), _farm.Now, Incarnation);
        FrontLink.IsPluggedIn = LanLink.IsPluggedIn = IsUp = true;
        _next = Instant.Zero;
        Restarted?.Invoke();
    }

    /// <summary>When it wants to run.</summary>
    public Instant Next => _next;

    /// <summary>Whether it ran in the last step.</summary>
    public bool HasRun { get; private set; }

    /// <summary>Something was called on the shard: it runs at the next step.</summary>
    public void Touch() => _next = Instant.Zero;

    internal Instant Run(Instant now)
    {
        if (!IsUp)
        {
            HasRun = false;
            return Instant.Never;
        }

        HasRun = now >= _next || IsAnythingWaiting() || HasWorks();
        if (HasRun)
        {
            _isRunning = true;
            try
            {
                _next = Instant.Never;
                for (int i = 0; i < Shard.Shards.Count; i++)
                {
                    _next = Instant.Min(_next, Shard.Shards[i].Run(now));
                }

                _next = HasWorks() ? now : _next;
            }
            catch (NodeCrashException)
            {
                _next = Instant.Never;
                HasRun = false;
            }

            _isRunning = false;
        }

        return _next;
    }

    private void DropWaiting()
    {
        foreach (var link in _links)
        {
            while (link.Receive(Nobody.Instance, 1024) > 0)
            {
            }
        }
    }

    private bool IsAnythingWaiting()
    {
        foreach (var link in _links)
        {
            if (link.Waiting > 0)
            {
                return true;
            }
        }

        return false;
    }

    private bool HasWorks()
    {
        for (int i = 0; i < Shard.Shards.Count; i++)
        {
            if (Shard.Shards[i].HasWorks)
            {
                return true;
            }
        }

        return false;
    }

    private void Bind(ApplicationBinding binding)
    {
        foreach (var shard in Shard.Shards)
        {
            shard.Bind(binding);
        }
    }
}

/// <summary>A node is killed in the middle of its run.</summary>
internal sealed class NodeCrashException : Exception;

/// <summary>Takes a dead node's frames.</summary>
internal sealed class Nobody : IFrameReceiver
{
    public static Nobody Instance { get; } = new();

    public void OnFrame(ILink link, FrameOffload offload, Span<byte> frame)
    {
    }
}

/// <summary>A move that was asked for.</summary>
public sealed class PendingResult
{
    /// <summary>What came of it, once it has ended.</summary>
    public MoveResult? Result { get; internal set; }
}
