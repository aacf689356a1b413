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
    public static int Run(bool quick, string? only)
    {
        string handoff = only is null or IdleHandoff.Figure ? await IdleHandoff.MeasureAsync(quick ? 500 : 2000) : "";
        using var network = MakeNetwork();
        using var server = WebServerProcess.Start(network["server"], network["client"]);
        network.Ip("client", "address add 198.18.1.2/24 dev own");
        Console.WriteLine("Both sides: one process on core 0, wrk with one thread on core 1.");
        Console.WriteLine($"{"",-24}{"sockets",10}{"farm",10}{"",8}{"ratio",8}{"p99",8}{"bytes allocated",24}{"rounds",8}");
        var figures = new List<string>();
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
            double sockets = IdleWebSockets.Measure(server, network["client"], WebServer.Kernel);
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
        (WrkResult Answers, double Allocated) Ask(IPEndPoint whom)
        {
            long before = server.Usage().Allocated;
            var answers = ask(whom);
            return (answers, (server.Usage().Allocated - before) / (double)answers.Requests);
        }

        Ask(WebServer.Kernel);
        Ask(WebServer.Own);
        var rounds = new List<((WrkResult Answers, double Allocated) Sockets, (WrkResult Answers, double Allocated) Farm)>();
        for (int round = 0; round < wanted; round++)
        {
            rounds.Add((Ask(WebServer.Kernel), Ask(WebServer.Own)));
        }

        double ratio = Statistics.Median(rounds.Select(r => r.Farm.Answers.Rate / r.Sockets.Answers.Rate));
        double tail = Statistics.Median(rounds.Select(r => r.Farm.Answers.P99 / r.Sockets.Answers.P99));
        double sockets = Statistics.Median(rounds.Select(r => r.Sockets.Answers.Rate)) / 1e3;
        double farm = Statistics.Median(rounds.Select(r => r.Farm.Answers.Rate)) / 1e3;
        string allocated = string.Create(
            CultureInfo.InvariantCulture,
            $"{Statistics.Median(rounds.Select(r => r.Sockets.Allocated)):F0} / {Statistics.Median(rounds.Select(r => r.Farm.Allocated)):F0}");
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{name,-24}{sockets,10:F1}{farm,10:F1} {"k/s",-7}{ratio,8:F2}{tail,8:F2}{allocated,24}{rounds.Count,8}"));
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
}
