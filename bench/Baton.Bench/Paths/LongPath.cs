using System.Globalization;
using System.Net;
using Baton.Bench.Machine;
using Baton.Engine;
using Baton.Handoff;
using Baton.Link;
using Baton.Tcp;
using Baton.Wire;

namespace Baton.Bench.Paths;

/// <summary>
/// A client behind a relay that delays, loses and queues, and on this side of it, on one bridge, two servers: the kernel and a node
/// with the own stack. Every frame on the relay is a packet: both servers' super-segments are cut by the bridge's kernel.
/// </summary>
internal sealed class LongPath : IAsyncDisposable
{
    private const ushort Port = (ushort)ServerTask.Source;

    // More than twice what the fastest path holds: buffers decide nothing.
    private const int Buffer = 64 << 20;
    private const string Wan = "wan";

    private static readonly IPAddress s_kernel = IPAddress.Parse("198.51.100.1");
    private static readonly IPAddress s_service = IPAddress.Parse("198.51.100.101");

    private readonly Namespaces _namespaces = new("client", "server");
    private readonly CancellationTokenSource _ended = new();
    private readonly CongestionAlgorithm _congestion;
    private readonly List<IDisposable> _links = [];
    private readonly Thread _relaying;
    private BatonEngine? _engine;
    private Task? _serving;

    /// <param name="path">The relay in the servers' direction of sending; the other only has its delay.</param>
    /// <param name="seed">Decides what is lost.</param>
    /// <param name="congestion">Of whichever server sends.</param>
    public LongPath(FaultProfile path, ulong seed, CongestionAlgorithm congestion)
    {
        _congestion = congestion;
        try
        {
            MakeNetwork();
            Relay = new Relay(OpenWan("server"), OpenWan("client"), new() { Forward = path, Backward = new() { Delay = path.Delay }, Seed = seed });
        }
        catch
        {
            _namespaces.Dispose();
            throw;
        }

        _relaying = new Thread(() =>
        {
            Cores.Hurry(2);
            Relay.Run(_ended.Token);
        })
        {
            Name = "relay", IsBackground = true,
        };
        _relaying.Start();
    }

    public Relay Relay { get; }

    /// <summary>The rate of a download from the kernel, in bits a second.</summary>
    public Task<double> FromKernelAsync(int flows, TimeSpan warmUp, TimeSpan time)
    {
        var server = new KernelSource(_namespaces["server"], new(s_kernel, Port), flows, _congestion switch
        {
            CongestionAlgorithm.NewReno => "reno",
            CongestionAlgorithm.Bbr => "bbr",
            _ => "cubic",
        });
        return Measure(server.EndPoint, flows, warmUp, time);
    }

    /// <summary>The same from the own stack.</summary>
    public async Task<double> FromOwnAsync(int flows, TimeSpan warmUp, TimeSpan time)
    {
        _engine = await BatonEngine.StartAsync(NodeOptions());
        while (!(await _engine.HomesAsync()).All(home => home.Phase == HomePhase.Serving))
        {
            await Task.Delay(10);
        }

        _serving = OwnSource.ServeAsync(await _engine.BindAsync(new BatonEndPoint("source"), "source"), _ended.Token);
        return await Measure(new(s_service, Port), flows, warmUp, time);
    }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await (_serving ?? Task.CompletedTask);
        if (_engine is not null)
        {
            await _engine.DisposeAsync();
        }

        _relaying.Join();
        _links.ForEach(link => link.Dispose());
        _namespaces.Dispose();
        _ended.Dispose();
    }

    private Task<double> Measure(IPEndPoint server, int flows, TimeSpan warmUp, TimeSpan time) =>
        Task.Factory.StartNew(() => Download.Run(_namespaces["client"], server, flows, warmUp, time), TaskCreationOptions.LongRunning);

    /// <summary>Neither kernel remembers anything of one connection for the next.</summary>
    private void MakeNetwork()
    {
        string buffers = string.Create(CultureInfo.InvariantCulture, $"4096 131072 {Buffer}");
        foreach (string part in (ReadOnlySpan<string>)["client", "server"])
        {
            _namespaces.Set(part, "/proc/sys/net/ipv4/tcp_rmem", buffers);
            _namespaces.Set(part, "/proc/sys/net/ipv4/tcp_wmem", buffers);
            _namespaces.Set(part, "/proc/sys/net/ipv4/tcp_no_metrics_save", "1");
        }

        _namespaces.Ip("server", "link add front type bridge stp_state 0 forward_delay 0 mcast_snooping 0");
        _namespaces.Ip("server", $"address add {s_kernel}/24 dev front");
        _namespaces.Ip("server", "link set front up");
    }

    private TapLink OpenWan(string part)
    {
        var link = TapLink.Open(new() { Name = Wan, Namespace = _namespaces[part], Offloads = LinkOffloads.Checksum });
        _links.Add(link);
        _namespaces.Ip(part, part == "client" ? $"address add 198.51.100.2/24 dev {Wan}" : $"link set {Wan} master front");
        return link;
    }

    private EngineOptions NodeOptions()
    {
        var own = TapLink.Open(new() { Name = "own", Namespace = _namespaces["server"] });
        _namespaces.Ip("server", "link set own master front");
        return new()
        {
            Node = "a",
            Members =
            [
                new MemberOptions
                {
                    Name = "a",
                    Id = new NodeId(1),
                    LanAddress = InetAddress.Parse("192.0.2.1"),
                    FrontAddress = InetAddress.Parse("198.51.100.11"),
                    ServiceAddresses = [InetAddress.FromIPAddress(s_service)],
                },
            ],
            Services = [new ServiceOptions { Name = "source", Port = Port, Connections = new() { Congestion = _congestion, SendBuffer = Buffer } }],
            Front = new() { Link = own, PrefixLength = 24 },
            Lan = new() { Link = TapLink.Open(new() { Name = "lan", Namespace = _namespaces["server"], Mtu = 9000 }), PrefixLength = 24 },
            Keys = EngineKeys.FromSecret("benchmark"u8),
        };
    }
}
