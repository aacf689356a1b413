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

    /// <summary>Where a packet leaves and to whom (RFC 1122 §3.3.1.1).</summary>
    public bool TryFind(InetAddress destination, out NetworkInterface networkInterface, out InetAddress nextHop)
    {
        nextHop = destination;
        foreach (var candidate in _interfaces)
        {
            if (candidate.IsOnLink(destination))
            {
                networkInterface = candidate;
                return true;
            }
        }

        foreach (var candidate in _interfaces)
        {
            if (candidate.Options.Gateway is { } gateway && gateway.IsV4 == destination.IsV4)
            {
                networkInterface = candidate;
                nextHop = gateway;
                return true;
            }
        }

        networkInterface = null!;
        return false;
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
}
