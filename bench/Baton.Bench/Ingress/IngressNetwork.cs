using System.Globalization;
using System.Net;
using Baton.Bench.Machine;
using Baton.Engine;
using Baton.Link;
using Baton.Wire;

namespace Baton.Bench.Ingress;

/// <summary>
/// A client, the nodes a and b and a proxy on the front, a bridge in a namespace of its own; the lan is a cable between
/// the nodes.
/// </summary>
internal sealed class IngressNetwork : IDisposable
{
    /// <summary>The service.</summary>
    public const string Service = "web";

    /// <summary>Its port, at the nodes and at the proxies.</summary>
    public const ushort Port = 80;

    /// <summary>The second proxy's.</summary>
    public const ushort SecondPort = 81;

    private const int FrontMtu = 1500, LanMtu = 9000;

    private readonly Namespaces _namespaces = new("client", "switch", "proxy", "a", "b");

    public IngressNetwork()
    {
        try
        {
            _namespaces.Ip("switch", "link add front type bridge stp_state 0 forward_delay 0 mcast_snooping 0");
            _namespaces.Ip("switch", $"link set front mtu {Mtu("front")} up");
            Array.ForEach(["client", "proxy", "a"], AddToFront);
            _namespaces.Ip("client", "address add 198.51.100.2/24 dev front");
            _namespaces.Ip("proxy", $"address add {Proxy}/24 dev front");
            _namespaces.Ip("switch", "tuntap add dev front-b mode tap vnet_hdr");
            _namespaces.Ip("switch", $"link set front-b mtu {Mtu("front")} txqueuelen 4096 master front up");
            Cable("a", "lan", "b", "lan", Mtu("lan"));

            // Whoever sends to an XDP program completes its checksums, since the program cannot see that one is missing.
            foreach (var (part, name) in (ReadOnlySpan<(string, string)>)[("client", "front"), ("switch", "front-a"), ("a", "lan"), ("b", "lan")])
            {
                _namespaces.Execute(part, "ethtool", "-K", name, "tx", "off");
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>A's address, whose flows b owns.</summary>
    public static IPAddress AtA { get; } = IPAddress.Parse("198.51.100.101");

    /// <summary>B's address: the same server without a in the way.</summary>
    public static IPAddress AtB { get; } = IPAddress.Parse("198.51.100.102");

    public static IPAddress Proxy { get; } = IPAddress.Parse("198.51.100.21");

    /// <summary>The whole name of a namespace.</summary>
    public string this[string part] => _namespaces[part];

    /// <summary>Opens a node's devices: all by XDP, with the program that forwards, but for b's front, whose frames of 64 KiB want a TAP.</summary>
    /// <param name="node">The node's name.</param>
    /// <param name="switchNamespace">Where b's front is.</param>
    /// <param name="nodeNamespace">Where its other devices are.</param>
    public static ChosenLinks Open(string node, string switchNamespace, string nodeNamespace) => LinkChoice.OpenBoth(
        node == "b"
            ? new() { Kind = LinkKind.Tap, Name = "front-b", Namespace = switchNamespace, Mtu = FrontMtu }
            : new() { Kind = LinkKind.Xdp, Name = "front", Namespace = nodeNamespace },
        new() { Kind = LinkKind.Xdp, Name = "lan", Namespace = nodeNamespace },
        new());

    /// <summary>What a node of this farm is told at its start.</summary>
    public static EngineOptions NodeOptions(string node, ChosenLinks links) => new()
    {
        Node = node,
        Members = [.. ((string[])["a", "b"]).Select((name, i) => new MemberOptions
        {
            Name = name,
            Id = new NodeId((ushort)(i + 1)),
            LanAddress = InetAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"192.0.2.{i + 1}")),
            FrontAddress = InetAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"198.51.100.{i + 11}")),
            ServiceAddresses = [InetAddress.FromIPAddress(i == 0 ? AtA : AtB)],
        })],
        Services = [new ServiceOptions { Name = Service, Port = Port, Policy = nameof(AlwaysB) }],
        Policies = new Dictionary<string, Func<Director.ISelectionPolicy>> { [nameof(AlwaysB)] = () => new AlwaysB() },
        Front = new() { Link = links.Front.Link, PrefixLength = 24 },
        Lan = new() { Link = links.Lan.Link, PrefixLength = 24 },
        Nic = links.Nic,
        Keys = EngineKeys.FromSecret("benchmark"u8),
    };

    public void Dispose() => _namespaces.Dispose();

    private static string Mtu(string network) => (network == "lan" ? LanMtu : FrontMtu).ToString(CultureInfo.InvariantCulture);

    private void AddToFront(string part)
    {
        Cable("switch", $"front-{part}", part, "front", Mtu("front"));
        _namespaces.Ip("switch", $"link set front-{part} master front");
    }

    private void Cable(string part, string name, string other, string otherName, string mtu)
    {
        _namespaces.Ip(part, $"link add {name} mtu {mtu} type veth peer name {otherName} mtu {mtu} netns {_namespaces[other]}");
        _namespaces.Ip(part, $"link set {name} up");
        _namespaces.Ip(other, $"link set {otherName} up");
    }
}
