using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Baton.Bench.Machine;
using Baton.Engine;
using Baton.Hosting;
using Baton.Link;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using AddressFamily = System.Net.Sockets.AddressFamily;

namespace Baton.Bench.Web;

/// <summary>
/// An idle HTTP/1.1 connection goes back and forth between Kestrel at two nodes in one process: the time from asking for
/// the move until the next node's Kestrel has the connection and the first node knows that it is gone.
/// </summary>
internal static class IdleHandoff
{
    /// <summary>Its name.</summary>
    public const string Figure = "handoff_p50_us";

    private const int WarmUp = 500, Checked = 100;
    private const string Service = "web";
    private static readonly string[] s_names = ["a", "b"];
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(2);
    private static readonly byte[] s_request = "GET / HTTP/1.1\r\nHost: farm\r\n\r\n"u8.ToArray();

    /// <summary>Measures, prints a line and gives the figure.</summary>
    /// <exception cref="BenchException">The connection did not answer.</exception>
    public static async Task<string> MeasureAsync(int moves)
    {
        using var network = MakeNetwork();
        var begun = new Begun();
        var nodes = new List<WebApplication>();
        try
        {
            for (int number = 1; number <= s_names.Length; number++)
            {
                nodes.Add(await StartAsync(network["switch"], number, begun));
            }

            var engines = nodes.ConvertAll(node => node.Services.GetRequiredService<BatonNode>().Engine);
            await MeetAsync(engines);
            using var client = await ConnectAsync(network["switch"]);
            var times = new List<long>();
            var frozen = new List<long>();
            int owner = 0, stayed = 0;
            for (int i = 0; i < WarmUp + moves; i++)
            {
                if (i % Checked == 0)
                {
                    await RequestAsync(client);
                }

                await Task.Delay(s_pause);
                if (await MoveAsync(engines[owner], s_names[1 - owner], begun) is not var (time, freeze))
                {
                    stayed++;
                    continue;
                }

                owner = 1 - owner;
                if (i >= WarmUp)
                {
                    times.Add(time);
                    frozen.Add(freeze);
                }
            }

            double median = Percentile(times, 0.5), tail = Percentile(times, 0.99);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"handoff of an idle connection, {times.Count} times: p50 {median / 1e3:F0} µs, p99 {tail / 1e3:F0} µs, frozen p50 {Percentile(frozen, 0.5):F0} µs; stayed {stayed}"));
            return string.Create(CultureInfo.InvariantCulture, $"{Figure}={median / 1e3:F0}");
        }
        finally
        {
            foreach (var node in nodes)
            {
                await node.DisposeAsync();
            }
        }
    }

    private static double Percentile(List<long> values, double share) => Statistics.Percentile(values.ToArray(), share);

    /// <summary>One move; null when the connection stayed, as it may when a busy machine makes it longer than its budget.</summary>
    private static async Task<(long Nanoseconds, long FrozenMicroseconds)?> MoveAsync(BatonEngine from, string to, Begun begun)
    {
        var endpoint = (await from.EndpointsAsync()).Single(endpoint => endpoint.Activity == EndpointActivity.Active);
        var next = begun.Next();
        long start = Stopwatch.GetTimestamp();
        var result = await from.MoveAsync(endpoint.Id, to);
        long known = Stopwatch.GetTimestamp();
        if (!result.Moved)
        {
            await next;
            return null;
        }

        long at = await next;
        return ((long)Stopwatch.GetElapsedTime(start, Math.Max(at, known)).TotalNanoseconds, (long)(result.Event?.FrozenMicroseconds ?? 0));
    }

    private static async Task RequestAsync(Socket client)
    {
        byte[] answer = new byte[1024];
        await client.SendAsync(s_request);
        int length = await client.ReceiveAsync(answer);
        if (!answer.AsSpan(0, length).StartsWith("HTTP/1.1 200 "u8))
        {
            throw new BenchException("the idle connection does not answer");
        }
    }

    private static async Task<Socket> ConnectAsync(string networkNamespace)
    {
        var socket = NetworkNamespace.Run(networkNamespace, static () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        await socket.ConnectAsync(IPAddress.Parse("198.51.100.101"), 80);
        return socket;
    }

    private static async Task MeetAsync(List<BatonEngine> engines)
    {
        for (long start = Stopwatch.GetTimestamp(); !engines.TrueForAll(engine => engine.Members.All(member => member.Reachable)); await Task.Delay(20))
        {
            if (Stopwatch.GetElapsedTime(start) > TimeSpan.FromSeconds(10))
            {
                throw new BenchException("the nodes do not find each other");
            }
        }
    }

    private static async Task<WebApplication> StartAsync(string networkNamespace, int number, Begun begun)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseBaton(options => options.DrainTimeout = TimeSpan.Zero);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(new BatonEndPoint(Service), listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            listen.Use(next => connection =>
            {
                begun.Set();
                return next(connection);
            });
        }));
        builder.Services.Configure<BatonOptions>(options =>
        {
            string name = s_names[number - 1];
            options.Node = name;
            options.Secret = "a secret of the benchmark";
            options.ControlSocket = Path.Combine(Path.GetTempPath(), $"baton-bench-{Environment.ProcessId}-{name}.sock");
            options.LinkFactory = side => TapLink.Open(new()
            {
                Name = side.Device == "front" ? $"front-{name}" : $"lan-{name}",
                Namespace = networkNamespace,
                Mtu = side.Mtu,
            });
            options.Services = [new ServiceSettings { Name = Service, Port = 80, Placement = "first-request" }];
            options.Members = [.. s_names.Select((member, index) => new MemberSettings
            {
                Name = member,
                Id = index + 1,
                Lan = $"192.0.2.{index + 1}",
                Front = $"198.51.100.{index + 11}",
                ServiceAddresses = [$"198.51.100.{index + 101}"],
            })];
        });
        var app = builder.Build();
        app.Run(static context =>
        {
            context.Response.ContentLength = 13;
            return context.Response.WriteAsync("Hello, World!");
        });
        await app.StartAsync();
        return app;
    }

    private static Namespaces MakeNetwork()
    {
        var network = new Namespaces("switch");
        foreach (var (side, mtu) in new[] { ("front", 1500), ("lan", 9000) })
        {
            network.Ip("switch", $"link add {side} type bridge stp_state 0 forward_delay 0 mcast_snooping 0");
            network.Ip("switch", string.Create(CultureInfo.InvariantCulture, $"link set {side} mtu {mtu} up"));
            foreach (string name in s_names)
            {
                network.Ip("switch", $"tuntap add dev {side}-{name} mode tap vnet_hdr");
                network.Ip("switch", string.Create(CultureInfo.InvariantCulture, $"link set {side}-{name} mtu {mtu} txqueuelen 4096 master {side} up"));
            }
        }

        // The client is the bridge's own kernel.
        network.Ip("switch", "address add 198.51.100.2/24 dev front");
        return network;
    }

    /// <summary>When a Kestrel gets a connection.</summary>
    private sealed class Begun
    {
        private TaskCompletionSource<long> _next = new();

        public Task<long> Next()
        {
            var next = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
            Volatile.Write(ref _next, next);
            return next.Task;
        }

        public void Set() => Volatile.Read(ref _next).TrySetResult(Stopwatch.GetTimestamp());
    }
}
