using Baton.Director;
using Baton.Handoff;
using Baton.Link;
using Baton.Stack;
using Baton.Tcp;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>The layers' settings, from the options.</summary>
internal static class ShardSettings
{
    private const int TcpIpHeaders = 40;

    // Outer IPv4, UDP, and a reference whose addresses are all IPv4.
    private const int EncapsulationV4 = Ipv4Header.Length + UdpHeader.Length + 68;

    public static StackOptions Stack(EngineOptions options, FarmModel farm, DropCounters drops)
    {
        var limits = options.Limits;
        return new StackOptions
        {
            Keys = new StackKeys(options.Keys.SequenceNumbers, options.Keys.Timestamps),
            OwnerAddress = farm.Self.LanAddress,
            Drops = drops,
            Limits = new StackLimits
            {
                Endpoints = limits.Endpoints,
                UnattachedEndpoints = limits.UnattachedEndpoints,
                UnattachedTimeout = limits.UnattachedTimeout,
                Embryos = limits.Handoffs,
                HeldPacketsPerEndpoint = limits.HeldPackets,
                HeldBytesPerEndpoint = limits.HeldBytes,
                DatagramsPerEndpoint = limits.DatagramQueue,
                UdpIdleTimeout = limits.DatagramIdle,
            },
            ServiceTcp = TcpSettings.Default with
            {
                Mss = ServiceMss(options),
                SendBufferLimit = limits.SendBuffer,
                ReceiveBufferLimit = limits.ReceiveBuffer,
            },
            OwnTcp = TcpSettings.Default with
            {
                // The lan's round trip is far below what these defaults are for, and a handoff waits for its messages.
                Mss = (ushort)(Math.Min(options.Front.Link.Mtu, options.Lan.Link.Mtu) - TcpIpHeaders),
                MinRto = TimeSpan.FromMilliseconds(10),
                InitialRto = TimeSpan.FromMilliseconds(200),
                AckDelay = TimeSpan.FromMilliseconds(2),
                MaxRetransmissions = 10,
                MaxSynRetransmissions = 2,
                KeepAliveTime = TimeSpan.FromSeconds(2),
                KeepAliveInterval = TimeSpan.FromSeconds(1),
                KeepAliveProbes = 3,
                TimeWaitLength = TimeSpan.FromSeconds(1),
            },
        };
    }

    public static InterfaceOptions Front(EngineOptions options, FarmModel farm) =>
        Interface(options.Front, farm.Self.FrontAddress) with { ServiceAddresses = farm.Self.ServiceAddresses };

    public static InterfaceOptions Lan(EngineOptions options, FarmModel farm) => Interface(options.Lan, farm.Self.LanAddress);

    public static DirectorLimits Director(EngineLimits limits) => new()
    {
        MaxFlows = limits.Flows,
        MaxTombstones = limits.Tombstones,
        TombstoneForwards = limits.TombstoneTime,
        TombstoneSilent = limits.TombstoneTime,
    };

    public static HandoffLimits Handoff(EngineOptions options) => new()
    {
        MaxSourceHandoffs = options.Limits.Handoffs,
        MaxTargetHandoffs = options.Limits.Handoffs,
        MaxStateBytes = options.Limits.ImageBytes,
        MaxContextBytes = options.Limits.ContextBytes,
        MaxHeldPackets = options.Limits.HeldPackets,
        FreezeBudget = options.HandoffBudget,
        TombstoneForwarding = options.Limits.TombstoneTime,
        TombstoneSilence = options.Limits.TombstoneTime,
    };

    /// <summary>The MSS announced is that of the front or of the encapsulated lan, whichever is smaller: any node may become owner.</summary>
    private static ushort ServiceMss(EngineOptions options) =>
        (ushort)(Math.Min(options.Front.Link.Mtu, options.Lan.Link.Mtu - EncapsulationV4) - TcpIpHeaders);

    private static InterfaceOptions Interface(NetworkOptions network, InetAddress address) => new()
    {
        Name = network.Link.Name,
        MacAddress = network.Link.Address,
        Mtu = network.Link.Mtu,
        ChecksumOffload = network.Link.Offloads.HasFlag(LinkOffloads.Checksum),
        Tso = network.Link.Offloads.HasFlag(LinkOffloads.Tso),
        Addresses = [new InterfaceAddress(address, (byte)network.PrefixLength)],
        Gateway = network.Gateway,
    };
}
