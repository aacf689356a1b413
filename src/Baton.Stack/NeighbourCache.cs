using Baton.Wire;

namespace Baton.Stack;

/// <summary>
/// The neighbours of one interface and their link addresses, bounded. ARP (RFC 826) and Neighbor Discovery (RFC 4861) have
/// one cache with the latter's states, so that both families behave alike; only the messages differ.
/// </summary>
internal sealed class NeighbourCache
{
    private const int MaxRequests = 3;                                                // RFC 4861 §10: MAX_MULTICAST_SOLICIT, MAX_UNICAST_SOLICIT
    private static readonly TimeSpan ReachableTime = TimeSpan.FromSeconds(30);        // REACHABLE_TIME
    private static readonly TimeSpan DelayFirstProbe = TimeSpan.FromSeconds(5);       // DELAY_FIRST_PROBE_TIME
    private const int FailedFor = 3;                                                  // intervals between requests

    private readonly NetworkInterface _interface;
    private readonly StackLimits _limits;
    private readonly Transmitter _transmitter;
    private readonly TcpEmitter _emitter;
    private readonly Dictionary<InetAddress, Neighbour> _entries = [];
    private readonly List<Neighbour> _timed = [];
    private int _unanswered;

    public NeighbourCache(NetworkInterface networkInterface, StackLimits limits, Transmitter transmitter, TcpEmitter emitter)
    {
        _interface = networkInterface;
        _limits = limits;
        _transmitter = transmitter;
        _emitter = emitter;
    }

    public int Count => _entries.Count;

    /// <summary>Packets that wait for a link address which is being asked for.</summary>
    public int Waiting => _entries.Values.Sum(static entry => entry.State == NeighbourState.Incomplete ? entry.Waiting.Count : 0);

    /// <summary>How often a neighbour got a link address, another one, or lost it.</summary>
    public int Changes { get; private set; }

    public Instant NextDeadline
    {
        get
        {
            var next = Instant.Never;
            foreach (var entry in _timed)
            {
                next = Instant.Min(next, entry.Deadline);
            }

            return next;
        }
    }

    /// <summary>A neighbour's link address as far as it is known, without asking.</summary>
    public MacAddress? Known(InetAddress address) =>
        _entries.TryGetValue(address, out var entry) && entry.IsUsable ? entry.MacAddress : null;

    /// <summary>A neighbour's state, for looking; <see cref="NeighbourState.Evicted"/> when there is no entry.</summary>
    public NeighbourState StateOf(InetAddress address) =>
        _entries.TryGetValue(address, out var entry) ? entry.State : NeighbourState.Evicted;

    /// <summary>The entry for a next hop, asking for it where needed; null when as many as may are unanswered.</summary>
    public Neighbour? Find(Instant now, InetAddress address)
    {
        if (!_entries.TryGetValue(address, out var entry))
        {
            // RFC 6583 §6.1: addresses that nobody has must not push out those in use.
            if (_unanswered >= Math.Max(1, _limits.Neighbours / 2) || !MakeRoom())
            {
                return null;
            }

            entry = new Neighbour(address, _interface);
            _entries.Add(address, entry);
            _unanswered++;
            Request(now, entry);
        }

        entry.LastUsed = now;
        if (entry.State == NeighbourState.Reachable && now >= entry.Deadline)
        {
            entry.State = NeighbourState.Stale;
        }

        if (entry.State == NeighbourState.Stale)
        {
            // RFC 4861 §7.3.3: the first packet after that is sent, and in a moment the neighbour is asked.
            entry.State = NeighbourState.Delay;
            SetTimer(entry, now + DelayFirstProbe);
        }

        return entry;
    }

    /// <summary>
    /// Takes in who has sent us something about itself: an ARP request, a solicitation with its link address. It shows
    /// one direction only (RFC 4861 §7.2.3). Creates an entry only for who asks us (RFC 826, "merge").
    /// </summary>
    public void Hear(Instant now, InetAddress address, MacAddress mac, bool create)
    {
        if (!_entries.TryGetValue(address, out var entry))
        {
            // What others say never evicts what we asked for.
            if (create && _entries.Count < _limits.Neighbours)
            {
                entry = new Neighbour(address, _interface) { State = NeighbourState.Stale, MacAddress = mac, LastUsed = now };
                _entries.Add(address, entry);
                Changes++;
            }

            return;
        }

        if (entry.MacAddress != mac || !entry.IsUsable)
        {
            Resolve(entry, mac, NeighbourState.Stale);
        }
    }

    /// <summary>
    /// Takes in an answer or announcement (RFC 4861 §7.2.5, ARP replies alike): a solicited one shows that both directions
    /// work; one that does not override leaves a link address that is known.
    /// </summary>
    public void Answer(Instant now, InetAddress address, MacAddress? mac, bool solicited, bool overrides)
    {
        if (!_entries.TryGetValue(address, out var entry) || (mac is null && !entry.IsUsable))
        {
            return;
        }

        bool changes = !entry.IsUsable || (mac is { } other && other != entry.MacAddress);
        if (changes && entry.IsUsable && !overrides)
        {
            if (entry.State == NeighbourState.Reachable)
            {
                entry.State = NeighbourState.Stale;
            }

            return;
        }

        if (solicited)
        {
            Resolve(entry, mac ?? entry.MacAddress, NeighbourState.Reachable);
            entry.Deadline = now + Reachability(entry, now);
        }
        else if (changes)
        {
            Resolve(entry, mac ?? entry.MacAddress, NeighbourState.Stale);
        }
    }

    public void OnDeadline(Instant now)
    {
        for (int i = _timed.Count - 1; i >= 0; i--)
        {
            var entry = _timed[i];
            if (entry.Deadline > now)
            {
                continue;
            }

            switch (entry.State)
            {
                case NeighbourState.Failed:
                    Evict(entry);
                    break;

                case NeighbourState.Delay:
                    entry.State = NeighbourState.Probe;
                    entry.Requests = 0;
                    Request(now, entry);
                    break;

                case var _ when entry.Requests < MaxRequests:
                    Request(now, entry);
                    break;

                case NeighbourState.Probe:
                    // Unicast went unanswered: the address may have moved, so everybody is asked (RFC 7048 §3).
                    entry.State = NeighbourState.Incomplete;
                    Changes++;
                    _unanswered++;
                    entry.Requests = 0;
                    Request(now, entry);
                    break;

                default:
                    entry.State = NeighbourState.Failed;
                    entry.Deadline = now + FailedFor * _interface.Options.NeighbourInterval;
                    _transmitter.Abandon(entry);
                    Unpark(entry);
                    break;
            }
        }
    }

    /// <summary>The link address is known: what waited is sent.</summary>
    private void Resolve(Neighbour entry, MacAddress mac, NeighbourState state)
    {
        Changes += entry.IsUsable && entry.MacAddress == mac ? 0 : 1;
        if (!entry.IsUsable)
        {
            _unanswered--;
        }

        ClearTimer(entry);
        entry.MacAddress = mac;
        entry.State = state;
        _transmitter.Release(entry);
        Unpark(entry);
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
            if (entry.State is NeighbourState.Reachable or NeighbourState.Stale && (oldest is null || entry.LastUsed < oldest.LastUsed))
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
        if (!entry.IsUsable)
        {
            _unanswered--;
        }

        Changes++;
        ClearTimer(entry);
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

    private void SetTimer(Neighbour entry, Instant at)
    {
        entry.Deadline = at;
        if (!entry.IsTimed)
        {
            entry.IsTimed = true;
            _timed.Add(entry);
        }
    }

    private void ClearTimer(Neighbour entry)
    {
        if (entry.IsTimed)
        {
            entry.IsTimed = false;
            _timed.Remove(entry);
        }
    }

    private void Request(Instant now, Neighbour entry)
    {
        entry.Requests++;
        SetTimer(entry, now + _interface.Options.NeighbourInterval);
        MacAddress? known = entry.State == NeighbourState.Probe ? entry.MacAddress : null;

        // The sender is this node's own address, not the service's: a request teaches every hearer its sender (RFC 826,
        // RFC 4861 §7.2.3), and only the home may speak for a service address. An interface whose own address is still
        // being checked does not ask.
        if (entry.Address.IsV4)
        {
            if (_interface.ArpAddress is { } sender)
            {
                _interface.Arp.Send(ArpOperation.Request, known ?? MacAddress.Broadcast, sender, default, entry.Address);
            }
        }
        else if (_interface.LinkLocal is { } source)
        {
            _interface.Ndp.Solicit(source, entry.Address, known);
        }
    }

    /// <summary>RFC 4861 §6.3.2: between half and one and a half of the base, so that neighbours do not fall into step.</summary>
    private static TimeSpan Reachability(Neighbour entry, Instant now)
    {
        ulong mixed = (entry.Address.Low ^ (ulong)now.Ticks) * 0x9E37_79B9_7F4A_7C15;
        return ReachableTime / 2 + new TimeSpan((long)((mixed >> 32) % (ulong)ReachableTime.Ticks));
    }
}
