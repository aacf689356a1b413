using Baton.Director;
using Baton.Handoff;
using Baton.Link;
using Baton.Membership;
using Baton.Stack;
using Baton.Tcp;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>The layers' settings, from the options.</summary>
internal static class ShardSettings
{
    private const int TcpIpHeaders = Ipv4Header.Length + TcpHeader.MinLength;
    private const int TcpIpHeadersV6 = Ipv6Header.Length + TcpHeader.MinLength;

    // A reference whose addresses are all IPv4, and what an IPv6 address more makes of it.
    private const int ReferenceV4 = 68;
    private const int LongerAddress = 12;

    public static StackOptions Stack(EngineOptions options, FarmModel farm, DropCounters drops)
    {
        var limits = options.Limits;
        return new StackOptions
        {
            Keys = new StackKeys(options.Keys.SequenceNumbers, options.Keys.Timestamps),
            OwnerAddress = farm.Self.LanAddress,
            Drops = drops,
            WallClock = options.WallClock,
            Services = Profiles(options),
            Limits = new StackLimits
            {
                Endpoints = limits.Endpoints,
                UnattachedEndpoints = limits.UnattachedEndpoints,
                UnattachedTimeout = limits.UnattachedTimeout,
                HalfOpenEndpoints = limits.HalfOpen,
                FastOpenEndpoints = limits.OpenedFast,
                Embryos = limits.Handoffs,
                Residues = limits.Residues,
                HeldPacketsPerEndpoint = limits.HeldPackets,
                HeldBytesPerEndpoint = limits.HeldBytes,
                DatagramsPerEndpoint = limits.DatagramQueue,
                UdpIdleTimeout = limits.DatagramIdle,
                TcpQueueBytes = new StackLimits().TcpQueueBytes / options.Shards,
                HeldBytes = new StackLimits().HeldBytes / options.Shards,
            },
            ServiceTcp = ServiceTcp(options, farm, AddressFamily.V4),
            ServiceTcpV6 = ServiceTcp(options, farm, AddressFamily.V6),
            OwnTcp = ServiceTcp(options, farm, AddressFamily.V4) with { Mss = (ushort)(LeastMtu(options) - TcpIpHeaders) },
        };
    }

    /// <summary>What each service that has options of its own makes of them.</summary>
    private static Dictionary<string, ServiceProfile> Profiles(EngineOptions options) => options.Services
        .Where(service => service.Connections is not null)
        .GroupBy(service => service.Name, service => service.Connections!)
        .ToDictionary(group => group.Key, group => Profile(group.First()));

    private static ServiceProfile Profile(ConnectionOptions connections) =>
        new(connections.Over, (byte)((connections.Dscp ?? 0) << 2), connections.HopLimit ?? Ipv4Header.DefaultTtl);

    public static InterfaceOptions Front(EngineOptions options, FarmModel farm, bool reportGroups = true)
    {
        var self = options.Members.First(member => member.Id == farm.Self.Id);
        return Interface(options.Front, self.FrontAddress, self.FrontAddressV6, reportGroups);
    }

    public static InterfaceOptions Lan(EngineOptions options, FarmModel farm, bool reportGroups = true) =>
        Interface(options.Lan, farm.Self.LanAddress, null, reportGroups) with
        {
            OwnTcp = LanTcp(options, farm),

            // Three requests that are lost must not cost a member started anew the time in which it may ask for lists.
            NeighbourInterval = TimeSpan.FromMilliseconds(200),
        };

    /// <summary>Connections between nodes: the lan's round trip is far below what the defaults are for, and a handoff waits for its messages.</summary>
    private static TcpSettings LanTcp(EngineOptions options, FarmModel farm) => TcpSettings.Default with
    {
        Mss = (ushort)(LeastMtu(options) - (farm.Self.LanAddress.IsV4 ? TcpIpHeaders : TcpIpHeadersV6)),
        MinRto = TimeSpan.FromMilliseconds(10),
        InitialRto = TimeSpan.FromMilliseconds(200),

        // The source of a handoff waits until the target has the queues that go ahead.
        AckDelay = TimeSpan.Zero,
        MaxRetransmissions = 10,
        MaxSynRetransmissions = 2,
        KeepAliveTime = TimeSpan.FromSeconds(2),
        KeepAliveInterval = TimeSpan.FromSeconds(1),
        KeepAliveProbes = 3,
        TimeWaitLength = TimeSpan.FromSeconds(1),
    };

    private static int LeastMtu(EngineOptions options) => Math.Min(options.Front.Link.Mtu, options.Lan.Link.Mtu);

    public static DirectorLimits Director(EngineLimits limits) => new()
    {
        MaxFlows = limits.Flows,
        MaxTombstones = limits.Tombstones,
        TombstoneForwards = limits.TombstoneTime,
        TombstoneSilent = limits.TombstoneTime,
    };

    public static HomeOptions Home(EngineOptions options)
    {
        var exchange = new LoadExchangeOptions { Interval = options.MembershipInterval };
        return new HomeOptions
        {
            Lease = exchange.Lease,
            LeaseMargin = exchange.LeaseMargin,
            WriteOff = 4 * exchange.Lease,
            VoteTime = exchange.Lease / 3,
            Former = options.Limits.TombstoneTime,
        };
    }

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

    private static TcpSettings ServiceTcp(EngineOptions options, FarmModel farm, AddressFamily clients) => TcpSettings.Default with
    {
        Mss = ServiceMss(options, farm, clients),
        DefaultPeerMss = clients == AddressFamily.V4 ? TcpSettings.Default.DefaultPeerMss : DefaultPeerMssV6,
        SendBufferLimit = options.Limits.SendBuffer,
        ReceiveBufferLimit = options.Limits.ReceiveBuffer,
        ReceiveBufferStart = options.Limits.ReceiveBufferStart,
        TimeWaitLength = options.Limits.TimeWait,
    };

    // RFC 9293 §3.7.1: what an IPv6 peer that names no MSS takes.
    private const ushort DefaultPeerMssV6 = 1220;

    /// <summary>The MSS announced is that of the front or of the encapsulated lan, whichever is smaller: any node may become owner.</summary>
    private static ushort ServiceMss(EngineOptions options, FarmModel farm, AddressFamily clients)
    {
        bool clientsV6 = clients == AddressFamily.V6;
        bool lanV6 = !farm.Self.LanAddress.IsV4;
        int reference = ReferenceV4 + (clientsV6 ? 2 * LongerAddress : 0) + (lanV6 ? LongerAddress : 0);
        int encapsulation = (lanV6 ? Ipv6Header.Length : Ipv4Header.Length) + UdpHeader.Length + reference;
        int mtu = Math.Min(options.Front.Link.Mtu, options.Lan.Link.Mtu - encapsulation);
        return (ushort)(mtu - (clientsV6 ? TcpIpHeadersV6 : TcpIpHeaders));
    }

    private static InterfaceOptions Interface(NetworkOptions network, InetAddress address, InetAddress? second, bool reportGroups) => new()
    {
        Name = network.Link.Name,
        MacAddress = network.Link.Address,
        Mtu = network.Link.Mtu,
        ChecksumOffload = network.Link.Offloads.HasFlag(LinkOffloads.Checksum),
        Tso = network.Link.Offloads.HasFlag(LinkOffloads.Tso),
        Uso = network.Link.Offloads.HasFlag(LinkOffloads.Uso),
        Addresses = second is { } other
            ? [new InterfaceAddress(address, (byte)network.PrefixLength), new InterfaceAddress(other, (byte)network.PrefixLengthV6)]
            : [new InterfaceAddress(address, (byte)network.PrefixLength)],
        Gateway = network.Gateway,
        GatewayV6 = network.GatewayV6,
        AcceptRouters = network.AcceptRouters,
        CheckAddresses = network.CheckAddresses,
        ReportGroups = reportGroups,
    };
}
