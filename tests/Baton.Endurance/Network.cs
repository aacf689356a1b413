using System.Diagnostics;
using System.Globalization;
using System.Net;
using Baton.Engine;
using Baton.Link;
using Baton.Wire;

namespace Baton.Endurance;

/// <summary>
/// The network of three nodes: bridges for front and lan with a TAP device on each for every node, and a client in another
/// namespace, whose cable to the front loses frames.
/// </summary>
internal sealed class Network : IDisposable
{
    public const ushort Port = 7007;
    private const string Prefix = "baton-endurance-";
    private const int Mtu = 1500;

    private readonly string _prefix = string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Environment.ProcessId}-");
    private readonly CancellationTokenSource _stopping = new();
    private Thread? _relaying;
    private TapLink? _clientSide;
    private TapLink? _frontSide;

    /// <param name="loss">Probability that the client's cable loses a frame.</param>
    /// <param name="seed">What the losses follow from.</param>
    public Network(double loss, int seed)
    {
        AppDomain.CurrentDomain.ProcessExit += OnExit;
        try
        {
            Make();
            StartRelay(loss, seed);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The nodes; each is at first the home of one address.</summary>
    public static IReadOnlyList<string> Nodes { get; } = ["a", "b", "c"];

    public string Client => _prefix + "client";

    public string Switch => _prefix + "switch";

    public static IPEndPoint ServiceOf(int node) => new(IPAddress.Parse(Address("198.51.100.", node + 101)), Port);

    /// <summary>What a node is told at its start; its devices are open.</summary>
    public static EngineOptions NodeOptions(string space, string node) => new()
    {
        Node = node,
        Members = [.. Nodes.Select((name, index) => new MemberOptions
        {
            Name = name,
            Id = new NodeId((ushort)(index + 1)),
            LanAddress = InetAddress.Parse(Address("192.0.2.", index + 1)),
            FrontAddress = InetAddress.Parse(Address("198.51.100.", index + 11)),
            ServiceAddresses = [InetAddress.Parse(Address("198.51.100.", index + 101))],
        })],
        Services = [new ServiceOptions { Name = EchoApplication.Service, Port = Port, Placement = Placement.Handshake, Policy = "round-robin" }],
        Front = new() { Link = Tap(space, "front", node), PrefixLength = 24 },
        Lan = new() { Link = Tap(space, "lan", node), PrefixLength = 24 },
        Keys = EngineKeys.FromSecret("endurance"u8),
        Limits = new() { History = 1 << 16 },

        // A busy machine is no reason to call a move off.
        HandoffBudget = TimeSpan.FromSeconds(5),
    };

    public void Dispose()
    {
        AppDomain.CurrentDomain.ProcessExit -= OnExit;
        _stopping.Cancel();
        _relaying?.Join();
        _clientSide?.Dispose();
        _frontSide?.Dispose();
        Remove();
        _stopping.Dispose();
    }

    private static string Address(string network, int host) => network + host.ToString(CultureInfo.InvariantCulture);

    // The same for every process that a node ever is: neighbours that know it need not be told.
    private static TapLink Tap(string space, string network, string node) => TapLink.Open(new()
    {
        Name = $"{network}-{node}",
        Namespace = space,
        Mtu = Mtu,
        Address = new MacAddress(0x02_00_00_00_00_00UL + (network == "lan" ? 0x0200u : 0x0100u) + (uint)(node[0] - 'a' + 1)),
    });

    private void Make()
    {
        Ip($"netns add {Client}", $"netns add {Switch}");
        foreach (string space in (string[])[Client, Switch])
        {
            NetworkNamespace.Run(space, () => File.WriteAllText("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1"));
        }

        foreach (string bridge in (string[])["front", "lan"])
        {
            Ip($"-n {Switch} link add {bridge} type bridge stp_state 0 forward_delay 0 mcast_snooping 0", $"-n {Switch} link set {bridge} up");
            foreach (string node in Nodes)
            {
                AddPort(bridge, $"{bridge}-{node}");
            }
        }

        AddPort("front", "wan");
        Ip($"-n {Client} tuntap add dev wan mode tap vnet_hdr", $"-n {Client} address add 198.51.100.2/24 dev wan", $"-n {Client} link set wan txqueuelen 10000 up");

        // Connections that were lost leave nothing behind that keeps their ports.
        NetworkNamespace.Run(Client, () => File.WriteAllText("/proc/sys/net/ipv4/ip_local_port_range", "10000 64999"));
    }

    private void AddPort(string bridge, string name) => Ip(
        $"-n {Switch} tuntap add dev {name} mode tap vnet_hdr",
        $"-n {Switch} link set {name} txqueuelen 10000 master {bridge} up");

    private void StartRelay(double loss, int seed)
    {
        _clientSide = TapLink.Open(new() { Name = "wan", Namespace = Client });
        _frontSide = TapLink.Open(new() { Name = "wan", Namespace = Switch });
        var profile = new FaultProfile { Loss = loss };
        var relay = new Relay(_clientSide, _frontSide, new() { Forward = profile, Backward = profile, Seed = (ulong)seed });
        _relaying = new Thread(() => relay.Run(_stopping.Token)) { Name = "relay", IsBackground = true };
        _relaying.Start();
    }

    private static void Ip(params string[] commands)
    {
        foreach (string command in commands)
        {
            using var process = Process.Start(new ProcessStartInfo("ip", command.Split(' ')) { RedirectStandardError = true })!;
            string error = process.StandardError.ReadToEnd();
            process.WaitForExit();
            if (process.ExitCode != 0)
            {
                throw new EnduranceException($"ip {command}: {error.Trim()}");
            }
        }
    }

    private void OnExit(object? sender, EventArgs e) => Remove();

    private void Remove()
    {
        foreach (string space in (string[])[Client, Switch])
        {
            if (File.Exists($"/run/netns/{space}"))
            {
                Ip($"netns delete {space}");
            }
        }
    }
}
