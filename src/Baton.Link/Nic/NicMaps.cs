using System.Runtime.CompilerServices;
using Baton.Link.Bpf;
using Baton.Wire;

namespace Baton.Link.Nic;

/// <summary>The most that the program's maps hold.</summary>
internal sealed record NicLimits
{
    /// <summary>Flows; a flow that has no room is decided by the host.</summary>
    public int Flows { get; init; } = 65_536;

    /// <summary>Endpoints of this node's that encapsulated packets come for.</summary>
    public int Endpoints { get; init; } = 65_536;

    /// <summary>Sources of SYNs that are remembered; the longest silent one is forgotten.</summary>
    public int SynSources { get; init; } = 65_536;

    /// <summary>Members of the farm.</summary>
    public int Members { get; init; } = 1024;

    /// <summary>The highest number of a node that packets are forwarded to, and one.</summary>
    public int Nodes { get; init; } = ushort.MaxValue + 1;

    /// <summary>Addresses of this node's.</summary>
    public int Addresses { get; init; } = 1024;
}

/// <summary>What the program knows, each map seen from this side as plain structures.</summary>
internal sealed class NicMaps(NicLimits limits) : IDisposable
{
    /// <summary>Counters of drops come after those of <see cref="NicVerdict"/>.</summary>
    public const int FirstDropCounter = 8;

    /// <summary>How many reasons there is room for.</summary>
    public const int DropCounters = 128;

    /// <summary>This node's addresses; written by <see cref="TryAddAddress"/>.</summary>
    public BpfMap<NicAddress, uint> Addresses { get; } = new(BpfMapKind.Hash, "baton_addresses", limits.Addresses);

    /// <summary>
    /// What is looked at before <see cref="Addresses"/>: each address has one slot that it may stand in. An empty slot says
    /// that the address is not there, without a hash; another address in the slot says nothing.
    /// </summary>
    public BpfMap<uint, NicAddressSlot> AddressSlots { get; } = new(BpfMapKind.Array, "baton_slots", NicAddressSlot.Count);

    /// <summary>The directory's entries.</summary>
    public BpfMap<NicFlowKey, NicFlow> Flows { get; } = new(BpfMapKind.Hash, "baton_flows", limits.Flows);

    /// <summary>The way to each node, by its number; all zeros where its Ethernet address is not known. An array, which costs no hash.</summary>
    public BpfMap<uint, NicNextHop> NextHops { get; } = new(BpfMapKind.Array, "baton_hops", limits.Nodes);

    /// <summary>The members' lan addresses.</summary>
    public BpfMap<NicAddress, uint> Members { get; } = new(BpfMapKind.Hash, "baton_members", limits.Members);

    /// <summary>Whose ARP the stack is to hear also when it is about themselves: members, next hops.</summary>
    public BpfMap<NicAddress, uint> Neighbours { get; } = new(BpfMapKind.Hash, "baton_neighbours", limits.Members);

    /// <summary>The epochs of this node's endpoints, by id; both as on the wire.</summary>
    public BpfMap<ulong, uint> Endpoints { get; } = new(BpfMapKind.Hash, "baton_endpoints", limits.Endpoints);

    /// <summary>When each source of SYNs may send its next.</summary>
    public BpfMap<NicAddress, ulong> SynSources { get; } = new(BpfMapKind.LruHash, "baton_syns", limits.SynSources);

    /// <summary>Entry 0: the limit on SYNs; an interval of 0 is none.</summary>
    public BpfMap<uint, NicSynLimit> SynLimit { get; } = new(BpfMapKind.Array, "baton_limit", 1);

    /// <summary>The XDP socket of each queue.</summary>
    public BpfMap<uint, int> Sockets { get; } = new(BpfMapKind.XdpSockets, "baton_sockets", 64);

    /// <summary>The interfaces that forwarded packets leave by; written in the interface's network namespace, which the kernel looks in.</summary>
    public BpfMap<uint, uint> Devices { get; } = new(BpfMapKind.Devices, "baton_devices", 8);

    /// <summary>Entry 0, one for each processor: room in which a stretch of a packet is summed.</summary>
    public PerCpuScratch Scratch { get; } = new("baton_scratch", Unsafe.SizeOf<NicSum.Scratch>());

    /// <summary>Counters, by <see cref="NicVerdict"/> and <see cref="DropReason"/>.</summary>
    public PerCpuCounters Counters { get; } = new("baton_counters", FirstDropCounter + DropCounters);

    /// <summary>Adds an address of this node's, or makes it one of another kind; false when there is no room.</summary>
    public bool TryAddAddress(InetAddress address, NicAddressKind kind)
    {
        var key = NicAddress.Of(address);
        if (!Addresses.TryWrite(key, (uint)kind))
        {
            return false;
        }

        uint number = NicAddressSlot.NumberOf(in key);
        if (!AddressSlots.TryRead(number, out var slot) || slot.Kind == 0 || slot.Address == key)
        {
            AddressSlots.TryWrite(number, new NicAddressSlot(key, (uint)kind, 0));
        }

        return true;
    }

    /// <summary>Packets of a verdict.</summary>
    public long Count(NicVerdict verdict) => Counters[(int)verdict];

    /// <summary>Packets that the program dropped for a reason.</summary>
    public long Count(DropReason reason) => Counters[FirstDropCounter + (int)reason];

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IDisposable map in (IDisposable[])[Addresses, AddressSlots, Flows, NextHops, Members, Neighbours, Endpoints, SynSources, SynLimit, Sockets, Devices, Scratch, Counters])
        {
            map.Dispose();
        }
    }
}
