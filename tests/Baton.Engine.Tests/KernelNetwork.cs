using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Baton.Link;
using AddressFamily = System.Net.Sockets.AddressFamily;

namespace Baton.Engine.Tests;

/// <summary>
/// A network namespace of the test's own, whose kernel is the client: two bridges join the nodes' fronts and lans.
/// </summary>
internal sealed class KernelNetwork : IDisposable
{
    public const string RootOnly = "making network namespaces takes root";

    private static int s_number;

    public KernelNetwork()
    {
        Ip("netns", "add", Name);
        foreach (string bridge in new[] { "front", "lan" })
        {
            IpHere("link", "add", bridge, "type", "bridge", "forward_delay", "0");
            IpHere("link", "set", bridge, "up");
        }

        IpHere("address", "add", "198.51.100.200/24", "dev", "front");
    }

    public static bool IsRoot => Environment.IsPrivilegedProcess;

    /// <summary>The namespace.</summary>
    public string Name { get; } = $"baton-test-{Environment.ProcessId}-{Interlocked.Increment(ref s_number)}";

    /// <summary>Devices of a node, joined to the bridges.</summary>
    public (ILink Front, ILink Lan) Attach(int number)
    {
        var front = TapLink.Open(new TapOptions { Name = $"front{number}", Namespace = Name });
        var lan = TapLink.Open(new TapOptions { Name = $"lan{number}", Namespace = Name, Mtu = 1700 });
        IpHere("link", "set", $"front{number}", "master", "front");
        IpHere("link", "set", $"lan{number}", "master", "lan");
        return (front, lan);
    }

    /// <summary>Devices of a node, with several queues each: TAP devices, or cables of which packet or XDP sockets have an end.</summary>
    public (ChosenLink Front, ChosenLink Lan) Attach(int number, LinkKind kind, int queues) =>
        (Attach("front", number, kind, queues, 1500), Attach("lan", number, kind, queues, 1700));

    private ChosenLink Attach(string network, int number, LinkKind kind, int queues, int mtu)
    {
        string name = $"{network}{number}";
        string atBridge = name;
        if (kind != LinkKind.Tap)
        {
            atBridge = $"{name}p";
            string[] several = kind == LinkKind.Xdp ? ["numtxqueues", $"{queues}", "numrxqueues", $"{queues}"] : [];
            IpHere(["link", "add", name, "mtu", $"{mtu}", .. several, "type", "veth", "peer", "name", atBridge, "mtu", $"{mtu}", .. several]);
            IpHere("link", "set", name, "up");
            IpHere("link", "set", atBridge, "up");
            if (kind == LinkKind.Xdp)
            {
                // A frame that never becomes a packet of the kernel's at the other end brings its checksum.
                Ip("netns", "exec", Name, "ethtool", "-K", atBridge, "tx", "off");
            }
        }

        var link = LinkChoice.Open(new LinkRequest { Kind = kind, Name = name, Namespace = Name, Mtu = mtu, Queues = queues });
        IpHere("link", "set", atBridge, "master", network);
        return link;
    }

    /// <summary>A client's socket, connected to a port of the service address of which the first node is home.</summary>
    public async Task<Socket> ConnectAsync(int port)
    {
        var socket = NewSocket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Parse("198.51.100.101"), port)).WaitAsync(TimeSpan.FromSeconds(60));
        return socket;
    }

    /// <summary>A client's UDP socket, connected to a port of the service address of which the first node is home.</summary>
    public Socket ConnectUdp(int port)
    {
        var socket = NewSocket(SocketType.Dgram, ProtocolType.Udp);
        socket.Connect(new IPEndPoint(IPAddress.Parse("198.51.100.101"), port));
        return socket;
    }

    /// <summary>A listener of the client's kernel.</summary>
    public Socket Listen(int port)
    {
        var socket = NewSocket(SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Parse("198.51.100.200"), port));
        socket.Listen();
        return socket;
    }

    public void Dispose() => Ip("netns", "delete", Name);

    private static void Ip(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("ip", arguments) { RedirectStandardError = true })!;
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"ip {string.Join(' ', arguments)}: {error}");
    }

    private Socket NewSocket(SocketType type, ProtocolType protocol) =>
        NetworkNamespace.Run(Name, () => new Socket(AddressFamily.InterNetwork, type, protocol));

    private void IpHere(params string[] arguments) => Ip(["-n", Name, .. arguments]);
}
