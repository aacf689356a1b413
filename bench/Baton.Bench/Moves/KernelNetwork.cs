using System.Diagnostics;
using System.Net;
using Baton.Bench.Machine;

namespace Baton.Bench.Moves;

/// <summary>
/// The kernel's network: a client, a router that steers, and two nodes that both have the service's address and speak to
/// each other on a link of their own.
/// </summary>
internal sealed class KernelNetwork : IDisposable
{
    public const int FirstPort = 20_000;
    public const int Ports = 8_192;

    private const string Service = "198.51.100.200";
    private readonly Namespaces _namespaces = new("kclient", "krouter", "ka", "kb");

    public KernelNetwork()
    {
        try
        {
            Join("kclient", "10.9.0.2/30", "10.9.0.1", "c", "10.9.0.1/30");
            Node("ka", 1);
            Node("kb", 2);
            _namespaces.Ip("ka", $"link add lan type veth peer name lan netns {_namespaces["kb"]}");
            foreach (var (node, address) in new[] { ("ka", "10.9.9.1/30"), ("kb", "10.9.9.2/30") })
            {
                _namespaces.Ip(node, $"address add {address} dev lan");
                _namespaces.Ip(node, "link set lan mtu 9000 up");
            }

            _namespaces.Set("krouter", "/proc/sys/net/ipv4/ip_forward", "1");
            _namespaces.Set("krouter", "/proc/sys/net/ipv4/conf/all/rp_filter", "0");
            Steer();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public static IPEndPoint ServiceEndPoint { get; } = new(IPAddress.Parse(Service), 7004);

    public static IPEndPoint LanEndPoint { get; } = new(IPAddress.Parse("10.9.9.1"), 7005);

    public string Client => _namespaces["kclient"];

    public string Router => _namespaces["krouter"];

    /// <summary>The namespace of a node, 0 or 1.</summary>
    public string NodeAt(int node) => _namespaces[node == 0 ? "ka" : "kb"];

    public void Dispose() => _namespaces.Dispose();

    private void Node(string node, int mark)
    {
        Join(node, $"10.9.{mark}.2/30", $"10.9.{mark}.1", node, $"10.9.{mark}.1/30");
        _namespaces.Ip(node, $"address add {Service}/32 dev lo");
        _namespaces.Ip("krouter", $"rule add fwmark {mark} lookup 10{mark}");
        _namespaces.Ip("krouter", $"route add default via 10.9.{mark}.2 dev {node} table 10{mark}");
    }

    private void Join(string part, string address, string gateway, string port, string portAddress)
    {
        _namespaces.Ip(part, $"link add front type veth peer name {port} netns {Router}");
        _namespaces.Ip(part, $"address add {address} dev front");
        _namespaces.Ip(part, "link set front up");
        _namespaces.Ip("krouter", $"address add {portAddress} dev {port}");
        _namespaces.Ip("krouter", $"link set {port} up");
        _namespaces.Ip(part, $"route add default via {gateway}");
    }

    private void Steer()
    {
        using var nft = Process.Start(new ProcessStartInfo("ip", ["netns", "exec", Router, "nft", "-f", "-"]) { RedirectStandardInput = true })!;
        nft.StandardInput.Write(Steering.Rules(Service, FirstPort, Ports));
        nft.StandardInput.Close();
        nft.WaitForExit();
        if (nft.ExitCode != 0)
        {
            throw new BenchException("the router does not steer: nft failed");
        }
    }
}
