using System.Buffers.Binary;
using Baton.Link.Nic;
using Baton.Wire;

namespace Baton.Link;

/// <summary>
/// What the programs on a node's interfaces know of its director: a copy, which may lack entries but never has one that
/// the director has not. Each change is one update of the kernel's, seen by the next packet. A flow or an endpoint
/// is one thread's to write; the counters are anybody's, and all else is the thread's that has the first queue.
/// </summary>
public sealed class NicCache : IDisposable
{
    private const uint LanDevice = 1;
    private const int MostSyns = 1_000_000;
    private bool _knowsLan;

    /// <summary>Makes the kernel's maps, empty; links that are opened with <see cref="Front"/> and <see cref="Lan"/> load the programs.</summary>
    /// <exception cref="LinkException">The kernel refuses; the message says what mends it.</exception>
    public NicCache(NicOptions options)
    {
        if (options.Flows is < 1 or > 1 << 24 || options.Endpoints is < 1 or > 1 << 24)
        {
            throw new LinkException($"The NIC program cannot hold {options.Flows} flows and {options.Endpoints} endpoints.", "write 1 to 16777216 of each");
        }

        if (options.SynRate is < 0 or > MostSyns || options.SynBurst is < 1 or > MostSyns)
        {
            throw new LinkException(
                $"The NIC program cannot limit SYNs to {options.SynRate} a second and {options.SynBurst} at once.", $"write 0 to {MostSyns} a second, 1 to {MostSyns} at once");
        }

        // The front has the home's flows, the lan the owner's endpoints.
        Front = new NicInterface(new() { Flows = options.Flows, Endpoints = 1 });
        try
        {
            Write(Front.Maps.SynLimit, 0u, NicSynLimit.Of(options.SynRate, options.SynBurst));
            Lan = new NicInterface(new() { Flows = 1, Endpoints = options.Endpoints, SynSources = 1, Nodes = 1 });
        }
        catch
        {
            Front.Dispose();
            throw;
        }
    }

    /// <summary>The interface that clients' packets come by.</summary>
    public NicInterface Front { get; }

    /// <summary>The interface to the other nodes.</summary>
    public NicInterface Lan { get; }

    /// <summary>Whether the front's program can send by the lan's interface: it puts no tag of a VLAN on.</summary>
    public bool CanForward => Front.IsAttached && Lan is { IsAttached: true, Vlan: 0 };

    /// <summary>Clients use the address, whoever is its home: its packets come up unless a flow's entry says otherwise.</summary>
    public void AddService(InetAddress address)
    {
        AddAddress(Front, address, NicAddressKind.Service);
        AddGroup(Front, address);
    }

    /// <summary>The stack has an address of its own at an interface, or listens to a group there.</summary>
    public static void AddOwn(NicInterface at, InetAddress address)
    {
        AddAddress(at, address, NicAddressKind.Host);
        if (!address.IsMulticast)
        {
            AddGroup(at, address);
        }
    }

    /// <summary>Encapsulated packets come to this address on the lan.</summary>
    public void AddLan(InetAddress address) => AddAddress(Lan, address, NicAddressKind.Lan);

    /// <summary>A member: packets that it encapsulated are taken, and it is heard when its Ethernet address changes.</summary>
    public void AddMember(NodeId node, InetAddress lan)
    {
        Write(Lan.Maps.Members, NicAddress.Of(lan), node.Value);
        Write(Lan.Maps.Neighbours, NicAddress.Of(lan), node.Value);
    }

    /// <summary>A host on the front that is heard when its Ethernet address changes: a next hop, another node.</summary>
    public void AddNeighbour(InetAddress address) => Write(Front.Maps.Neighbours, NicAddress.Of(address), 0u);

    /// <summary>Writes where a flow's packets go.</summary>
    /// <param name="flow">The flow.</param>
    /// <param name="kind">Local or forward.</param>
    /// <param name="owner">The node that owns its endpoint.</param>
    /// <param name="epoch">Since which epoch.</param>
    /// <param name="reference">The owner's reference.</param>
    /// <param name="sourcePort">The outer UDP source port.</param>
    /// <returns>False when there was no room; the host then decides about the flow's packets.</returns>
    public bool TryWrite(in Flow flow, VerdictKind kind, NodeId owner, Epoch epoch, in EncodedReference reference, ushort sourcePort)
    {
        var key = NicFlowKey.Of(in flow);
        if (Front.Maps.Flows.TryWrite(key, NicFlow.Of(kind, owner, epoch, in reference, sourcePort)))
        {
            return true;
        }

        // Rather none than one that is not true any more.
        Front.Maps.Flows.Remove(key);
        return false;
    }

    /// <summary>Forgets a flow: the host decides about its packets.</summary>
    /// <returns>Whether it was there.</returns>
    public bool Remove(in Flow flow) => Front.Maps.Flows.Remove(NicFlowKey.Of(in flow));

    /// <summary>Writes the way to a node.</summary>
    /// <param name="node">The node.</param>
    /// <param name="mac">Its Ethernet address, or that of the next hop to it.</param>
    /// <param name="sourceMac">The stack's on the lan.</param>
    /// <param name="source">This node's lan address.</param>
    /// <param name="destination">The other's.</param>
    /// <param name="mtu">The lan's MTU: what does not fit goes to the host, which cuts it.</param>
    public void SetNextHop(NodeId node, MacAddress mac, MacAddress sourceMac, InetAddress source, InetAddress destination, int mtu)
    {
        if (CanForward)
        {
            TellLan();
            Write(Front.Maps.NextHops, node.Value, NicNextHop.Of(sourceMac, mac, source, destination, mtu, LanDevice));
        }
    }

    /// <summary>The way to a node is not known any more: the host gets its packets, and asks.</summary>
    public void RemoveNextHop(NodeId node) => Write(Front.Maps.NextHops, node.Value, default);

    /// <summary>An endpoint of this node has a reference of an epoch: one of another epoch is dropped on the lan.</summary>
    /// <returns>False when there was no room.</returns>
    public bool TryIssue(EndpointId endpoint, Epoch epoch) =>
        Lan.Maps.Endpoints.TryWrite(OnWire(endpoint), BinaryPrimitives.ReverseEndianness(epoch.Value));

    /// <summary>An endpoint is not here any more: the host decides about what comes for it.</summary>
    public void Withdraw(EndpointId endpoint) => Lan.Maps.Endpoints.Remove(OnWire(endpoint));

    /// <inheritdoc/>
    public void Dispose()
    {
        Front.Dispose();
        Lan.Dispose();
    }

    private static ulong OnWire(EndpointId endpoint) => BinaryPrimitives.ReverseEndianness(endpoint.Value);

    /// <summary>RFC 4861 §7.2.1: who asks for an IPv6 address asks its solicited-node group.</summary>
    private static void AddGroup(NicInterface to, InetAddress address)
    {
        if (!address.IsV4)
        {
            AddAddress(to, address.SolicitedNode, NicAddressKind.Host);
        }
    }

    private static void AddAddress(NicInterface to, InetAddress address, NicAddressKind kind)
    {
        if (!to.Maps.TryAddAddress(address, kind))
        {
            throw NoRoom(to.Maps.Addresses);
        }
    }

    private static void Write<TKey, TValue>(Bpf.BpfMap<TKey, TValue> map, TKey key, TValue value)
        where TKey : unmanaged
        where TValue : unmanaged
    {
        if (!map.TryWrite(key, in value))
        {
            throw NoRoom(map);
        }
    }

    private static LinkException NoRoom<TKey, TValue>(Bpf.BpfMap<TKey, TValue> map)
        where TKey : unmanaged
        where TValue : unmanaged =>
        new($"The NIC program has room for {map.Capacity} entries in {map.Name}, and the farm has more.", "use the packet link");

    /// <summary>The kernel looks for the interface in the namespace of the thread that writes its number, which is the link's.</summary>
    private void TellLan()
    {
        if (!_knowsLan)
        {
            NetworkNamespace.Run(Lan.Namespace, () => Write(Front.Maps.Devices, LanDevice, (uint)Lan.Index));
            _knowsLan = true;
        }
    }
}
