using System.Globalization;
using System.Net;
using Baton.Bench.Machine;
using Baton.Bench.Web;
using Baton.Link.Bpf;

namespace Baton.Bench.Ingress;

/// <summary>
/// One HTTP server, node b, asked in four ways by the same client, in turn: straight, by way of node a in NIC mode, which
/// is the home of the address, by way of HAProxy and of nginx. What does each cost?
/// </summary>
internal sealed class IngressBenchmark : IDisposable
{
    private const int SmallConnections = 64, LargeConnections = 16;

    private readonly IngressNetwork _network = new();
    private readonly IngressNode _a;
    private readonly IngressNode _b;
    private readonly Proxies _proxies;
    private readonly Way[] _ways;
    private readonly TimeSpan _time;

    private IngressBenchmark(TimeSpan time)
    {
        _time = time;
        _b = IngressNode.Start("b", _network["switch"], _network["b"], Cores.Server);
        _a = IngressNode.Start("a", _network["switch"], _network["a"], core: null);
        _proxies = new Proxies(_network["proxy"]);
        _ways =
        [
            new("direct", new(IngressNetwork.AtB, IngressNetwork.Port), () => TimeSpan.Zero),
            new("by a, NIC mode", new(IngressNetwork.AtA, IngressNetwork.Port), () => ProcessorTime.OfProcess(_a.Id) + ProcessorTime.OfPrograms(_a.Id)),
            new("HAProxy", new(IngressNetwork.Proxy, IngressNetwork.Port), () => ProcessorTime.OfFamily(_proxies.Haproxy)),
            new("nginx stream", new(IngressNetwork.Proxy, IngressNetwork.SecondPort), () => ProcessorTime.OfFamily(_proxies.Nginx)),
        ];
    }

    public static int Run(bool quick)
    {
        using var benchmark = new IngressBenchmark(TimeSpan.FromSeconds(quick ? 1 : 4));
        benchmark.Measure(quick ? 3 : 7);
        return 0;
    }

    public void Dispose()
    {
        _proxies.Dispose();
        _a.Dispose();
        _b.Dispose();
        _network.Dispose();
    }

    private void Measure(int rounds)
    {
        Console.WriteLine("Each way: the same server, a process on core 0; the same wrk, one thread on core 1.");
        Meet();
        var before = _a.Forwarded();
        var small = Measure("1 KiB", "/", SmallConnections, rounds, HttpApplication.SmallLength);
        var large = Measure("1 MiB", HttpApplication.Large, LargeConnections, rounds, HttpApplication.LargeLength);
        var after = _a.Forwarded();
        Print($"Packets that a's program forwarded: {after.Nic - before.Nic}; that a's host did: {after.Host - before.Host}.");

        // What the kernel takes to measure programs is a large part of what they take, so it is on for this alone.
        double ingress, proxy;
        using (new RunTimes())
        {
            ingress = Ask(_ways[1], HttpApplication.Large, LargeConnections).Processor;
            proxy = Ask(_ways[2], HttpApplication.Large, LargeConnections).Processor;
        }

        Print($"Processor time for each MiB, a's process and its programs: {ingress:F1} µs; HAProxy's process: {proxy:F1} µs.");
        double Ratio(List<Side[]> of, int way, int to) => Statistics.Median(of.Select(round => round[way].Rate / round[to].Rate));
        Print($"figures: small_vs_direct={Ratio(small, 1, 0):F2} large_vs_direct={Ratio(large, 1, 0):F2} small_vs_haproxy={Ratio(small, 1, 2):F2} large_vs_haproxy={Ratio(large, 1, 2):F2} ingress_cpu_vs_haproxy={ingress / proxy:F3}");
    }

    /// <summary>Waits until the nodes know each other, and warms all ways up.</summary>
    private void Meet()
    {
        for (int i = 0; ; i++)
        {
            Array.ForEach(_ways, way => Ask(way, "/", SmallConnections, TimeSpan.FromSeconds(1)));
            var before = _a.Forwarded();
            Ask(_ways[1], "/", SmallConnections, TimeSpan.FromSeconds(1));
            if (_a.Forwarded().Nic > before.Nic)
            {
                break;
            }

            if (i == 5)
            {
                throw new BenchException("node a forwards nothing in the interface");
            }
        }

        Array.ForEach(_ways, way => Ask(way, HttpApplication.Large, LargeConnections, TimeSpan.FromSeconds(1)));
    }

    /// <summary>Asks all ways in turn, some rounds; prints their medians.</summary>
    private List<Side[]> Measure(string name, string path, int connections, int rounds, int bytes)
    {
        var measured = new List<Side[]>();
        for (int i = 0; i < rounds; i++)
        {
            measured.Add([.. _ways.Select(way => Ask(way, path, connections))]);
        }

        Console.WriteLine($"{$"{name}, {connections} connections",-28}{"k/s",10}{"Gbit/s",10}{"of direct",11}{"p99 ms",10}{"its CPU, µs",13}");
        for (int i = 0; i < _ways.Length; i++)
        {
            double Median(Func<Side, double> of) => Statistics.Median(measured.Select(round => of(round[i])));
            double ofDirect = Statistics.Median(measured.Select(round => round[i].Rate / round[0].Rate));
            double rate = Median(side => side.Rate);
            Print($"  {_ways[i].Name,-26}{rate / 1e3,10:F1}{rate * bytes * 8 / 1e9,10:F1}{ofDirect,11:F2}{Median(side => side.P99) / 1e3,10:F2}{Median(side => side.Processor),13:F2}");
        }

        return measured;
    }

    private Side Ask(Way way, string path, int connections) => Ask(way, path, connections, _time);

    private Side Ask(Way way, string path, int connections, TimeSpan time)
    {
        var before = way.Processor();
        var answers = Wrk.Run(_network["client"], way.Server, path, connections, time);
        return new(answers.Rate, answers.P99, (way.Processor() - before).TotalMicroseconds / answers.Requests);
    }

    private static void Print(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));

    /// <summary>A way to the server.</summary>
    /// <param name="Name">For people.</param>
    /// <param name="Server">Whom the client asks.</param>
    /// <param name="Processor">What the one in the way has used so far.</param>
    private sealed record Way(string Name, IPEndPoint Server, Func<TimeSpan> Processor);

    /// <summary>One measurement of one way.</summary>
    /// <param name="Rate">Requests a second.</param>
    /// <param name="P99">Microseconds that 99 % of them did not exceed.</param>
    /// <param name="Processor">Microseconds that the one in the way used for each.</param>
    private readonly record struct Side(double Rate, double P99, double Processor);

    /// <summary>The kernel measures how long programs run.</summary>
    private sealed class RunTimes : IDisposable
    {
        private readonly int _descriptor = BpfCalls.EnableStatistics();

        public void Dispose() => _ = Libc.Close(_descriptor);
    }
}
