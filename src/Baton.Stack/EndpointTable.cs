using System.Diagnostics;
using Baton.Tcp;
using Baton.Wire;

namespace Baton.Stack;

/// <summary>All endpoints of a stack: by id, by flow, by deadline, and those with something to tell.</summary>
internal sealed class EndpointTable
{
    private readonly StackLimits _limits;

    // Sets of endpoints that are looked up by what they contain: a table would hold each flow a second time.
    private readonly HashSet<Endpoint> _ids = new(new IdComparer());
    private readonly HashSet<Endpoint> _flows;
    private readonly HashSet<Endpoint>.AlternateLookup<EndpointId> _byId;
    private readonly HashSet<Endpoint>.AlternateLookup<Flow> _byFlow;
    private readonly Queue<Endpoint> _withEvents = new();

    public EndpointTable(StackLimits limits, HashKey key)
    {
        _limits = limits;
        _flows = new(new FlowComparer(key));
        _byId = _ids.GetAlternateLookup<EndpointId>();
        _byFlow = _flows.GetAlternateLookup<Flow>();
    }

    public EndpointTimers Timers { get; } = new();

    /// <summary>Told when an endpoint that has a reference leaves.</summary>
    public IReferenceObserver? References { get; set; }

    public IReadOnlyCollection<Endpoint> All => _flows;

    /// <summary>What the endpoints of services are together.</summary>
    public EndpointLoad Load { get; private set; }

    /// <summary>Endpoints of services that have no application.</summary>
    public int Unattached { get; private set; }

    /// <summary>Endpoints of services whose handshake is open.</summary>
    public int HalfOpen { get; private set; }

    /// <summary>Endpoints opened by TCP Fast Open whose handshake is open.</summary>
    public int OpenedFast { get; private set; }

    /// <summary>Endpoints that wait for their image.</summary>
    public int Embryos { get; private set; }

    /// <summary>What is kept of other nodes' connections in TIME-WAIT.</summary>
    public int Residues { get; private set; }

    public Endpoint? Find(EndpointId id) => _byId.TryGetValue(id, out var endpoint) ? endpoint : null;

    public Endpoint? Find(in Flow flow) => _byFlow.TryGetValue(flow, out var endpoint) ? endpoint : null;

    /// <summary>
    /// The UDP endpoint for a flow: connected to its remote end, else bound to its local address and port, else to its
    /// port alone.
    /// </summary>
    public UdpEndpoint? FindDatagrams(in Flow flow)
    {
        var any = InetAddress.Any(flow.Tuple.LocalAddress.Family);
        var bound = flow with { Tuple = flow.Tuple with { RemoteAddress = any, RemotePort = 0 } };
        return (Find(flow) ?? Find(bound) ?? Find(bound with { Tuple = bound.Tuple with { LocalAddress = any } })) as UdpEndpoint;
    }

    /// <summary>Why no endpoint can be made for the flow now, or none.</summary>
    public DropReason CheckRoom(in Flow flow, EndpointId id, bool unattached)
    {
        if (_byFlow.Contains(flow) || _byId.Contains(id))
        {
            return DropReason.FlowInUse;
        }

        return _flows.Count >= _limits.Endpoints || (unattached && Unattached >= _limits.UnattachedEndpoints)
            ? DropReason.EndpointTableFull
            : DropReason.None;
    }

    public void Add(Endpoint endpoint)
    {
        _flows.Add(endpoint);
        if (endpoint.Id != EndpointId.None)
        {
            _ids.Add(endpoint);
        }

        if (endpoint.Phase == EndpointPhase.Embryo)
        {
            Embryos++;
        }

        Residues += endpoint is TcpEndpoint { IsResidue: true } ? 1 : 0;
        CountUnattached(endpoint);
        CountLoad(endpoint);
    }

    /// <summary>Takes an endpoint out of every table, and what it holds with it.</summary>
    public void Remove(Endpoint endpoint)
    {
        Debug.Assert(endpoint.Phase != EndpointPhase.Closed, "An endpoint leaves the tables once.");
        if (endpoint.Phase == EndpointPhase.Embryo)
        {
            Embryos--;
        }

        Residues -= endpoint is TcpEndpoint { IsResidue: true } ? 1 : 0;
        endpoint.Phase = EndpointPhase.Closed;
        CountUnattached(endpoint);
        CountLoad(endpoint);
        if (endpoint is TcpEndpoint tcp)
        {
            CountHalfOpen(tcp);
        }

        Timers.Set(endpoint, Instant.Never);
        _flows.Remove(endpoint);
        if (endpoint.Id != EndpointId.None)
        {
            _ids.Remove(endpoint);
        }

        endpoint.Held.Clear();
        if (endpoint.Reference.Length > 0)
        {
            References?.OnEnded(endpoint);
        }
    }

    /// <summary>An embryo has become the owner's endpoint.</summary>
    public void Hatch(Endpoint embryo)
    {
        Debug.Assert(embryo.Phase == EndpointPhase.Embryo, "Only an embryo hatches.");
        Embryos--;
        embryo.Phase = EndpointPhase.Active;
        CountUnattached(embryo);
        CountLoad(embryo);
    }

    /// <summary>Counts an endpoint that is owned here, belongs to a service and has no application; called after each change of these.</summary>
    public void CountUnattached(Endpoint endpoint)
    {
        bool counts = endpoint is { Service: not null, Application: null, Phase: EndpointPhase.Active or EndpointPhase.Frozen }
            && endpoint is not TcpEndpoint { IsResidue: true };
        if (counts != endpoint.CountsAsUnattached)
        {
            endpoint.CountsAsUnattached = counts;
            Unattached += counts ? 1 : -1;
        }
    }

    /// <summary>Counts what an endpoint is to its node; called after each change of that.</summary>
    public void CountLoad(Endpoint endpoint)
    {
        int load = endpoint.Load;
        if (load != endpoint.CountedLoad)
        {
            Load = Load.Replace(endpoint.CountedLoad, load);
            endpoint.CountedLoad = load;
        }
    }

    /// <summary>Counts a handshake that a client began and has not ended; called after each change of that.</summary>
    public void CountHalfOpen(TcpEndpoint endpoint)
    {
        bool counts = endpoint is { Phase: EndpointPhase.Active, Connection: { State: TcpState.SynReceived } }
            && (endpoint.Service is not null || endpoint.CountsInBacklog);
        if (counts == endpoint.CountsAsHalfOpen)
        {
            return;
        }

        bool fast = counts && endpoint.Connection!.OpenedFast;
        OpenedFast += (fast ? 1 : 0) - (endpoint.CountsAsOpenedFast ? 1 : 0);
        endpoint.CountsAsOpenedFast = fast;

        endpoint.CountsAsHalfOpen = counts;
        if (endpoint.Listener is { } listener)
        {
            listener.HalfOpen += counts ? 1 : -1;
        }
        else
        {
            HalfOpen += counts ? 1 : -1;
        }
    }

    public void Raise(Endpoint endpoint, EndpointEvents events)
    {
        if (events == EndpointEvents.None)
        {
            return;
        }

        if (endpoint.PendingEvents == EndpointEvents.None)
        {
            _withEvents.Enqueue(endpoint);
        }

        endpoint.PendingEvents |= events;
    }

    public bool TryTakeEvent(out Endpoint endpoint, out EndpointEvents events)
    {
        if (!_withEvents.TryDequeue(out endpoint!))
        {
            events = EndpointEvents.None;
            return false;
        }

        events = endpoint.PendingEvents;
        endpoint.PendingEvents = EndpointEvents.None;
        return true;
    }

    private sealed class FlowComparer(HashKey key) : IEqualityComparer<Endpoint>, IAlternateEqualityComparer<Flow, Endpoint>
    {
        public bool Equals(Endpoint? x, Endpoint? y) => x!.Flow == y!.Flow;

        public bool Equals(Flow alternate, Endpoint other) => alternate == other.Flow;

        public int GetHashCode(Endpoint endpoint) => GetHashCode(endpoint.Flow);

        public int GetHashCode(Flow flow) => (int)flow.Hash(key);

        public Endpoint Create(Flow alternate) => throw new UnreachableException("Endpoints are added, never made by a look.");
    }

    private sealed class IdComparer : IEqualityComparer<Endpoint>, IAlternateEqualityComparer<EndpointId, Endpoint>
    {
        public bool Equals(Endpoint? x, Endpoint? y) => x!.Id == y!.Id;

        public bool Equals(EndpointId alternate, Endpoint other) => alternate == other.Id;

        public int GetHashCode(Endpoint endpoint) => endpoint.Id.GetHashCode();

        public int GetHashCode(EndpointId id) => id.GetHashCode();

        public Endpoint Create(EndpointId alternate) => throw new UnreachableException("Endpoints are added, never made by a look.");
    }
}
