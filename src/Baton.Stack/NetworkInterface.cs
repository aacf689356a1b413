using Baton.Wire;

namespace Baton.Stack;

/// <summary>An interface of the stack: its addresses, and its neighbours.</summary>
internal sealed class NetworkInterface
{
    private readonly List<InetAddress> _serviceAddresses;

    public NetworkInterface(InterfaceId id, InterfaceOptions options, StackLimits limits, Transmitter transmitter, TcpEmitter emitter)
    {
        Id = id;
        Options = options;
        _serviceAddresses = [.. options.ServiceAddresses];
        Arp = new ArpSender(this, transmitter);
        Neighbours = new NeighbourCache(this, limits, transmitter, emitter);
    }

    public InterfaceId Id { get; }

    public InterfaceOptions Options { get; }

    public ArpSender Arp { get; }

    public NeighbourCache Neighbours { get; }

    public IReadOnlyList<InetAddress> ServiceAddresses => _serviceAddresses;

    /// <summary>The source of ARP requests: never a service address, which a node that is not its home may not speak for (RFC 826).</summary>
    public InetAddress? OwnAddress => Options.Addresses.Count > 0 ? Options.Addresses[0].Address : null;

    public bool IsOwn(InetAddress address)
    {
        for (int i = 0; i < Options.Addresses.Count; i++)
        {
            if (Options.Addresses[i].Address == address)
            {
                return true;
            }
        }

        return false;
    }

    public bool IsHome(InetAddress address) => _serviceAddresses.Contains(address);

    public bool Answers(InetAddress address) => IsOwn(address) || IsHome(address);

    public bool IsOnLink(InetAddress address)
    {
        for (int i = 0; i < Options.Addresses.Count; i++)
        {
            if (Options.Addresses[i].Covers(address))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether this is the broadcast address of one of the link's prefixes, or their network address (RFC 1122 §3.3.6).</summary>
    public bool IsSubnetBroadcast(InetAddress address)
    {
        for (int i = 0; i < Options.Addresses.Count; i++)
        {
            var own = Options.Addresses[i];
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

    public void AddServiceAddress(InetAddress address)
    {
        if (!_serviceAddresses.Contains(address))
        {
            _serviceAddresses.Add(address);
        }
    }

    public bool RemoveServiceAddress(InetAddress address) => _serviceAddresses.Remove(address);
}
