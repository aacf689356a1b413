using System.Globalization;
using System.Text;

namespace Baton.Node.Demo;

/// <summary>
/// A farm's network, made of namespaces: client, router, a switch with the front and the lan bridge, and one per node.
/// Client and router meet at two TAPs that the relay joins, or directly; each node has two devices, <c>front</c> and
/// <c>lan</c>: TAPs that it opens and that are bridged to the switch, or the ends of cables to it. Names carry this process's number, so that runs do not meet and what a
/// killed run left can be told and removed.
/// </summary>
internal sealed class DemoNetwork : IAsyncDisposable
{
    /// <summary>The TAP between the client and the relay, and that between the relay and the router.</summary>
    public const string RelayTap = "wan";

    /// <summary>Frames that the kernel keeps for whoever reads a TAP.</summary>
    private const int TapQueue = 4096;

    private const string NamePrefix = "baton-demo-";
    private readonly string _prefix = string.Create(CultureInfo.InvariantCulture, $"{NamePrefix}{Environment.ProcessId}-");

    private readonly bool _relay;
    private readonly DemoLink _link;

    private DemoNetwork(bool relay, DemoLink link, AddressPlan plan) => (_relay, _link, Plan) = (relay, link, plan);

    /// <summary>Who has which address.</summary>
    public AddressPlan Plan { get; }

    public string Client => _prefix + "client";

    public string Router => _prefix + "router";

    private string Switch => _prefix + "switch";

    private IEnumerable<string> All => [Client, Router, Switch, .. Plan.Nodes.Select(NamespaceOf)];

    public string NamespaceOf(DemoNode node) => _prefix + node.Name;

    /// <summary>Removes what killed runs left, then makes the network.</summary>
    /// <param name="relay">Whether a relay will join client and router; without they are joined here.</param>
    /// <param name="link">What the nodes will open.</param>
    /// <param name="plan">Who has which address.</param>
    /// <param name="cancellation">Ends the making.</param>
    public static async Task<DemoNetwork> CreateAsync(bool relay, DemoLink link, AddressPlan plan, CancellationToken cancellation)
    {
        await RemoveLeftoversAsync(cancellation);
        var network = new DemoNetwork(relay, link, plan);
        try
        {
            await network.MakeAsync(cancellation);
            return network;
        }
        catch
        {
            await network.DisposeAsync();
            throw;
        }
    }

    /// <summary>The same for nodes on TAPs, by IPv4.</summary>
    public static Task<DemoNetwork> CreateAsync(bool relay, CancellationToken cancellation) =>
        CreateAsync(relay, DemoLink.Tap, AddressPlan.V4, cancellation);

    /// <summary>Removes every namespace, and with them all that is in them.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (string name in await ExistingAsync(default))
        {
            if (name.StartsWith(_prefix, StringComparison.Ordinal))
            {
                await RemoveAsync(name);
            }
        }
    }

    private async Task MakeAsync(CancellationToken cancellation)
    {
        var made = await Tool.RunAsync("ip", ["-batch", "-"], Lines(All.Select(name => $"netns add {name}")), cancellation);
        if (made.ExitCode != 0)
        {
            throw new PrerequisiteException(
                "Network namespaces cannot be made here (" + made.Error.Trim().Split('\n')[0] + ").\n"
                + "In a container, start it with the rights to do so:\n  docker run --privileged …");
        }

        await Task.WhenAll(All.Select(name => QuietAsync(name, cancellation)));
        await BatchAsync(Switch, SwitchCommands(), cancellation);
        await BatchAsync(Client, WanCommands(), cancellation);
        await Task.WhenAll(
            BatchAsync(Client, ClientCommands(), cancellation),
            BatchAsync(Router, RouterCommands(), cancellation),
            Task.WhenAll(Plan.Nodes.Select(node => BatchAsync(NamespaceOf(node), NodeCommands(node), cancellation))));
        if (_link == DemoLink.Xdp)
        {
            await PrepareForXdpAsync(cancellation);
        }

        string forwarding = Plan.IsV6 ? "/proc/sys/net/ipv6/conf/all/forwarding" : "/proc/sys/net/ipv4/ip_forward";
        await Tool.RequireAsync("ip", ["netns", "exec", Router, "sh", "-c", $"echo 1 > {forwarding}"], cancellation: cancellation);
    }

    /// <summary>
    /// IPv6 off (no neighbour discovery of the kernels' in the captures) where no kernel shall speak it, else without router
    /// advertisements and duplicate detection; and bridges that pass packets by no firewall.
    /// </summary>
    private async Task QuietAsync(string name, CancellationToken cancellation) => await Tool.RequireAsync(
        "ip",
        [
            "netns", "exec", name, "sh", "-c",
            $"for i in all default; do for s in {(Plan.IsV6 && (name == Client || name == Router) ? "accept_ra=0 accept_dad=0" : "disable_ipv6=1")}; "
            + "do echo ${s#*=} > /proc/sys/net/ipv6/conf/$i/${s%=*}; done; done; "
            + "for f in /proc/sys/net/bridge/bridge-nf-call-*; do if [ -w $f ]; then echo 0 > $f; fi; done; true",
        ],
        cancellation: cancellation);

    private IEnumerable<string> SwitchCommands()
    {
        foreach (string bridge in (string[])["front", "lan"])
        {
            int mtu = Mtu(bridge);
            yield return $"link add {bridge} type bridge stp_state 0 forward_delay 0 mcast_snooping 0";
            yield return $"link set {bridge} mtu {mtu} up";
            foreach (var node in Plan.Nodes)
            {
                yield return $"link add {bridge}-{node.Name} mtu {mtu} type veth peer name {PortOf(bridge)} mtu {mtu} netns {NamespaceOf(node)}";
                yield return $"link set {bridge}-{node.Name} master {bridge} up";
            }
        }

        yield return $"link add front-router mtu {AddressPlan.FrontMtu} type veth peer name front mtu {AddressPlan.FrontMtu} netns {Router}";
        yield return "link set front-router master front up";
    }

    /// <summary>The node's end of its cable to the switch: what it opens itself, or what its TAP is bridged to.</summary>
    private string PortOf(string network) => _link == DemoLink.Tap ? network + "-port" : network;

    private IEnumerable<string> NodeCommands(DemoNode node) => _link == DemoLink.Tap ? TapCommands() :
    [
        // An XDP link takes the interface's Ethernet address, a packet link has one of its own.
        .. _link == DemoLink.Xdp
            ? (string[])[$"link set front address {DemoConfiguration.FrontMac(node)}", $"link set lan address {DemoConfiguration.LanMac(node)}"]
            : [],
        "link set front up",
        "link set lan up",
    ];

    /// <summary>
    /// On a cable between namespaces the kernel leaves checksums out, which XDP cannot see: each sender is to complete them.
    /// And the switch is to take frames that a node's program sends by itself, which a cable does with GRO.
    /// </summary>
    private async Task PrepareForXdpAsync(CancellationToken cancellation)
    {
        await OffloadAsync(Router, "front", ["tx", "off"], cancellation);
        foreach (var node in Plan.Nodes)
        {
            foreach (string network in (string[])["front", "lan"])
            {
                await OffloadAsync(NamespaceOf(node), network, ["tx", "off"], cancellation);
                await OffloadAsync(Switch, $"{network}-{node.Name}", ["tx", "off", "gro", "on"], cancellation);
            }
        }
    }

    private static async Task OffloadAsync(string name, string device, string[] settings, CancellationToken cancellation) =>
        await Tool.RequireAsync("ip", ["netns", "exec", name, "ethtool", "-K", device, .. settings], cancellation: cancellation);

    private static IEnumerable<string> TapCommands()
    {
        foreach (string tap in (string[])["front", "lan"])
        {
            yield return $"link add {tap}-bridge type bridge stp_state 0 forward_delay 0 mcast_snooping 0";
            yield return $"link set {tap}-bridge mtu {Mtu(tap)} up";
            yield return $"tuntap add dev {tap} mode tap vnet_hdr";
            yield return $"link set {tap} mtu {Mtu(tap)} txqueuelen {TapQueue} master {tap}-bridge up";
            yield return $"link set {tap}-port master {tap}-bridge up";
        }
    }

    /// <summary>Makes the devices by which client and router meet.</summary>
    private IEnumerable<string> WanCommands() => _relay
        ? [$"tuntap add dev {RelayTap} mode tap vnet_hdr"]
        : [$"link add {RelayTap} type veth peer name {RelayTap} netns {Router}"];

    private IEnumerable<string> ClientCommands() =>
    [
        "link set lo up",
        $"addr add {Plan.WithPrefix(Plan.Client)} dev {RelayTap}",
        $"link set {RelayTap} mtu {AddressPlan.FrontMtu} txqueuelen {TapQueue} up",
        $"route add default via {Plan.RouterOutside}",
    ];

    private IEnumerable<string> RouterCommands() =>
    [
        .. _relay ? (string[])[$"tuntap add dev {RelayTap} mode tap vnet_hdr"] : [],
        $"addr add {Plan.WithPrefix(Plan.RouterOutside)} dev {RelayTap}",
        $"link set {RelayTap} mtu {AddressPlan.FrontMtu} txqueuelen {TapQueue} up",
        $"addr add {Plan.WithPrefix(Plan.RouterInside)} dev front",
        "link set front up",
    ];

    private static int Mtu(string network) => network == "lan" ? AddressPlan.LanMtu : AddressPlan.FrontMtu;

    private static async Task BatchAsync(string name, IEnumerable<string> commands, CancellationToken cancellation) =>
        await Tool.RequireAsync("ip", ["-n", name, "-batch", "-"], Lines(commands), cancellation);

    private static string Lines(IEnumerable<string> commands) =>
        commands.Aggregate(new StringBuilder(), (text, line) => text.Append(line).Append('\n')).ToString();

    private static async Task RemoveLeftoversAsync(CancellationToken cancellation)
    {
        foreach (string name in await ExistingAsync(cancellation))
        {
            if (OwnerOf(name) is { } process && !IsOurs(process))
            {
                await RemoveAsync(name);
            }
        }
    }

    /// <summary>The process whose number stands in a namespace's name, or null for a name of somebody else.</summary>
    internal static int? OwnerOf(string name)
    {
        string[] parts = name.StartsWith(NamePrefix, StringComparison.Ordinal) ? name[NamePrefix.Length..].Split('-') : [];
        return parts.Length == 2 && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int process)
            ? process
            : null;
    }

    /// <summary>Whether a process of that number is this program: numbers are used again.</summary>
    private static bool IsOurs(int process)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/cmdline").Contains("baton", StringComparison.OrdinalIgnoreCase);
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static async Task<IEnumerable<string>> ExistingAsync(CancellationToken cancellation)
    {
        var listed = await Tool.RunAsync("ip", ["netns", "list"], cancellation: cancellation);
        return listed.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ')[0]);
    }

    /// <summary>Ends what still runs in the namespace, then removes it. Never fails: it is also the way out of a failure.</summary>
    private static async Task RemoveAsync(string name)
    {
        var pids = await Tool.RunAsync("ip", ["netns", "pids", name]);
        string[] running = pids.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (running.Length > 0)
        {
            await Tool.RunAsync("kill", ["-KILL", .. running]);
        }

        await Tool.RunAsync("ip", ["netns", "delete", name]);
    }
}
