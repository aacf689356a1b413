using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Baton.Link;
using Baton.Wire;
using AddressFamily = System.Net.Sockets.AddressFamily;

namespace Baton.Engine.Tests;

/// <summary>
/// Engines on TAP devices in a network namespace of the test's own, whose kernel is the client: two bridges join the
/// nodes' fronts and lans.
/// </summary>
internal sealed class KernelFarm : IAsyncDisposable
{
    public const string RootOnly = "making network namespaces takes root";

    private static int s_number;
    private readonly string _name = $"baton-engine-{Environment.ProcessId}-{Interlocked.Increment(ref s_number)}";

    private KernelFarm()
    {
    }

    public static bool IsRoot => Environment.IsPrivilegedProcess;

    public List<BatonEngine> Nodes { get; } = [];

    public static async Task<KernelFarm> StartAsync(int nodes, Func<EngineOptions, EngineOptions>? adjust = null)
    {
        var farm = new KernelFarm();
        Ip("netns", "add", farm._name);
        foreach (string bridge in new[] { "front", "lan" })
        {
            farm.IpHere("link", "add", bridge, "type", "bridge", "forward_delay", "0");
            farm.IpHere("link", "set", bridge, "up");
        }

        farm.IpHere("address", "add", "198.51.100.200/24", "dev", "front");
        for (int number = 1; number <= nodes; number++)
        {
            var options = farm.OptionsOf(number, nodes);
            farm.Nodes.Add(await BatonEngine.StartAsync(adjust is null ? options : adjust(options)));
        }

        await farm.WaitForChannelsAsync();
        return farm;
    }

    /// <summary>A client's socket, connected to the service of which the first node is home.</summary>
    public async Task<Socket> ConnectAsync(int port = 80)
    {
        var socket = NetworkNamespace.Run(_name, () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Parse("198.51.100.101"), port)).WaitAsync(TimeSpan.FromSeconds(10));
        return socket;
    }

    /// <summary>A client's UDP socket, connected to the service of which the first node is home.</summary>
    public Socket ConnectUdp(int port = 53)
    {
        var socket = NetworkNamespace.Run(_name, () => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        socket.Connect(new IPEndPoint(IPAddress.Parse("198.51.100.101"), port));
        return socket;
    }

    /// <summary>A listener of the client's kernel.</summary>
    public Socket Listen(int port)
    {
        var socket = NetworkNamespace.Run(_name, () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        socket.Bind(new IPEndPoint(IPAddress.Parse("198.51.100.200"), port));
        socket.Listen();
        return socket;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in Nodes)
        {
            await node.DisposeAsync();
        }

        Ip("netns", "delete", _name);
    }

    private EngineOptions OptionsOf(int number, int nodes)
    {
        var front = TapLink.Open(new TapOptions { Name = $"front{number}", Namespace = _name });
        var lan = TapLink.Open(new TapOptions { Name = $"lan{number}", Namespace = _name, Mtu = 1700 });
        IpHere("link", "set", $"front{number}", "master", "front");
        IpHere("link", "set", $"lan{number}", "master", "lan");
        return new EngineOptions
        {
            Node = $"n{number}",
            Members = [.. Enumerable.Range(1, nodes).Select(n => new MemberOptions
            {
                Name = $"n{n}",
                Id = new NodeId((ushort)n),
                LanAddress = InetAddress.Parse($"192.0.2.{n}"),
                FrontAddress = InetAddress.Parse($"198.51.100.{10 + n}"),
                ServiceAddresses = [InetAddress.Parse($"198.51.100.{100 + n}")],
            })],
            Services =
            [
                new ServiceOptions { Name = "tcp", Port = 80, Placement = Placement.FirstRequest },
                new ServiceOptions { Name = "udp", Port = 53, Protocol = IpProtocol.Udp, Placement = Placement.FirstRequest },
            ],
            Front = new NetworkOptions { Link = front, PrefixLength = 24 },
            Lan = new NetworkOptions { Link = lan, PrefixLength = 24 },
            Keys = EngineKeys.FromSecret("a secret of the farm"u8),

            // A busy machine is no reason to fail.
            HandoffBudget = TimeSpan.FromSeconds(5),
        };
    }

    private async Task WaitForChannelsAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!Nodes.TrueForAll(node => node.Members.All(member => member.Reachable)))
        {
            await Task.Delay(10, patience.Token);
        }
    }

    private void IpHere(params string[] arguments) => Ip(["-n", _name, .. arguments]);

    private static void Ip(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("ip", arguments) { RedirectStandardError = true })!;
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"ip {string.Join(' ', arguments)}: {error}");
    }
}
