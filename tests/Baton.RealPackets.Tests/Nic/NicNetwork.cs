using System.Globalization;
using Baton.Link;

namespace Baton.RealPackets.Tests;

/// <summary>
/// A network whose nodes' interfaces are cables, as XDP wants them: a client and the nodes a and b on the front, the nodes
/// on the lan, each network a bridge in a namespace of its own.
/// </summary>
internal sealed class NicNetwork : IDisposable
{
    public const string Client = "198.51.100.2", ClientV6 = "2001:db8:1::2";

    /// <summary>The address of the kernel of a's namespace, on the interface that the node uses.</summary>
    public const string KernelOfA = "198.51.100.201";

    public static readonly string[] Nodes = ["a", "b"];

    private readonly int _frontMtu;
    private readonly string _queues;
    private readonly string _prefix = string.Create(CultureInfo.InvariantCulture, $"baton-real-{Environment.ProcessId}-nic");

    /// <param name="frontMtu">The front's MTU; the lan's has room for the reference besides.</param>
    /// <param name="queues">The queues of each cable, both ways.</param>
    public NicNetwork(int frontMtu = RealNetwork.FrontMtu, int queues = 1)
    {
        _frontMtu = frontMtu;
        _queues = queues.ToString(CultureInfo.InvariantCulture);
        try
        {
            foreach (string name in (string[])["client", "switch", .. Nodes])
            {
                RealNetwork.Run(null, "ip", "netns", "add", this[name]);
                NetworkNamespace.Run(this[name], () =>
                {
                    File.WriteAllText("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
                    File.WriteAllText("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
                });
            }

            foreach (string bridge in (string[])["front", "lan"])
            {
                Ip("switch", "link", "add", bridge, "type", "bridge", "stp_state", "0", "forward_delay", "0", "mcast_snooping", "0");
                Ip("switch", "link", "set", bridge, "mtu", Mtu(bridge), "up");
            }

            AddCable("client", "front");
            Array.ForEach(Nodes, node => AddCable(node, "front"));
            Array.ForEach(Nodes, node => AddCable(node, "lan"));
            Ip("client", "address", "add", $"{Client}/24", "dev", "front");
            NetworkNamespace.Run(this["client"], () => File.WriteAllText("/proc/sys/net/ipv6/conf/front/disable_ipv6", "0"));
            Ip("client", "-6", "address", "add", $"{ClientV6}/64", "dev", "front", "nodad");
            Ip("a", "address", "add", $"{KernelOfA}/24", "dev", "front");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The namespace of the client, the switch or a node.</summary>
    public string this[string name] => _prefix + name;

    /// <summary>Runs <c>ip</c> in one of the namespaces.</summary>
    public void Ip(string name, params string[] arguments) => RealNetwork.Run(null, "ip", ["-n", this[name], .. arguments]);

    /// <summary>What <c>ip</c> says of an interface.</summary>
    public string Shown(string name, string device) => RealNetwork.Run(null, "ip", "-n", this[name], "-d", "link", "show", "dev", device);

    /// <summary>The ports of the switch.</summary>
    public string Ports() => RealNetwork.Run(null, "ip", "-n", this["switch"], "link", "show");

    /// <summary>Removes a namespace, with the interfaces in it.</summary>
    public void Remove(string name) => RealNetwork.TryRun(null, "ip", "netns", "delete", this[name]);

    public void Dispose() => Array.ForEach(["client", "switch", .. Nodes], Remove);

    private string Mtu(string network) =>
        (network == "lan" ? _frontMtu + RealNetwork.LanMtu - RealNetwork.FrontMtu : _frontMtu).ToString(CultureInfo.InvariantCulture);

    /// <summary>
    /// Whoever sends completes its checksums, since XDP cannot see that one is missing; and the switch's end takes what the
    /// program sends by itself, for which a cable wants GRO there (and what that puts together, it takes apart again).
    /// </summary>
    private void AddCable(string name, string network)
    {
        string port = $"{network}-{name}";
        string[] several = ["numtxqueues", _queues, "numrxqueues", _queues];
        Ip(
            "switch",
            ["link", "add", port, "mtu", Mtu(network), .. several, "type", "veth", "peer", "name", network, "mtu", Mtu(network), .. several, "netns", this[name]]);
        Ip("switch", "link", "set", port, "master", network, "up");
        Ip(name, "link", "set", network, "up");
        RealNetwork.Run(this[name], "ethtool", "-K", network, "tx", "off");
        RealNetwork.Run(this["switch"], "ethtool", "-K", port, "gro", "on", "tx", "off");
    }
}
