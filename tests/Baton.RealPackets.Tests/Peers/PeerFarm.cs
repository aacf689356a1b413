using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Baton.Engine;
using Baton.Handoff;
using Baton.Link;
using Baton.Samples;
using Baton.Testing;
using Baton.Wire;
using AddressFamily = System.Net.Sockets.AddressFamily;

namespace Baton.RealPackets.Tests.Peers;

/// <summary>
/// One node on a link whose other end is the kernel of a namespace of its own, both families, with faults of a seed on the
/// way: what other programs and other stacks meet. The link is a TAP, or another that the environment's variable
/// <c>BATON_LINK</c> names or the test wants.
/// </summary>
internal sealed class PeerFarm : IAsyncDisposable
{
    /// <summary>The TCP ports of the node's services, each with one application.</summary>
    public const ushort FirstPort = 7000;

    /// <summary>The UDP port of the node's service.</summary>
    public const ushort UdpPort = 5060;

    private const int Ports = 4;
    private readonly string _name = string.Create(CultureInfo.InvariantCulture, $"baton-real-{Environment.ProcessId}-peer");
    private readonly LinkKind _kind;
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<IDisposable> _owned = [];
    private FaultLink _faults = null!;

    private PeerFarm(LinkKind kind) => _kind = kind;

    /// <summary>Ends when the farm is disposed.</summary>
    public CancellationToken Stopping => _stopping.Token;

    public BatonEngine Engine { get; private set; } = null!;

    /// <summary>The node's end of the cable, before the faults.</summary>
    public CaptureLink Front { get; private set; } = null!;

    public string Namespace => _name;

    /// <summary>Where the node's end of a cable is.</summary>
    private string NodeNamespace => _name + "node";

    /// <summary>The kernel's address on the cable.</summary>
    public static IPAddress Kernel(bool v6) => IPAddress.Parse(v6 ? "2001:db8:1::2" : "198.51.100.2");

    /// <summary>The services' address.</summary>
    public static IPAddress Service(bool v6) => IPAddress.Parse(v6 ? "2001:db8:1::101" : "198.51.100.101");

    /// <summary>The node's own address.</summary>
    public static IPAddress Own(bool v6) => IPAddress.Parse(v6 ? "2001:db8:1::11" : "198.51.100.11");

    /// <summary>Frames that the faults have touched so far.</summary>
    public long FaultsMet => Sum(_faults.OutgoingFaults) + Sum(_faults.IncomingFaults);

    /// <param name="profile">What happens to frames, in each direction.</param>
    /// <param name="limits">Bounds of the node.</param>
    /// <param name="services">What services do otherwise than by default.</param>
    /// <param name="kind">The link; null for the usual one.</param>
    public static async Task<PeerFarm> StartAsync(
        FaultProfile? profile = null, EngineLimits? limits = null, Func<ServiceOptions, ServiceOptions>? services = null, LinkKind? kind = null)
    {
        var farm = new PeerFarm(kind ?? NodeLinks.Kind);
        Assert.SkipUnless(farm._kind != LinkKind.Xdp || Ebpf.IsAllowed, Ebpf.NotAllowed);
        try
        {
            RealNetwork.Run(null, "ip", "netns", "add", farm._name);
            farm.Ip("link", "set", "lo", "up");
            await farm.StartNodeAsync(profile ?? FaultProfile.Perfect, limits ?? new EngineLimits(), services ?? (static service => service));
            await Wait.UntilAsync(farm.IsUp, "a cable that carries");
            await Wait.UntilAsync(async () => (await farm.Engine.HomesAsync()).All(home => home.Phase == HomePhase.Serving), "homes that serve");
            return farm;
        }
        catch
        {
            await farm.DisposeAsync();
            throw;
        }
    }

    /// <summary>Binds an application to the service of a port.</summary>
    public async Task ServeAsync(ushort port, SampleApplication application)
    {
        var listener = await Engine.BindAsync(new BatonEndPoint(ServiceName(port)), application.Name);
        _ = TestApplications.AcceptAsync(listener, application, Stopping);
    }

    /// <summary>A socket of the kernel's.</summary>
    public Socket Open(bool v6, SocketType type = SocketType.Stream)
    {
        var family = v6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork;
        return Owned(NetworkNamespace.Run(_name, () => new Socket(family, type, type == SocketType.Stream ? ProtocolType.Tcp : ProtocolType.Udp)));
    }

    /// <summary>A listening socket of the kernel's; port 0 is one of the kernel's choice.</summary>
    public Socket Listen(IPAddress address, int port = 0)
    {
        var socket = Open(address.AddressFamily == AddressFamily.InterNetworkV6);
        socket.Bind(new IPEndPoint(address, port));
        socket.Listen(64);
        return socket;
    }

    /// <summary>Captures what passes from now on.</summary>
    public Capture Capture() => Owned(new Capture(Front));

    /// <summary>Disposes something with the farm.</summary>
    public T Owned<T>(T owned)
        where T : IDisposable
    {
        _owned.Add(owned);
        return owned;
    }

    public static string ServiceName(ushort port) => port == UdpPort ? "udp" : string.Create(CultureInfo.InvariantCulture, $"tcp-{port}");

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        foreach (var owned in Enumerable.Reverse(_owned))
        {
            owned.Dispose();
        }

        if (Engine is not null)
        {
            await Engine.DisposeAsync();
        }

        string[] left = RealNetwork.TryRun(null, "ip", "netns", "pids", _name).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (left.Where(process => process != Environment.ProcessId.ToString(CultureInfo.InvariantCulture)).ToArray() is { Length: > 0 } running)
        {
            RealNetwork.TryRun(null, "kill", ["-KILL", .. running]);
        }

        RealNetwork.TryRun(null, "ip", "netns", "delete", _name);
        RealNetwork.TryRun(null, "ip", "netns", "delete", NodeNamespace);
        _stopping.Dispose();
    }

    private static long Sum(FaultCounters counters) => counters.Lost + counters.Reordered + counters.Duplicated + counters.Corrupted;

    /// <summary>The kernel may take a second to notice that somebody has opened the TAP, and drops what comes until then.</summary>
    private bool IsUp() =>
        !RealNetwork.Run(_name, "bridge", "link").Contains("state disabled", StringComparison.Ordinal)
        && RealNetwork.Run(null, "ip", "-n", _name, "link", "show", "cable").Contains("state UP", StringComparison.Ordinal);

    private void Ip(params string[] arguments) => RealNetwork.Run(null, "ip", ["-n", _name, .. arguments]);

    private async Task StartNodeAsync(FaultProfile profile, EngineLimits limits, Func<ServiceOptions, ServiceOptions> services)
    {
        // Faults hit packets, not the frames of 64 KiB that would cross a perfect cable.
        var offloads = profile == FaultProfile.Perfect ? LinkOffloads.Checksum | LinkOffloads.Tso | LinkOffloads.Uso : LinkOffloads.Checksum;
        var link = _kind == LinkKind.Tap ? OpenTap(offloads) : OpenCable(offloads);
        Ip("address", "add", $"{Kernel(v6: false)}/24", "dev", "cable");
        Ip("-6", "address", "add", $"{Kernel(v6: true)}/64", "dev", "cable", "nodad");
        _faults = new FaultLink(link, profile, profile, seed: 1, static () => MonotonicClock.Now);
        Front = new CaptureLink(_faults);
        Engine = await BatonEngine.StartAsync(new EngineOptions
        {
            Node = "a",
            Members =
            [
                new MemberOptions
                {
                    Name = "a",
                    Id = new NodeId(1),
                    LanAddress = InetAddress.Parse("192.0.2.1"),
                    FrontAddress = InetAddress.FromIPAddress(Own(v6: false)),
                    FrontAddressV6 = InetAddress.FromIPAddress(Own(v6: true)),
                    ServiceAddresses = [InetAddress.FromIPAddress(Service(v6: false)), InetAddress.FromIPAddress(Service(v6: true))],
                },
            ],
            Services =
            [
                .. Enumerable.Range(FirstPort, Ports).Select(port => services(new ServiceOptions { Name = ServiceName((ushort)port), Port = (ushort)port })),
                new ServiceOptions { Name = ServiceName(UdpPort), Port = UdpPort, Protocol = IpProtocol.Udp },
            ],
            Front = new NetworkOptions { Link = Front, PrefixLength = 24 },
            Lan = new NetworkOptions { Link = TapLink.Open(new TapOptions { Name = "lan", Namespace = _name, Mtu = RealNetwork.LanMtu }), PrefixLength = 24 },
            Keys = EngineKeys.FromSecret("a secret of the farm"u8),
            Limits = limits,
        });
    }

    /// <summary>The TAP itself has no addresses: its kernel end is one port of a bridge, whose own is the peer.</summary>
    private TapLink OpenTap(LinkOffloads offloads)
    {
        var tap = TapLink.Open(new TapOptions { Name = "front", Namespace = _name, Offloads = offloads });
        Ip("link", "add", "cable", "type", "bridge", "forward_delay", "0", "mcast_snooping", "0");
        Ip("link", "set", "cable", "up");
        Ip("link", "set", "front", "master", "cable");
        return tap;
    }

    /// <summary>A cable to a namespace in which nobody but the node is. For XDP its kernel end completes checksums; for faults it sends no frames of 64 KiB.</summary>
    private ILink OpenCable(LinkOffloads offloads)
    {
        RealNetwork.Run(null, "ip", "netns", "add", NodeNamespace);
        NetworkNamespace.Run(NodeNamespace, () => File.WriteAllText("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1"));
        Ip("link", "add", "cable", "type", "veth", "peer", "name", "front", "netns", NodeNamespace);
        Ip("link", "set", "cable", "up");
        RealNetwork.Run(null, "ip", "-n", NodeNamespace, "link", "set", "front", "up");
        if (_kind == LinkKind.Xdp)
        {
            RealNetwork.Run(_name, "ethtool", "-K", "cable", "tx", "off");
            return XdpLink.Open(new XdpOptions { Name = "front", Namespace = NodeNamespace });
        }

        if (!offloads.HasFlag(LinkOffloads.Tso))
        {
            RealNetwork.Run(_name, "ethtool", "-K", "cable", "tso", "off", "gso", "off");
        }

        return PacketLink.Open(new PacketOptions { Name = "front", Namespace = NodeNamespace, Offloads = offloads });
    }
}
