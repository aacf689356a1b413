using System.Diagnostics;
using Baton.Tcp;
using Baton.Wire;

namespace Baton.Stack;

/// <summary>All endpoints of a stack: by id, by flow, by deadline, and those with something to tell.</summary>
internal sealed class EndpointTable
{
    private readonly StackLimits _limits;
    private readonly Dictionary<EndpointId, Endpoint> _byId = [];
    private readonly Dictionary<Flow, Endpoint> _byFlow;
    private readonly Queue<Endpoint> _withEvents = new();

    public EndpointTable(StackLimits limits, HashKey key)
    {
        _limits = limits;
        _byFlow = new(new KeyedFlowComparer(key));
    }

    public EndpointTimers Timers { get; } = new();

    public IReadOnlyCollection<Endpoint> All => _byFlow.Values;

    /// <summary>Endpoints of services that have no application.</summary>
    public int Unattached { get; private set; }

    /// <summary>Endpoints of services whose handshake is open.</summary>
    public int HalfOpen { get; private set; }

    /// <summary>Endpoints that wait for their image.</summary>
    public int Embryos { get; private set; }

    public Endpoint? Find(EndpointId id) => _byId.GetValueOrDefault(id);

    public Endpoint? Find(in Flow flow) => _byFlow.GetValueOrDefault(flow);

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
        if (_byFlow.ContainsKey(flow) || _byId.ContainsKey(id))
        {
            return DropReason.FlowInUse;
        }

        return _byFlow.Count >= _limits.Endpoints || (unattached && Unattached >= _limits.UnattachedEndpoints)
            ? DropReason.EndpointTableFull
            : DropReason.None;
    }

    public void Add(Endpoint endpoint)
    {
        _byFlow.Add(endpoint.Flow, endpoint);
        if (endpoint.Id != EndpointId.None)
        {
            _byId.Add(endpoint.Id, endpoint);
        }

        if (endpoint.Phase == EndpointPhase.Embryo)
        {
            Embryos++;
        }

        CountUnattached(endpoint);
    }

    /// <summary>Takes an endpoint out of every table, and what it holds with it.</summary>
    public void Remove(Endpoint endpoint)
    {
        Debug.Assert(endpoint.Phase != EndpointPhase.Closed, "An endpoint leaves the tables once.");
        if (endpoint.Phase == EndpointPhase.Embryo)
        {
            Embryos--;
        }

        endpoint.Phase = EndpointPhase.Closed;
        CountUnattached(endpoint);
        if (endpoint is TcpEndpoint tcp)
        {
            CountHalfOpen(tcp);
        }

        Timers.Set(endpoint, Instant.Never);
        _byFlow.Remove(endpoint.Flow);
        _byId.Remove(endpoint.Id);
        endpoint.Held.Clear();
    }

    /// <summary>An embryo has become the owner's endpoint.</summary>
    public void Hatch(Endpoint embryo)
    {
        Debug.Assert(embryo.Phase == EndpointPhase.Embryo, "Only an embryo hatches.");
        Embryos--;
        embryo.Phase = EndpointPhase.Active;
        CountUnattached(embryo);
    }

    /// <summary>Counts an endpoint that is owned here, belongs to a service and has no application; called after each change of these.</summary>
    public void CountUnattached(Endpoint endpoint)
    {
        bool counts = endpoint is { Service: not null, Application: null, Phase: EndpointPhase.Active or EndpointPhase.Frozen };
        if (counts != endpoint.CountsAsUnattached)
        {
            endpoint.CountsAsUnattached = counts;
            Unattached += counts ? 1 : -1;
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

    private sealed class KeyedFlowComparer(HashKey key) : IEqualityComparer<Flow>
    {
        public bool Equals(Flow x, Flow y) => x == y;

        public int GetHashCode(Flow flow) => (int)flow.Hash(key);
    }
}
