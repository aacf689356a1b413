using System.Globalization;
using System.Net;
using Baton.Bench.Farm;
using Baton.Bench.Kernel;
using Baton.Bench.Machine;
using Baton.Bench.Own;
using Baton.Link;

namespace Baton.Bench;

/// <summary>
/// The own stack over a TAP device, or another link, against the kernel's over veth, in one run, with the same client program.
/// </summary>
internal sealed class TcpBenchmark : IDisposable
{
    private const double Gigabit = 1e9 / 8;
    private const double Thousand = 1e3;
    private const string CongestionControl = "/proc/sys/net/ipv4/tcp_congestion_control";
    private const int Parallel = 64;
    private const int WarmUpPasses = 3;
    private const double RequestFloor = 110e3;

    private static readonly IPAddress s_kernelServer = IPAddress.Parse("198.18.0.1");
    private static readonly IPAddress s_ownServer = IPAddress.Parse("198.18.1.101");
    private static readonly IPAddress s_ownAddress = IPAddress.Parse("198.18.1.11");
    private static readonly TimeSpan s_spin = TimeSpan.FromMicroseconds(20);

    private readonly LinkKind _link;
    private readonly Namespaces _network;
    private readonly KernelServer _kernel;
    private readonly ShardServer _own;
    private readonly Client _client;

    private TcpBenchmark(LinkKind link)
    {
        _link = link;
        _network = MakeNetwork();
        _kernel = new KernelServer(_network["server"], s_kernelServer, s_spin);
        _own = new ShardServer(OpenLink(), _network["client"], s_ownServer, s_ownAddress, s_spin);
        _network.Ip("client", "address add 198.18.1.2/24 dev own");
        _client = new Client(_network["client"], s_spin);
    }

    /// <summary>Runs all of it, or one comparison, and prints table and figures.</summary>
    public static int Run(bool quick, string? only, string link, double minutes)
    {
        if (!Enum.TryParse<LinkKind>(link, ignoreCase: true, out var kind) || kind == LinkKind.Auto)
        {
            throw new BenchException($"--link={link}: write tap, packet or xdp");
        }

        using var benchmark = new TcpBenchmark(kind);
        benchmark.Measure(quick, only, minutes);
        return 0;
    }

    public void Dispose()
    {
        _own.Dispose();
        _network.Dispose();
    }

    /// <summary>
    /// The client has a veth to the kernel's server, and a TAP device to the own stack. All sides send by Reno, which every
    /// kernel has and the own stack's is like. Ports in TIME-WAIT are used again after a second, for the many short
    /// connections.
    /// </summary>
    private static Namespaces MakeNetwork()
    {
        var network = new Namespaces("client", "server", "node");
        network.Ip("client", $"link add kernel type veth peer name kernel netns {network["server"]}");
        network.Ip("client", "address add 198.18.0.2/24 dev kernel");
        network.Ip("client", "link set kernel up");
        network.Ip("server", $"address add {s_kernelServer}/24 dev kernel");
        network.Ip("server", "link set kernel up");
        network.Set("client", CongestionControl, "reno");
        network.Set("server", CongestionControl, "reno");
        network.Set("client", "/proc/sys/net/ipv4/ip_local_port_range", "1024 65535");
        network.Set("client", "/proc/sys/net/ipv4/tcp_tw_reuse", "1");
        return network;
    }

    /// <summary>
    /// A TAP device of the client's namespace, or a cable to a namespace of the node's own. XDP has no offloads, so beside it
    /// the kernel has none on its cable either, and the client completes what it sends.
    /// </summary>
    private ILink OpenLink()
    {
        if (_link == LinkKind.Tap)
        {
            return TapLink.Open(new() { Name = "own", Namespace = _network["client"] });
        }

        _network.Ip("client", $"link add own type veth peer name own netns {_network["node"]}");
        _network.Ip("client", "link set own up");
        _network.Ip("node", "link set own up");
        if (_link == LinkKind.Packet)
        {
            return PacketLink.Open(new() { Name = "own", Namespace = _network["node"] });
        }

        foreach (var (part, name) in (ReadOnlySpan<(string, string)>)[("client", "own"), ("client", "kernel"), ("server", "kernel")])
        {
            _network.Execute(part, "ethtool", "-K", name, "tx", "off", "tso", "off", "gso", "off", "gro", "off");
        }

        return XdpLink.Open(new() { Name = "own", Namespace = _network["node"] });
    }

    private void Measure(bool quick, string? only, double minutes)
    {
        var time = TimeSpan.FromSeconds(quick ? 0.35 : 1);
        var rounds = new Rounds(quick ? 5 : 9, time, TimeSpan.FromSeconds(quick ? 5 : 90));
        var comparisons = All().Where(comparison => only is null || only.Split(',').Contains(comparison.Figure)).ToList();
        Console.WriteLine($"The own stack's link: {_link}{(_link == LinkKind.Xdp ? "; all offloads of the kernel's cable are off" : "")}.");
        Console.WriteLine("Both sides: one server thread (core 0) and one client thread (core 1); both look for 20 µs, then sleep.");
        Print($"\"others\" is what other processes took of a core meanwhile: a table with much of it says little.");
        Print($"{"",-26}{"kernel",10}{"own",10}{"",8}{"ratio",8}{"rounds",8}{"others",8}");
        var figures = new List<string>();
        WarmUp(comparisons);
        foreach (var (figure, benchmark) in comparisons)
        {
            figures.AddRange(Report(figure, benchmark, rounds.Run(benchmark)));
        }

        if (only is null or "alloc")
        {
            figures.Add(ReportAllocation());
        }

        if (only is "gc")
        {
            figures.Add(PauseRun.Measure(_client, _own, s_ownServer, TimeSpan.FromMinutes(minutes)));
        }

        _own.Dispose();
        if (_link == LinkKind.Tap && only is null or "idle_cpu")
        {
            double idle = IdleNode.MeasureAsync(TimeSpan.FromSeconds(quick ? 3 : 20)).GetAwaiter().GetResult();
            Print($"An idle node of a farm of three uses {idle:F2} % of a core.");
            figures.Add(FormattableString.Invariant($"idle_cpu={idle:F2}"));
        }

        Print($"figures: {string.Join(' ', figures)}");
    }

    /// <summary>
    /// What the shard's thread allocates while connections run that have run for a while: in the middle of an upload, a
    /// download and requests.
    /// </summary>
    private string ReportAllocation()
    {
        long bytes = 0;
        long frames = 0;
        foreach (var measure in (Func<IPAddress, TimeSpan, Measurement>[])[_client.Upload, (server, time) => _client.Download(server, time), _client.RequestResponse])
        {
            var measuring = Task.Run(() => measure(s_ownServer, TimeSpan.FromSeconds(0.9)));
            Thread.Sleep(500);
            var before = _own.Usage();
            Thread.Sleep(300);
            var after = _own.Usage();
            measuring.GetAwaiter().GetResult();
            bytes += after.Allocated - before.Allocated;
            frames += after.Frames - before.Frames;
        }

        Print($"The shard allocated {bytes} bytes for {frames} frames of running connections.");
        foreach (var (reason, count) in _own.Drops)
        {
            Print($"dropped: {reason} {count}");
        }

        return FormattableString.Invariant($"alloc={(double)bytes / Math.Max(1, frames):0.##}");
    }

    private static void Print(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));

    private static IEnumerable<string> Report(string figure, Benchmark benchmark, IReadOnlyList<Round> rounds)
    {
        yield return Line(figure, benchmark.Name, benchmark.Unit, benchmark.Scale, rounds, measured => measured.Rate);
        if (figure == "rr")
        {
            Line("rr_p50", "  its median", "µs", Thousand, rounds, measured => measured.Median);
            yield return Line("rr_p99", "  its 99th percentile", "µs", Thousand, rounds, measured => measured.P99);
        }
    }

    private static string Line(string figure, string name, string unit, double scale, IReadOnlyList<Round> rounds, Func<Measurement, double> value)
    {
        if (rounds.Count == 0)
        {
            Console.WriteLine($"{name,-26}     noisy: no round counted");
            return $"{figure}=noisy";
        }

        double kernel = Statistics.Median(rounds.Select(round => value(round.Kernel))) / scale;
        double own = Statistics.Median(rounds.Select(round => value(round.Own))) / scale;
        double ratio = Statistics.Median(rounds.Select(round => value(round.Own) / value(round.Kernel)));
        Print($"{name,-26}{kernel,10:F1}{own,10:F1} {unit,-7}{ratio,8:F2}{rounds.Count,8}{Statistics.Median(rounds.Select(round => round.Others)),6:F0} %");
        return FormattableString.Invariant($"{figure}={ratio:F2}");
    }

    private IEnumerable<(string Figure, Benchmark Benchmark)> All()
    {
        yield return ("bulk_in", new("bulk in", "Gbit/s", Gigabit,
            time => Kernel(ServerTask.Sink, 1, server => _client.Upload(server, time)),
            time => _client.Upload(s_ownServer, time)));
        yield return ("bulk_out", new("bulk out", "Gbit/s", Gigabit,
            time => Kernel(ServerTask.Source, 1, server => _client.Download(server, time)),
            time => _client.Download(s_ownServer, time)));
        yield return ("rr", new("request/response", "k/s", Thousand,
            time => Kernel(ServerTask.Echo, 1, server => _client.RequestResponse(server, time)),
            time => _client.RequestResponse(s_ownServer, time),
            RequestFloor));
        yield return ("rr64", new("64 requests in parallel", "k/s", Thousand,
            time => Kernel(ServerTask.Echo, Parallel, server => _client.ParallelRequests(server, Parallel, time)),
            time => _client.ParallelRequests(s_ownServer, Parallel, time),
            RequestFloor));
        yield return ("crr", new("connect, request, close", "k/s", Thousand,
            time => Kernel(_kernel.ServeOneAfterAnother(), server => _client.Connections(server, time)),
            time => _client.Connections(s_ownServer, time)));
    }

    /// <summary>
    /// Runs everything for a while, with pauses in which the runtime compiles what turned out to be hot: its compiler is
    /// behind the measuring threads.
    /// </summary>
    private static void WarmUp(IReadOnlyList<(string Figure, Benchmark Benchmark)> comparisons)
    {
        for (int pass = 0; pass < WarmUpPasses; pass++)
        {
            foreach (var (_, benchmark) in comparisons)
            {
                benchmark.Kernel(TimeSpan.FromSeconds(0.1));
                benchmark.Own(TimeSpan.FromSeconds(0.25));
            }

            Thread.Sleep(700);
        }
    }

    private Measurement Kernel(ServerTask task, int connections, Func<IPAddress, Measurement> measure) => Kernel(_kernel.Serve(task, connections), measure);

    private static Measurement Kernel(Task<bool> serving, Func<IPAddress, Measurement> measure)
    {
        var measured = measure(s_kernelServer);
        serving.GetAwaiter().GetResult();
        return measured;
    }
}
