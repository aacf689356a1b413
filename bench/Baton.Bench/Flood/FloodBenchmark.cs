using System.Diagnostics;
using System.Globalization;
using System.Net;
using Baton.Bench.Kernel;
using Baton.Bench.Machine;
using Baton.Bench.Own;
using Baton.Link;
using Baton.Stack;
using Baton.Wire;

namespace Baton.Bench.Flood;

/// <summary>
/// A SYN flood: what established connections keep of what they have while the same SYNs go to an address that is nobody's,
/// how long new clients take, and what it costs in state; the own stack and the kernel's cookies in turn.
/// </summary>
internal sealed class FloodBenchmark : IDisposable
{
    private const int Parallel = 64;
    private const double Thousand = 1e3;
    private const double Gigabit = 1e9 / 8;
    private const string Cookies = "/proc/sys/net/ipv4/tcp_syncookies";

    private static readonly IPAddress s_kernelServer = IPAddress.Parse("198.18.0.1");
    private static readonly IPAddress s_kernelNobody = IPAddress.Parse("198.18.0.77");
    private static readonly IPAddress s_ownServer = IPAddress.Parse("198.18.1.101");
    private static readonly IPAddress s_ownNobody = IPAddress.Parse("198.18.1.177");
    private static readonly IPAddress s_ownAddress = IPAddress.Parse("198.18.1.11");
    private static readonly IPAddress s_gateway = IPAddress.Parse("198.18.1.2");
    private static readonly TimeSpan s_spin = TimeSpan.FromMicroseconds(20);

    private readonly Namespaces _network;
    private readonly MacAddress _kernelMac;
    private readonly KernelServer _kernel;
    private readonly ShardServer _own;
    private readonly Client _client;

    private FloodBenchmark(string link)
    {
        _network = new Namespaces("client", "server", "node");
        Cable("kernel", "server", "kernel");
        _network.Ip("client", "address add 198.18.0.2/24 dev kernel");
        _network.Ip("server", $"address add {s_kernelServer}/24 dev kernel");
        _network.Ip("server", "route add default via 198.18.0.2");
        _network.Set("server", Cookies, "1");
        _kernelMac = NetworkNamespace.Run(_network["server"], () =>
        {
            using var server = new KernelInterface("kernel");
            return server.Address;
        });
        _kernel = new KernelServer(_network["server"], s_kernelServer, s_spin);
        _own = new ShardServer(OpenLink(link), _network["node"], s_ownServer, s_ownAddress, s_spin, s_gateway);
        _network.Ip("client", $"address add {s_gateway}/24 dev own");
        _client = new Client(_network["client"], s_spin);
        foreach (string name in (string[])["own", "kernel"])
        {
            // Answers to senders that are nowhere end here, as a network would take them away.
            _network.Execute("client", "nft", $"add table netdev {name}; add chain netdev {name} in {{ type filter hook ingress device {name} priority 0; }}; add rule netdev {name} in ip daddr 10.0.0.0/8 drop");
        }
    }

    /// <summary>Runs it and prints table and figures.</summary>
    public static int Run(bool quick, string? only)
    {
        using var benchmark = new FloodBenchmark(only ?? "xdp");
        benchmark.Measure(quick);
        return 0;
    }

    public void Dispose()
    {
        _own.Dispose();
        _network.Dispose();
    }

    private ILink OpenLink(string link)
    {
        if (link == "tap")
        {
            return TapLink.Open(new() { Name = "own", Namespace = _network["client"] });
        }

        Cable("own", "node", "front");
        if (link == "packet")
        {
            return PacketLink.Open(new() { Name = "front", Namespace = _network["node"] });
        }

        // XDP has no place for a checksum that is still to be computed.
        _network.Execute("client", "ethtool", "-K", "own", "tx", "off");
        return XdpLink.Open(new() { Name = "front", Namespace = _network["node"], RingLength = 16384 });
    }

    private void Cable(string client, string part, string name)
    {
        _network.Ip("client", $"link add {client} type veth peer name {name} netns {_network[part]}");
        _network.Ip("client", $"link set {client} up");
        _network.Ip(part, $"link set {name} up");
    }

    private void Measure(bool quick)
    {
        var time = TimeSpan.FromSeconds(quick ? 0.6 : 2);
        int rounds = quick ? 5 : 9;
        Side[] sides =
        [
            new("kernel", true, "kernel", _kernelMac, s_kernelServer, s_kernelNobody),
            new("own", false, "own", _own.Address, s_ownServer, s_ownNobody),
        ];
        foreach (var side in sides)
        {
            WarmUp(side);
        }

        var before = _own.Usage();
        long memory = GC.GetTotalMemory(forceFullCollection: true);
        for (int round = 0; round < rounds; round++)
        {
            foreach (var side in sides)
            {
                side.Rounds.Add(Round(side, time));
            }
        }

        Print($"{SynGenerator.Rate / 1000} k SYN/s are asked for; medians of {rounds} rounds.");
        Print($"{"",-8}{"64 requests, k/s",24}{"",7}{"bulk out, Gbit/s",24}{"",7}{"SYNs sent, k/s",20}{"new clients, ms",26}");
        Print($"{"",-8}{"to nobody",12}{"flood",12}{"kept",7}{"to nobody",12}{"flood",12}{"kept",7}{"to nobody",12}{"flood",8}{"p50",10}{"p99",10}{"failed",8}");
        foreach (var side in sides)
        {
            Print($"{side.Name,-8}{side.Median(round => round.RequestsBeside) / Thousand,12:F1}{side.Median(round => round.RequestsUnder) / Thousand,12:F1}{side.RequestsKept,7:F2}{side.Median(round => round.BulkBeside) / Gigabit,12:F1}{side.Median(round => round.BulkUnder) / Gigabit,12:F1}{side.BulkKept,7:F2}{side.Median(round => round.SentBeside) / Thousand,12:F0}{side.Median(round => round.SentUnder) / Thousand,8:F0}{side.Percentile(0.5),10:F2}{side.Percentile(0.99),10:F2}{side.Failures,8}");
        }

        var after = _own.Usage();
        long grown = GC.GetTotalMemory(forceFullCollection: true) - memory;
        var limits = new StackLimits();
        Print($"State: {after.Endpoints} endpoints, {after.HalfOpen} of {limits.HalfOpenEndpoints} handshakes open, {after.Unattached} of {limits.UnattachedEndpoints} without application; heap {grown / 1024} KiB more; {after.Cookies - before.Cookies} cookies sent.");
        foreach (var (reason, count) in _own.Drops)
        {
            Print($"dropped: {reason} {count}");
        }

        var (kernel, own) = (sides[0], sides[1]);
        Print($"figures: rr64_kept={own.RequestsKept:F2} bulk_kept={own.BulkKept:F2} rr64_kept_kernel={kernel.RequestsKept:F2} bulk_kept_kernel={kernel.BulkKept:F2} connect_p99_ms={own.Percentile(0.99):F2} connect_failed={own.Failures} half_open={after.HalfOpen} heap_kib={grown / 1024}");
    }

    private void WarmUp(Side side)
    {
        // Code that is not compiled well yet would only drop; so a tenth of the flood first.
        foreach (int rate in (int[])[SynGenerator.Rate / 10, SynGenerator.Rate / 10, SynGenerator.Rate / 10, SynGenerator.Rate])
        {
            Round(side, TimeSpan.FromSeconds(0.3), rate);
            Thread.Sleep(300);
        }

        side.Times.Clear();
        side.Failures = 0;
    }

    private FloodRound Round(Side side, TimeSpan time, int rate = SynGenerator.Rate)
    {
        var requestsBeside = Measure(side, ServerTask.Echo, side.Nobody, time, rate);
        var requestsUnder = Measure(side, ServerTask.Echo, side.Service, time, rate);
        var bulkBeside = Measure(side, ServerTask.Source, side.Nobody, time, rate);
        var bulkUnder = Measure(side, ServerTask.Source, side.Service, time, rate);
        return new(requestsBeside.Rate, requestsUnder.Rate, bulkBeside.Rate, bulkUnder.Rate, bulkBeside.Sent, bulkUnder.Sent);
    }

    /// <summary>What established connections reach while SYNs go to an address, and how many of these went a second.</summary>
    private (double Rate, double Sent) Measure(Side side, ServerTask task, IPAddress target, TimeSpan time, int synRate)
    {
        bool isFlood = target.Equals(side.Service);
        var serving = side.IsKernel ? _kernel.Serve(task, task == ServerTask.Echo ? Parallel : 1) : Task.FromResult(true);
        var servingNew = side.IsKernel && isFlood ? _kernel.ServeOneAfterAnother(ServerTask.Fresh, priority: 2) : Task.FromResult(true);
        SynGenerator? generator = null;
        NewClients? clients = null;
        double rate = 0;
        try
        {
            rate = task == ServerTask.Echo
                ? _client.ParallelRequests(side.Service, Parallel, time, Begin).Rate
                : _client.Download(side.Service, time, Begin).Rate;
        }
        catch (BenchException e)
        {
            Console.WriteLine($"{side.Name}: {e.Message}");
        }

        double sent = generator?.Stop() ?? 0;
        generator?.Dispose();
        side.Times.AddRange(clients?.Stop() ?? []);
        side.Failures += clients?.Failures ?? 0;
        serving.GetAwaiter().GetResult();
        servingNew.GetAwaiter().GetResult();
        return (rate, sent);

        void Begin()
        {
            generator = new(_network["client"], side.Interface, side.Mac, new(target, (int)ServerTask.Fresh), synRate);
            clients = isFlood ? new NewClients(_network["client"], new(side.Service, (int)ServerTask.Fresh)) : null;
        }
    }

    private static void Print(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));

    /// <param name="RequestsBeside">Requests a second while the SYNs go to nobody.</param>
    /// <param name="RequestsUnder">The same under the flood.</param>
    /// <param name="BulkBeside">Bytes a second while the SYNs go to nobody.</param>
    /// <param name="BulkUnder">The same under the flood.</param>
    /// <param name="SentBeside">SYNs a second to nobody.</param>
    /// <param name="SentUnder">SYNs a second to the service.</param>
    private readonly record struct FloodRound(
        double RequestsBeside, double RequestsUnder, double BulkBeside, double BulkUnder, double SentBeside, double SentUnder);

    private sealed record Side(string Name, bool IsKernel, string Interface, MacAddress Mac, IPAddress Service, IPAddress Nobody)
    {
        public List<FloodRound> Rounds { get; } = [];

        public List<long> Times { get; } = [];

        public int Failures { get; set; }

        public double Median(Func<FloodRound, double> value) => Statistics.Median(Rounds.Select(value));

        public double RequestsKept => Median(round => round.RequestsUnder / round.RequestsBeside);

        public double BulkKept => Median(round => round.BulkUnder / round.BulkBeside);

        public double Percentile(double share) => Statistics.Percentile(Times.ToArray(), share) * Thousand / Stopwatch.Frequency;
    }
}
