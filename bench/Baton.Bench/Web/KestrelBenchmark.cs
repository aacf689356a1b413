using System.Diagnostics;
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
    private static readonly IPEndPoint s_kernel = new(IPAddress.Parse("198.18.0.1"), 8080);
    private static readonly IPEndPoint s_own = new(IPAddress.Parse("198.18.1.101"), 80);
    private static readonly IPAddress s_ownAddress = IPAddress.Parse("198.18.1.11");

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
        string handoff = only is null or IdleHandoff.Figure ? await IdleHandoff.MeasureAsync(quick ? 500 : 2000) : "";
        using var network = MakeNetwork();
        string kernelNamespace = network["server"];
        string clientNamespace = network["client"];
        Process.GetCurrentProcess().ProcessorAffinity = 1 << Cores.Server;
        await using var server = await WebServer.StartAsync(kernelNamespace, s_kernel, clientNamespace, s_own, s_ownAddress);
        network.Ip("client", "address add 198.18.1.2/24 dev own");
        Console.WriteLine("Both sides: one process on core 0, wrk with one thread on core 1.");
        Console.WriteLine($"{"",-26}{"sockets",10}{"farm",10}{"",8}{"ratio",8}{"p99",8}{"rounds",8}");
        var time = TimeSpan.FromSeconds(quick ? 1 : 4);
        int wanted = quick ? 2 : 5;
        var figures = new List<string>();
        foreach (var (figure, name, path, connections, close) in s_all)
        {
            if (only is not null && only != figure)
            {
                continue;
            }

            WrkResult Ask(IPEndPoint whom) => Wrk.Run(clientNamespace, whom, path, connections, time, close);
            Ask(s_kernel);
            Ask(s_own);
            var rounds = new List<(WrkResult Kernel, WrkResult Own)>();
            for (int round = 0; round < wanted; round++)
            {
                rounds.Add((Ask(s_kernel), Ask(s_own)));
            }

            double ratio = Statistics.Median(rounds.Select(r => r.Own.Rate / r.Kernel.Rate));
            double tail = Statistics.Median(rounds.Select(r => r.Own.P99 / r.Kernel.P99));
            double sockets = Statistics.Median(rounds.Select(r => r.Kernel.Rate)) / 1e3;
            double farm = Statistics.Median(rounds.Select(r => r.Own.Rate)) / 1e3;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-26}{sockets,10:F1}{farm,10:F1} {"k/s",-7}{ratio,8:F2}{tail,8:F2}{rounds.Count,8}"));
            figures.Add(string.Create(CultureInfo.InvariantCulture, $"{figure}={ratio:F2}"));
        }

        Console.WriteLine($"figures: {string.Join(' ', figures.Append(handoff))}");
        return 0;
    }

    private static Namespaces MakeNetwork()
    {
        var network = new Namespaces("client", "server");
        network.Ip("client", $"link add kernel type veth peer name kernel netns {network["server"]}");
        network.Ip("client", "address add 198.18.0.2/24 dev kernel");
        network.Ip("client", "link set kernel up");
        network.Ip("server", $"address add {s_kernel.Address}/24 dev kernel");
        network.Ip("server", "link set kernel up");
        network.Set("client", "/proc/sys/net/ipv4/ip_local_port_range", "1024 65535");
        network.Set("client", "/proc/sys/net/ipv4/tcp_tw_reuse", "1");
        return network;
    }
}
