using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Baton.Engine;
using Baton.Handoff;
using Baton.Link;
using Baton.Wire;

namespace Baton.RealPackets.Tests.Peers;

/// <summary>
/// One node whose peer is slirp4netns: libslirp, a user-space TCP/IP that descends from BSD's. It is the other end of <c>tap0</c> in
/// the node's namespace, which has nothing else, and joins each connection with a socket of the kernel in an outer
/// namespace, which has only its loopback.
/// </summary>
internal sealed class SlirpFarm : IAsyncDisposable
{
    private const string Gateway = "10.0.2.2";
    private const int Buffer = 32 << 10;
    private const string Service = "10.0.2.101";

    private readonly string _name = string.Create(CultureInfo.InvariantCulture, $"baton-real-{Environment.ProcessId}-slirp");
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<Socket> _sockets = [];
    private readonly string _control;
    private FaultLink _faults = null!;
    private Process? _slirp;

    private SlirpFarm() => _control = Path.Combine(Path.GetTempPath(), _name + ".socket");

    public BatonEngine Engine { get; private set; } = null!;

    /// <summary>Frames that the faults have touched so far.</summary>
    public long FaultsMet => Sum(_faults.OutgoingFaults) + Sum(_faults.IncomingFaults);

    private string Outer => _name + "-out";

    /// <param name="profile">What happens to frames, in each direction.</param>
    public static async Task<SlirpFarm> StartAsync(FaultProfile profile)
    {
        var farm = new SlirpFarm();
        try
        {
            RealNetwork.Run(null, "ip", "netns", "add", farm._name);
            RealNetwork.Run(null, "ip", "netns", "add", farm.Outer);
            RealNetwork.Run(null, "ip", "-n", farm.Outer, "link", "set", "lo", "up");
            await farm.StartSlirpAsync();
            await farm.StartNodeAsync(profile);
            await farm.ForwardAsync();
            return farm;
        }
        catch
        {
            await farm.DisposeAsync();
            throw;
        }
    }

    /// <summary>A listening socket on the outer namespace's loopback, and where the node reaches it by way of slirp.</summary>
    public (Socket Listener, IPEndPoint Remote) Listen()
    {
        var listener = Open();
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(16);
        return (listener, new(IPAddress.Parse(Gateway), ((IPEndPoint)listener.LocalEndPoint!).Port));
    }

    /// <summary>A socket of the outer namespace, connected to the node's service by way of slirp, which opens the connection to the node.</summary>
    public async Task<Socket> ConnectAsync()
    {
        var socket = Open();
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, PeerFarm.FirstPort), Wait.Patience());
        return socket;
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _sockets.ForEach(socket => socket.Dispose());
        if (Engine is not null)
        {
            await Engine.DisposeAsync();
        }

        if (_slirp is not null)
        {
            _slirp.Kill(entireProcessTree: true);
            await _slirp.WaitForExitAsync();
            _slirp.Dispose();
        }

        File.Delete(_control);
        RealNetwork.TryRun(null, "ip", "netns", "delete", _name);
        RealNetwork.TryRun(null, "ip", "netns", "delete", Outer);
        _stopping.Dispose();
    }

    private static long Sum(FaultCounters counters) => counters.Lost + counters.Reordered + counters.Duplicated + counters.Corrupted;

    private Socket Open()
    {
        var socket = NetworkNamespace.Run(Outer, () => new Socket(System.Net.Sockets.AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        _sockets.Add(socket);

        // What waits in here has to cross the faults before a stream ends.
        (socket.SendBufferSize, socket.ReceiveBufferSize) = (Buffer, Buffer);
        return socket;
    }

    private async Task StartSlirpAsync()
    {
        var start = new ProcessStartInfo(
            "ip",
            ["netns", "exec", Outer, "slirp4netns", "--disable-dns", "--netns-type=path", $"--api-socket={_control}", $"/run/netns/{_name}", "tap0"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        _slirp = Process.Start(start)!;
        _ = _slirp.StandardOutput.ReadToEndAsync();
        _ = _slirp.StandardError.ReadToEndAsync();
        await Wait.UntilAsync(() => File.Exists(_control) && RealNetwork.TryRun(null, "ip", "-n", _name, "link", "show", "tap0").Status == 0, "slirp's tap0");
        NetworkNamespace.Run(_name, () => File.WriteAllText("/proc/sys/net/ipv6/conf/tap0/disable_ipv6", "1"));
        RealNetwork.Run(null, "ip", "-n", _name, "link", "set", "tap0", "up");
    }

    private async Task StartNodeAsync(FaultProfile profile)
    {
        var link = PacketLink.Open(new PacketOptions { Name = "tap0", Namespace = _name, Offloads = LinkOffloads.Checksum });
        _faults = new FaultLink(link, profile, profile, seed: 2, static () => MonotonicClock.Now);
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
                    FrontAddress = InetAddress.Parse("10.0.2.11"),
                    ServiceAddresses = [InetAddress.Parse(Service)],
                },
            ],
            Services = [new ServiceOptions { Name = PeerFarm.ServiceName(PeerFarm.FirstPort), Port = PeerFarm.FirstPort }],
            Front = new NetworkOptions { Link = _faults, PrefixLength = 24 },
            Lan = new NetworkOptions { Link = TapLink.Open(new TapOptions { Name = "lan", Namespace = _name, Mtu = RealNetwork.LanMtu }), PrefixLength = 24 },
            Limits = new EngineLimits { SendBuffer = Buffer },
            Keys = EngineKeys.FromSecret("a secret of the farm"u8),
        });
        await Wait.UntilAsync(async () => (await Engine.HomesAsync()).All(home => home.Phase == HomePhase.Serving), "homes that serve");
    }

    /// <summary>A port of the outer namespace's loopback leads to the node's service, which is a <see cref="Duplex"/>.</summary>
    private async Task ForwardAsync()
    {
        var application = new Duplex();
        var listener = await Engine.BindAsync(new BatonEndPoint(PeerFarm.ServiceName(PeerFarm.FirstPort)), application.Name);
        _ = TestApplications.AcceptAsync(listener, application, _stopping.Token);
        string answer = await AskAsync(new
        {
            execute = "add_hostfwd",
            arguments = new { proto = "tcp", host_addr = $"{IPAddress.Loopback}", host_port = PeerFarm.FirstPort, guest_addr = Service, guest_port = PeerFarm.FirstPort },
        });
        Assert.DoesNotContain("error", answer, StringComparison.Ordinal);
    }

    /// <summary>One question and its answer by slirp's control socket (slirp4netns(1), API).</summary>
    private async Task<string> AskAsync(object question)
    {
        using var socket = new Socket(System.Net.Sockets.AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(_control), Wait.Patience());
        await socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(question));
        socket.Shutdown(SocketShutdown.Send);
        byte[] answer = new byte[4096];
        int length = 0;
        while (await socket.ReceiveAsync(answer.AsMemory(length), Wait.Patience()) is > 0 and var more)
        {
            length += more;
        }

        return Encoding.UTF8.GetString(answer, 0, length);
    }
}
