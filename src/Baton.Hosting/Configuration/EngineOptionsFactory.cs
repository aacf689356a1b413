using System.Text;
using Baton.Engine;
using Baton.Link;
using Baton.Wire;

namespace Baton.Hosting;

/// <summary>Makes what the engine is told out of a validated configuration.</summary>
internal static class EngineOptionsFactory
{
    /// <summary>The engine's options, with links that are already open.</summary>
    public static EngineOptions Create(BatonOptions options, ILink front, ILink lan) => new()
    {
        Node = options.Node,
        Members = [.. options.Members.Select(Member)],
        Services = [.. options.Services.Select(ServiceOf)],
        Front = Network(options.Front, front),
        Lan = Network(options.Lan, lan),
        Keys = EngineKeys.FromSecret(Encoding.UTF8.GetBytes(options.Secret)),
        Limits = options.Limits,
        Rule = options.Rule,
        SpinTime = options.SpinTime,
        HandoffBudget = options.HandoffBudget,
        MembershipInterval = options.MembershipInterval,
    };

    /// <summary>Opens the device that the settings name.</summary>
    /// <returns>The link, and a line that says what it is and why.</returns>
    /// <exception cref="LinkException">It does not open.</exception>
    public static ChosenLink OpenLink(NetworkSettings network, BatonOptions options)
    {
        var request = new LinkRequest
        {
            Name = network.Device,
            Mtu = network.Mtu,
            Napi = network.Napi,
            Address = MacAddress.TryParse(network.MacAddress, out var address) ? address : null,
            Addresses = [.. options.Members.Where(member => member.Name == options.Node).Select(Member).SelectMany(AddressesOf)],
        };
        return network.Link switch
        {
            "auto" => LinkChoice.Open(request),
            "packet" => new(LinkChoice.OpenPacket(request), $"{network.Device}: packet, as configured"),
            "xdp" => new(LinkChoice.OpenXdp(request), $"{network.Device}: xdp, as configured"),
            _ => new(LinkChoice.OpenTap(request), $"{network.Device}: tap, as configured"),
        };
    }

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
        [member.LanAddress, member.FrontAddress, .. member.ServiceAddresses];

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
    };

    private static NetworkOptions Network(NetworkSettings network, ILink link) => new()
    {
        Link = link,
        PrefixLength = network.PrefixLength,
        Gateway = AddressOrNone(network.Gateway),
        PrefixLengthV6 = network.PrefixLengthV6,
        GatewayV6 = AddressOrNone(network.GatewayV6),
        AcceptRouters = network.AcceptRouters,
        CheckAddresses = network.CheckAddresses,
    };

    private static InetAddress? AddressOrNone(string text) => text.Length > 0 ? InetAddress.Parse(text) : null;
}
