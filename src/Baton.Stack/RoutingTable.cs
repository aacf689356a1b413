using Baton.Wire;

namespace Baton.Stack;

/// <summary>Next hops: what is on a link goes there directly, the rest to the gateway.</summary>
internal sealed class RoutingTable
{
    private readonly List<NetworkInterface> _interfaces = [];

    public int Count => _interfaces.Count;

    public NetworkInterface this[InterfaceId id] => _interfaces[id.Value];

    public List<NetworkInterface>.Enumerator GetEnumerator() => _interfaces.GetEnumerator();

    public void Add(NetworkInterface networkInterface) => _interfaces.Add(networkInterface);

    /// <summary>
    /// Where a packet leaves and to whom (RFC 1122 §3.3.1.1). A link-local destination says nothing about the link: it is
    /// that of the source (RFC 4007 §9).
    /// </summary>
    public bool TryFind(InetAddress source, InetAddress destination, out NetworkInterface networkInterface, out InetAddress nextHop)
    {
        nextHop = destination;
        bool scoped = !destination.IsV4 && destination.IsLinkLocal;
        foreach (var candidate in _interfaces)
        {
            if (scoped ? candidate.IsOwn(source) : candidate.IsOnLink(destination))
            {
                networkInterface = candidate;
                return true;
            }
        }

        var family = destination.Family;
        foreach (var candidate in _interfaces)
        {
            if (!scoped && candidate.GatewayOf(family) is { } gateway)
            {
                networkInterface = candidate;
                nextHop = gateway;
                return true;
            }
        }

        networkInterface = null!;
        return false;
    }

    /// <summary>
    /// The node's own address to speak from to a destination: of the interface by which it is reached, of its family,
    /// scope and longest common prefix (RFC 6724 §5, rules 1, 2, 5 and 8: the others need more addresses than we have).
    /// </summary>
    public bool TryChooseSource(InetAddress destination, out InetAddress source)
    {
        source = default;
        if (!TryFind(default, destination, out var networkInterface, out _))
        {
            return false;
        }

        int best = -1;
        foreach (var own in networkInterface.OwnAddresses)
        {
            if (own.Address.Family != destination.Family || !networkInterface.IsOwn(own.Address))
            {
                continue;
            }

            int score = own.Address == destination ? int.MaxValue
                : (own.Address.IsLinkLocal == destination.IsLinkLocal ? 256 : own.Address.IsLinkLocal ? 0 : 128) + CommonPrefix(own, destination);
            if (score > best)
            {
                best = score;
                source = own.Address;
            }
        }

        return best >= 0;
    }

    /// <summary>Whether any interface has the address as the node's own.</summary>
    public bool IsOwn(InetAddress address)
    {
        foreach (var candidate in _interfaces)
        {
            if (candidate.IsOwn(address))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether an address is on any interface's link, link-local ones left out.</summary>
    public bool IsOnLink(InetAddress address)
    {
        if (!address.IsV4 && address.IsLinkLocal)
        {
            return false;
        }

        foreach (var candidate in _interfaces)
        {
            if (candidate.IsOnLink(address))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether any interface answers for the address.</summary>
    public bool Answers(InetAddress address)
    {
        foreach (var candidate in _interfaces)
        {
            if (candidate.Answers(address))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Leading bits that are equal, counted up to the prefix's length (RFC 6724 §2.2).</summary>
    private static int CommonPrefix(in InterfaceAddress own, InetAddress other)
    {
        int length = 0;
        while (length < own.Length && other.IsIn(own.Address, length + 1))
        {
            length++;
        }

        return length;
    }
}
