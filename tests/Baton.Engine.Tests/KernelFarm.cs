using System.Net.Sockets;
using Baton.Link;
using Baton.Wire;

namespace Baton.Engine.Tests;

/// <summary>Engines on the TAP devices of a <see cref="KernelNetwork"/>.</summary>
internal sealed class KernelFarm : IAsyncDisposable
{
    public const string RootOnly = KernelNetwork.RootOnly;

    private readonly KernelNetwork _network = new();

    private KernelFarm()
    {
    }

    public static bool IsRoot => KernelNetwork.IsRoot;

    public List<BatonEngine> Nodes { get; } = [];

    public static async Task<KernelFarm> StartAsync(int nodes, Func<EngineOptions, EngineOptions>? adjust = null)
    {
        var farm = new KernelFarm();
        for (int number = 1; number <= nodes; number++)
        {
            var options = farm.OptionsOf(number, nodes);
            farm.Nodes.Add(await BatonEngine.StartAsync(adjust is null ? options : adjust(options)));
        }

        await farm.WaitForChannelsAsync();
        return farm;
    }

    /// <summary>Nodes of several shards, by the numbers given.</summary>
    public static async Task<KernelFarm> StartAsync(LinkKind kind, int[] shards)
    {
        var farm = new KernelFarm();
        for (int number = 1; number <= shards.Length; number++)
        {
            var (front, lan) = farm._network.Attach(number, kind, shards[number - 1]);
            farm.Nodes.Add(await BatonEngine.StartAsync(OptionsOf(
                number,
                shards.Length,
                new NetworkOptions { Link = front.Link, FurtherQueues = front.FurtherQueues, PrefixLength = 24 },
                new NetworkOptions { Link = lan.Link, FurtherQueues = lan.FurtherQueues, PrefixLength = 24 })));
        }

        await farm.WaitForChannelsAsync();
        return farm;
    }

    /// <summary>A client's socket, connected to the service of which the first node is home.</summary>
    public Task<Socket> ConnectAsync(int port = 80) => _network.ConnectAsync(port);

    /// <summary>A client's UDP socket, connected to the service of which the first node is home.</summary>
    public Socket ConnectUdp(int port = 53) => _network.ConnectUdp(port);

    /// <summary>A listener of the client's kernel.</summary>
    public Socket Listen(int port) => _network.Listen(port);

    public async ValueTask DisposeAsync()
    {
        foreach (var node in Nodes)
        {
            await node.DisposeAsync();
        }

        _network.Dispose();
    }

    private EngineOptions OptionsOf(int number, int nodes)
    {
        var (front, lan) = _network.Attach(number);
        return OptionsOf(number, nodes, new NetworkOptions { Link = front, PrefixLength = 24 }, new NetworkOptions { Link = lan, PrefixLength = 24 });
    }

    private static EngineOptions OptionsOf(int number, int nodes, NetworkOptions front, NetworkOptions lan) =>
        new()
        {
            Node = $"n{number}",
            Members = [.. Enumerable.Range(1, nodes).Select(n => new MemberOptions
            {
                Name = $"n{n}",
                Id = new NodeId((ushort)n),
                LanAddress = InetAddress.Parse($"192.0.2.{n}"),
                FrontAddress = InetAddress.Parse($"198.51.100.{10 + n}"),
                ServiceAddresses = [InetAddress.Parse($"198.51.100.{100 + n}")],
            })],
            Services =
            [
                new ServiceOptions { Name = "tcp", Port = 80, Placement = Placement.FirstRequest },
                new ServiceOptions { Name = "udp", Port = 53, Protocol = IpProtocol.Udp, Placement = Placement.FirstRequest },
            ],
            Front = front,
            Lan = lan,
            Keys = EngineKeys.FromSecret("a secret of the farm"u8),

            // A busy machine is no reason to fail.
            HandoffBudget = TimeSpan.FromSeconds(5),
        };

    private async Task WaitForChannelsAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!Nodes.TrueForAll(node => node.Members.All(member => member.Reachable)))
        {
            await Task.Delay(10, patience.Token);
        }
    }
}
