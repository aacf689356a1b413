using Baton.Wire;

namespace Baton.Stack;

/// <summary>An interface of the stack: its addresses, and its neighbours.</summary>
internal sealed class NetworkInterface
{
    private readonly Dictionary<InetAddress, LocalAddress> _local = [];
    private readonly List<InterfaceAddress> _own;

    public NetworkInterface(Instant now, InterfaceId id, InterfaceOptions options, StackLimits limits, Transmitter transmitter, TcpEmitter emitter)
    {
        Id = id;
        Options = options;
        Arp = new ArpSender(this, transmitter);
        Ndp = new NdpSender(this, transmitter);
        Neighbours = new NeighbourCache(this, limits, transmitter, emitter);
        Guard = new AddressGuard(this);
        Routers = new RouterDiscovery(this);
        Groups = new GroupReporter(this, transmitter);
        _own = [.. options.Addresses];
        if (options.SpeaksV6)
        {
            // RFC 4291 §2.8: every interface has a link-local address.
            _own.Add(new InterfaceAddress(InetAddress.LinkLocalOf(options.MacAddress), 64));
            Routers.Begin(now);
        }

        foreach (var own in _own)
        {
            Add(now, own.Address, isService: false);
        }

        foreach (var service in options.ServiceAddresses)
        {
            Add(now, service, isService: true);
        }
    }

    public InterfaceId Id { get; }

    public InterfaceOptions Options { get; }

    public ArpSender Arp { get; }

    public NdpSender Ndp { get; }

    public NeighbourCache Neighbours { get; }

    public AddressGuard Guard { get; }

    public RouterDiscovery Routers { get; }

    public GroupReporter Groups { get; }

    /// <summary>The node's own addresses on this link, the link-local one included.</summary>
    public IReadOnlyList<InterfaceAddress> OwnAddresses => _own;

    /// <summary>Addresses that turned out to be somebody else's.</summary>
    public IEnumerable<InetAddress> Duplicates =>
        _local.Values.Where(a => a.State == LocalAddressState.Duplicate).Select(a => a.Address);

    /// <summary>The source of ARP requests: never a service address, which a node that is not its home may not speak for (RFC 826).</summary>
    public InetAddress? ArpAddress => FirstOwn(static a => a.IsV4);

    /// <summary>The link-local IPv6 address, source of solicitations, once it may be used.</summary>
    public InetAddress? LinkLocal => FirstOwn(static a => !a.IsV4 && a.IsLinkLocal);

    public LocalAddress? Find(InetAddress address) => _local.GetValueOrDefault(address);

    public bool IsOwn(InetAddress address) => Find(address) is { IsAssigned: true, IsService: false };

    public bool Answers(InetAddress address) => Find(address) is { IsAssigned: true };

    public bool IsOnLink(InetAddress address)
    {
        for (int i = 0; i < _own.Count; i++)
        {
            if (_own[i].Covers(address))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The next hop of what is not on a link, or null.</summary>
    public InetAddress? GatewayOf(AddressFamily family)
    {
        if (Options.Gateway is { } gateway && gateway.Family == family)
        {
            return gateway;
        }

        return family == AddressFamily.V6 ? Options.GatewayV6 ?? Routers.Router : null;
    }

    /// <summary>
    /// Whether packets to an IPv6 group are for us: all nodes, and the solicited-node groups of our addresses (RFC 4291
    /// §2.8), also of those that are being checked.
    /// </summary>
    public bool Listens(InetAddress group)
    {
        if (group == InetAddress.AllNodes)
        {
            return Options.SpeaksV6;
        }

        foreach (var local in _local.Values)
        {
            if (!local.Address.IsV4 && local.State != LocalAddressState.Duplicate && local.Address.SolicitedNode == group)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The solicited-node groups of our addresses, each once.</summary>
    public List<InetAddress> SolicitedNodeGroups => [.. _local.Values
        .Where(a => !a.Address.IsV4 && a.State != LocalAddressState.Duplicate)
        .Select(a => a.Address.SolicitedNode)
        .Distinct()];

    /// <summary>Whether this is the broadcast address of one of the link's prefixes, or their network address (RFC 1122 §3.3.6).</summary>
    public bool IsSubnetBroadcast(InetAddress address)
    {
        for (int i = 0; i < _own.Count; i++)
        {
            var own = _own[i];
            // Prefixes of 31 and 32 bits have no broadcast address (RFC 3021).
            if (own.Address.IsV4 && own.Length is > 0 and < 31 && own.Covers(address))
            {
                uint hostMask = uint.MaxValue >> own.Length;
                uint host = address.V4 & hostMask;
                if (host == hostMask || host == 0)
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>Takes a service address; one that is here already stays as it is.</summary>
    public LocalAddress Add(Instant now, InetAddress address, bool isService)
    {
        if (_local.TryGetValue(address, out var known))
        {
            return known;
        }

        var local = new LocalAddress(address, isService);
        _local.Add(address, local);
        Guard.Begin(now, local);
        if (!address.IsV4)
        {
            Groups.OnChange(now);
        }

        return local;
    }

    public void RemoveService(InetAddress address)
    {
        if (Find(address) is { IsService: true } local)
        {
            _local.Remove(address);
            Guard.End(local);
        }
    }

    private InetAddress? FirstOwn(Predicate<InetAddress> matches)
    {
        for (int i = 0; i < _own.Count; i++)
        {
            if (matches(_own[i].Address) && IsOwn(_own[i].Address))
            {
                return _own[i].Address;
            }
        }

        return null;
    }
}
