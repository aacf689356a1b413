using System.Globalization;
using System.Net;
using Baton.Bench.Machine;
using Baton.Engine;
using Baton.Link;
using Baton.Wire;

namespace Baton.Bench.Farm;

/// <summary>
/// The network of a farm of three nodes: a bridge for the front, one for the lan, each node with a TAP device on both,
/// and a client that reaches the front by a relay that takes a known time.
/// </summary>
internal sealed class FarmNetwork : IDisposable
{
    /// <summary>The service.</summary>
    public const string Service = "stream";

    public const ushort Port = 7004;
    public const int FrontMtu = 1500;
    private const int LanMtu = 9000;

    private readonly Namespaces _namespaces = new("client", "switch");

    public FarmNetwork()
    {
        try
        {
            Bridge("front", FrontMtu);
            Bridge("lan", LanMtu);
            foreach (string node in Nodes)
            {
                Tap($"front-{node}", "front", FrontMtu);
                Tap($"lan-{node}", "lan", LanMtu);
            }

            Tap(Wan, "front", FrontMtu);
            _namespaces.Ip("client", $"tuntap add dev {Wan} mode tap vnet_hdr");
            _namespaces.Ip("client", $"address add 198.51.100.2/24 dev {Wan}");
            _namespaces.Ip("client", $"link set {Wan} up");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The nodes' names.</summary>
    public static IReadOnlyList<string> Nodes { get; } = ["a", "b", "c"];

    /// <summary>The TAP device between client and relay, and that between relay and front.</summary>
    public static string Wan => "wan";

    /// <summary>The address that the client uses; node a is its home.</summary>
    public static IPAddress ServiceAddress => IPAddress.Parse("198.51.100.101");

    public string Client => _namespaces["client"];

    public string Switch => _namespaces["switch"];

    /// <summary>What a node of this farm is told at its start; its devices are open.</summary>
    /// <param name="switchNamespace">The namespace of the bridges.</param>
    /// <param name="node">The node's name.</param>
    public static EngineOptions NodeOptions(string switchNamespace, string node) => new()
    {
        Node = node,
        Members = [.. Nodes.Select(Member)],
        Services = [new ServiceOptions { Name = Service, Port = Port }],
        Front = new() { Link = TapLink.Open(new() { Name = $"front-{node}", Namespace = switchNamespace, Mtu = FrontMtu }), PrefixLength = 24 },
        Lan = new() { Link = TapLink.Open(new() { Name = $"lan-{node}", Namespace = switchNamespace, Mtu = LanMtu }), PrefixLength = 24 },
        Keys = EngineKeys.FromSecret("benchmark"u8),
    };

    public void Dispose() => _namespaces.Dispose();

    private static MemberOptions Member(string node, int index) => new()
    {
        Name = node,
        Id = new NodeId((ushort)(index + 1)),
        LanAddress = Address("192.0.2.", index + 1),
        FrontAddress = Address("198.51.100.", index + 11),
        ServiceAddresses = [Address("198.51.100.", index + 101)],
    };

    private static InetAddress Address(string network, int host) => InetAddress.Parse(network + host.ToString(CultureInfo.InvariantCulture));

    private void Bridge(string name, int mtu)
    {
        _namespaces.Ip("switch", $"link add {name} type bridge stp_state 0 forward_delay 0 mcast_snooping 0");
        _namespaces.Ip("switch", string.Create(CultureInfo.InvariantCulture, $"link set {name} mtu {mtu} up"));
    }

    private void Tap(string name, string bridge, int mtu)
    {
        _namespaces.Ip("switch", $"tuntap add dev {name} mode tap vnet_hdr");
        _namespaces.Ip("switch", string.Create(CultureInfo.InvariantCulture, $"link set {name} mtu {mtu} txqueuelen 4096 master {bridge} up"));
    }
}
