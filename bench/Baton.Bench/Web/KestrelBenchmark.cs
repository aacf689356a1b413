using System.Globalization;
using System.Net;
using Baton.Bench.Machine;

namespace Baton.Bench.Web;

/// <summary>
/// Kestrel on the farm's transport over a TAP device against Kestrel on sockets over veth: one application in one process
/// on the server's core, wrk on the client's, one right after the other.
/// </summary>
internal static class KestrelBenchmark
{
    private static readonly (string Figure, string Name, string Path, int Connections, bool Close)[] s_all =
    [
        ("plaintext_1", "plaintext, 1 connection", "/", 1, false),
        ("plaintext_64", "plaintext, 64", "/", 64, false),
        ("plaintext_512", "plaintext, 512", "/", 512, false),
        ("json_64", "JSON, 64", "/json", 64, false),
        ("mib_16", "1 MiB, 16", "/mib", 16, false),
        ("connect", "a connection each, 32", "/", 32, true),
    ];

    /// <summary>Runs all of it, or one comparison, and prints table and figures.</summary>
    public static async Task<int> RunAsync(bool quick, string? only)
    {
        string handoff = only is null || only.Split(',').Contains(IdleHandoff.Figure) ? await IdleHandoff.MeasureAsync(quick ? 500 : 2000) : "";
        using var network = MakeNetwork();
        using var server = WebServerProcess.Start(network["server"], network["client"]);
        network.Ip("client", "address add 198.18.1.2/24 dev own");
        Console.WriteLine("Both sides: one process on core 0, wrk with one thread on core 1.");
        Console.WriteLine($"{"",-24}{"sockets",10}{"farm",10}{"",8}{"ratio",8}{"p99",8}{"µs of CPU",16}{"bytes",16}{"rounds",8}");
        var figures = new List<string>();

        // What is compiled at first use.
        foreach (string path in s_all.Select(one => one.Path).Distinct())
        {
            Wrk.Run(network["client"], WebServer.Kernel, path, 1, TimeSpan.FromSeconds(1));
            Wrk.Run(network["client"], WebServer.Own, path, 1, TimeSpan.FromSeconds(1));
        }

        foreach (var (figure, name, path, connections, close) in s_all)
        {
            if (only is null || only.Split(',').Contains(figure))
            {
                double ratio = Compare(server, name, quick ? 2 : 5, whom =>
                    Wrk.Run(network["client"], whom, path, connections, TimeSpan.FromSeconds(quick ? 1 : 4), close));
                figures.Add(string.Create(CultureInfo.InvariantCulture, $"{figure}={ratio:F2}"));
            }
        }

        if (only is null || only.Split(',').Contains("idle_ws_bytes"))
        {
            double sockets = IdleWebSockets.Measure(server, network["client"], WebServer.Kernel) + IdleWebSockets.KernelBytes;
            double farm = IdleWebSockets.Measure(server, network["client"], WebServer.Own);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{"an idle WebSocket",-24}{sockets,10:F0}{farm,10:F0} {"bytes",-7}{sockets / farm,8:F2}"));
            figures.Add(string.Create(CultureInfo.InvariantCulture, $"idle_ws_bytes={farm:F0}"));
        }

        Console.WriteLine($"figures: {string.Join(' ', figures.Append(handoff))}");
        return 0;
    }

    /// <summary>Asks both sides in turn; prints a row and gives the ratio of their rates.</summary>
    private static double Compare(WebServerProcess server, string name, int wanted, Func<IPEndPoint, WrkResult> ask)
    {
        Side Ask(IPEndPoint whom)
        {
            var before = server.Usage();
            var answers = ask(whom);
            var after = server.Usage();
            return new(
                answers.Rate,
                answers.P99,
                (after.Allocated - before.Allocated) / (double)answers.Requests,
                TimeSpan.FromTicks(after.Processor - before.Processor).TotalMicroseconds / answers.Requests);
        }

        var rounds = new List<(Side Sockets, Side Farm)>();
        for (int round = 0; round < wanted; round++)
        {
            rounds.Add((Ask(WebServer.Kernel), Ask(WebServer.Own)));
        }

        double Median(Func<(Side Sockets, Side Farm), double> of) => Statistics.Median(rounds.Select(of));
        double ratio = Median(r => r.Farm.Rate / r.Sockets.Rate);
        string processor = string.Create(CultureInfo.InvariantCulture, $"{Median(r => r.Sockets.Processor):F1} / {Median(r => r.Farm.Processor):F1}");
        string allocated = string.Create(CultureInfo.InvariantCulture, $"{Median(r => r.Sockets.Allocated):F0} / {Median(r => r.Farm.Allocated):F0}");
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{name,-24}{Median(r => r.Sockets.Rate) / 1e3,10:F1}{Median(r => r.Farm.Rate) / 1e3,10:F1} {"k/s",-7}{ratio,8:F2}{Median(r => r.Farm.P99 / r.Sockets.P99),8:F2}{processor,16}{allocated,16}{wanted,8}"));
        return ratio;
    }

    private static Namespaces MakeNetwork()
    {
        var network = new Namespaces("client", "server");
        network.Ip("client", $"link add kernel type veth peer name kernel netns {network["server"]}");
        network.Ip("client", "address add 198.18.0.2/24 dev kernel");
        network.Ip("client", "link set kernel up");
        network.Ip("server", $"address add {WebServer.Kernel.Address}/24 dev kernel");
        network.Ip("server", "link set kernel up");
        network.Set("client", "/proc/sys/net/ipv4/ip_local_port_range", "1024 65535");
        network.Set("client", "/proc/sys/net/ipv4/tcp_tw_reuse", "1");
        return network;
    }

    /// <summary>One measurement of one side.</summary>
    /// <param name="Rate">Requests a second.</param>
    /// <param name="P99">Microseconds that 99 % of them did not exceed.</param>
    /// <param name="Allocated">Bytes that the server allocated for each.</param>
    /// <param name="Processor">Microseconds of processor time that it used for each.</param>
    private readonly record struct Side(double Rate, double P99, double Allocated, double Processor);
}
