using System.Text;
using Baton.Engine;
using Baton.Link;
using Baton.Tcp;
using Baton.Wire;

namespace Baton.Hosting;

/// <summary>Makes what the engine is told out of a validated configuration.</summary>
internal static class EngineOptionsFactory
{
    /// <summary>The engine's options, with links that are already open: one of each network for each shard.</summary>
    public static EngineOptions Create(BatonOptions options, IReadOnlyList<ILink> front, IReadOnlyList<ILink> lan, NicCache? nic, IPeerAuthenticator? authenticator) => new()
    {
        Node = options.Node,
        Members = [.. options.Members.Select(Member)],
        Services = [.. options.Services.Select(ServiceOf)],
        Policies = options.Policies,
        Front = Network(options.Front, front),
        Lan = Network(options.Lan, lan),
        Nic = nic,
        Keys = EngineKeys.FromSecret(Encoding.UTF8.GetBytes(options.Secret)),
        Authenticator = authenticator,
        Limits = options.Limits,
        Rule = options.Rule,
        SpinTime = options.SpinTime,
        Nice = options.Nice,
        HandoffBudget = options.HandoffBudget,
        MembershipInterval = options.MembershipInterval,
    };

    /// <summary>Opens the devices that the settings name.</summary>
    /// <exception cref="LinkException">One does not open; none is left open.</exception>
    public static ChosenLinks OpenLinks(BatonOptions options) => LinkChoice.OpenBoth(
        Request(options.Front, options), Request(options.Lan, options), options.Nic.Enabled ? Nic(options.Nic) : null);

    private static NicOptions Nic(NicSettings nic) => new() { Flows = nic.Flows, Endpoints = nic.Endpoints, SynRate = nic.SynRate, SynBurst = nic.SynBurst };

    private static LinkRequest Request(NetworkSettings network, BatonOptions options) => new()
    {
        Kind = network.Link switch
        {
            "auto" => LinkKind.Auto,
            "packet" => LinkKind.Packet,
            "xdp" => LinkKind.Xdp,
            _ => LinkKind.Tap,
        },
        Name = network.Device,
        Mtu = network.Mtu,
        Napi = network.Napi,
        BusyPoll = network.BusyPoll,
        Vlan = network.Vlan,
        Queues = options.Shards,
        Address = MacAddress.TryParse(network.MacAddress, out var address) ? address : null,
        Addresses = [.. options.Members.Where(member => member.Name == options.Node).Select(Member).SelectMany(AddressesOf)],
    };

    /// <summary>The protocol by its name in the configuration.</summary>
    public static IpProtocol? ProtocolOf(string name) => name switch
    {
        "tcp" => IpProtocol.Tcp,
        "udp" => IpProtocol.Udp,
        _ => null,
    };

    /// <summary>The placement by its name in the configuration.</summary>
    public static Placement? PlacementOf(string name) => name switch
    {
        "handshake" => Placement.Handshake,
        "first-request" => Placement.FirstRequest,
        _ => null,
    };

    private static IEnumerable<InetAddress> AddressesOf(MemberOptions member) =>
        [member.LanAddress, member.FrontAddress, .. member.FrontAddressV6 is { } v6 ? [v6] : Array.Empty<InetAddress>(), .. member.ServiceAddresses];

    private static MemberOptions Member(MemberSettings member) => new()
    {
        Name = member.Name,
        Id = new NodeId((ushort)member.Id),
        LanAddress = InetAddress.Parse(member.Lan),
        FrontAddress = InetAddress.Parse(member.Front),
        FrontAddressV6 = AddressOrNone(member.FrontV6),
        ServiceAddresses = [.. member.ServiceAddresses.Select(InetAddress.Parse)],
        Weight = (ushort)member.Weight,
    };

    private static ServiceOptions ServiceOf(ServiceSettings service) => new()
    {
        Name = service.Name,
        Protocol = ProtocolOf(service.Protocol)!.Value,
        Port = (ushort)service.Port,
        Addresses = [.. service.Addresses.Select(InetAddress.Parse)],
        Application = service.Application.Length > 0 ? service.Application : null,
        ApplicationPort = service.ApplicationPort > 0 ? (ushort)service.ApplicationPort : null,
        Placement = PlacementOf(service.Placement)!.Value,
        Policy = service.Policy,
        FastOpen = service.FastOpen,
        Connections = ConnectionsOf(service.Connections),
    };

    /// <summary>What a service's connections do; null where nothing is said.</summary>
    public static ConnectionOptions? ConnectionsOf(ConnectionSettings settings)
    {
        var options = new ConnectionOptions
        {
            NoDelay = settings.NoDelay,
            Congestion = CongestionOf(settings.Congestion),
            KeepAliveTime = settings.KeepAliveTime,
            KeepAliveInterval = settings.KeepAliveInterval,
            KeepAliveProbes = settings.KeepAliveProbes,
            UserTimeout = settings.UserTimeout,
            Linger = settings.Linger,
            NotSentLimit = settings.NotSentLimit,
            SendBuffer = settings.SendBuffer,
            ReceiveBuffer = settings.ReceiveBuffer,
            Dscp = settings.Dscp,
            HopLimit = settings.HopLimit,
        };
        return options == new ConnectionOptions() ? null : options;
    }

    /// <summary>The congestion control of a name, or null.</summary>
    public static CongestionAlgorithm? CongestionOf(string name) => name switch
    {
        "cubic" => CongestionAlgorithm.Cubic,
        "reno" => CongestionAlgorithm.NewReno,
        "bbr" => CongestionAlgorithm.Bbr,
        _ => null,
    };

    private static NetworkOptions Network(NetworkSettings network, IReadOnlyList<ILink> links) => new()
    {
        Link = links[0],
        FurtherQueues = [.. links.Skip(1)],
        PrefixLength = network.PrefixLength,
        Gateway = AddressOrNone(network.Gateway),
        PrefixLengthV6 = network.PrefixLengthV6,
        GatewayV6 = AddressOrNone(network.GatewayV6),
        AcceptRouters = network.AcceptRouters,
        CheckAddresses = network.CheckAddresses,
    };

    private static InetAddress? AddressOrNone(string text) => text.Length > 0 ? InetAddress.Parse(text) : null;
}
