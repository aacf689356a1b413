using Baton.Wire;

namespace Baton.Stack;

/// <summary>The neighbours of one interface and their link addresses (RFC 826), bounded.</summary>
internal sealed class NeighbourCache
{
    private const int MaxRequests = 3;
    private static readonly TimeSpan RequestInterval = TimeSpan.FromSeconds(1);   // RFC 1122 §2.3.2.1: at most one a second
    private static readonly TimeSpan FreshFor = TimeSpan.FromSeconds(60);         // RFC 1122 §2.3.2.1: "on the order of a minute"
    private static readonly TimeSpan FailedFor = TimeSpan.FromSeconds(3);

    private readonly NetworkInterface _interface;
    private readonly StackLimits _limits;
    private readonly Transmitter _transmitter;
    private readonly TcpEmitter _emitter;
    private readonly Dictionary<InetAddress, Neighbour> _entries = [];
    private readonly List<Neighbour> _waiting = [];

    public NeighbourCache(NetworkInterface networkInterface, StackLimits limits, Transmitter transmitter, TcpEmitter emitter)
    {
        _interface = networkInterface;
        _limits = limits;
        _transmitter = transmitter;
        _emitter = emitter;
    }

    public int Count => _entries.Count;

    public IEnumerable<Neighbour> Entries => _entries.Values;

    public Instant NextDeadline
    {
        get
        {
            var next = Instant.Never;
            foreach (var entry in _waiting)
            {
                next = Instant.Min(next, entry.Deadline);
            }

            return next;
        }
    }

    /// <summary>The entry for a next hop, asking for it where needed; null when the cache is full of unanswered requests.</summary>
    public Neighbour? Find(Instant now, InetAddress address)
    {
        if (!_entries.TryGetValue(address, out var entry))
        {
            if (!MakeRoom())
            {
                return null;
            }

            entry = Add(address, NeighbourState.Incomplete);
            _waiting.Add(entry);
            Request(now, entry);
        }

        entry.LastUsed = now;
        Refresh(now, entry);
        return entry;
    }

    /// <summary>Asks again for an address that is in use and old (RFC 1122 §2.3.2.1, unicast poll).</summary>
    public void Refresh(Instant now, Neighbour entry)
    {
        if (entry.State == NeighbourState.Reachable && now >= entry.Deadline)
        {
            entry.State = NeighbourState.Probing;
            entry.Requests = 0;
            _waiting.Add(entry);
            Request(now, entry);
        }
    }

    /// <summary>Takes in the sender of an ARP packet; creates an entry only for who asks us (RFC 826, "merge").</summary>
    public void Learn(Instant now, InetAddress address, MacAddress mac, bool create)
    {
        if (!_entries.TryGetValue(address, out var entry))
        {
            // What others say never evicts what we asked for.
            if (!create || _entries.Count >= _limits.Neighbours)
            {
                return;
            }

            entry = Add(address, NeighbourState.Reachable);
        }

        _waiting.Remove(entry);
        entry.MacAddress = mac;
        entry.State = NeighbourState.Reachable;
        entry.Deadline = now + FreshFor;
        _transmitter.Release(entry);
        Unpark(entry);
    }

    public void OnDeadline(Instant now)
    {
        for (int i = _waiting.Count - 1; i >= 0; i--)
        {
            var entry = _waiting[i];
            if (entry.Deadline > now)
            {
                continue;
            }

            if (entry.State == NeighbourState.Failed)
            {
                _waiting.RemoveAt(i);
                Evict(entry);
            }
            else if (entry.Requests < MaxRequests)
            {
                Request(now, entry);
            }
            else if (entry.State == NeighbourState.Probing)
            {
                // The unicast poll went unanswered: the address may have moved, so ask everybody.
                entry.State = NeighbourState.Incomplete;
                entry.Requests = 0;
                Request(now, entry);
            }
            else
            {
                entry.State = NeighbourState.Failed;
                entry.Deadline = now + FailedFor;
                _transmitter.Abandon(entry);
                Unpark(entry);
            }
        }
    }

    private Neighbour Add(InetAddress address, NeighbourState state)
    {
        var entry = new Neighbour(address, _interface) { State = state };
        _entries.Add(address, entry);
        return entry;
    }

    private bool MakeRoom()
    {
        if (_entries.Count < _limits.Neighbours)
        {
            return true;
        }

        Neighbour? oldest = null;
        foreach (var entry in _entries.Values)
        {
            if (entry.State == NeighbourState.Reachable && (oldest is null || entry.LastUsed < oldest.LastUsed))
            {
                oldest = entry;
            }
        }

        if (oldest is null)
        {
            return false;
        }

        Evict(oldest);
        return true;
    }

    private void Evict(Neighbour entry)
    {
        entry.State = NeighbourState.Evicted;
        _entries.Remove(entry.Address);
        Unpark(entry);
    }

    private void Unpark(Neighbour entry)
    {
        foreach (var endpoint in entry.Parked)
        {
            endpoint.IsParked = false;
            _emitter.Mark(endpoint);
        }

        entry.Parked.Clear();
    }

    private void Request(Instant now, Neighbour entry)
    {
        entry.Requests++;
        entry.Deadline = now + RequestInterval;
        var destination = entry.State == NeighbourState.Probing ? entry.MacAddress : MacAddress.Broadcast;

        // The sender is this node's own address, not the service's: a request teaches every hearer its sender
        // (RFC 826), and only the home may speak for a service address.
        if (_interface.OwnAddress is { IsV4: true } sender && entry.Address.IsV4)
        {
            _interface.Arp.Send(ArpOperation.Request, destination, sender, default, entry.Address);
        }
    }
}
