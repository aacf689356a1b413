using System.Net;
using System.Net.Sockets;
using Baton.Engine;
using Baton.Link;
using Baton.Samples;
using Baton.Wire;
using AddressFamily = System.Net.Sockets.AddressFamily;

namespace Baton.RealPackets.Tests;

/// <summary>
/// Three nodes whose services and lan are IPv6 only, on TAPs in one namespace whose kernel is the client, on the front's
/// link itself: it finds the services by Neighbor Discovery.
/// </summary>
internal sealed class Ipv6Farm : IAsyncDisposable
{
    public const string Client = "2001:db8:1::200";

    private readonly string _name = $"baton-real-{Environment.ProcessId}-v6";
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<Socket> _clients = [];

    /// <summary>Ends when the farm is disposed; for applications.</summary>
    public CancellationToken Stopping => _stopping.Token;

    public List<BatonEngine> Nodes { get; } = [];

    public static IPAddress ServiceAddress { get; } = IPAddress.Parse("2001:db8:1::101");

    public static MacAddress HomeMac { get; } = new(0x02_00_00_00_06_01);

    public static async Task<Ipv6Farm> StartAsync()
    {
        var farm = new Ipv6Farm();
        try
        {
            RealNetwork.Run(null, "ip", "netns", "add", farm._name);
            foreach (string bridge in new[] { "front", "lan" })
            {
                farm.Ip("link", "add", bridge, "type", "bridge", "forward_delay", "0", "mcast_snooping", "0");
                farm.Ip("link", "set", bridge, "up");
            }

            farm.Ip("-6", "address", "add", $"{Client}/64", "dev", "front", "nodad");
            for (int number = 1; number <= 3; number++)
            {
                farm.Nodes.Add(await BatonEngine.StartAsync(farm.OptionsOf(number)));
            }

            await Wait.UntilAsync(() => farm.Nodes.TrueForAll(node => node.Members.All(member => member.Reachable)));
            return farm;
        }
        catch
        {
            await farm.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs a program beside the client's kernel; it has to succeed.</summary>
    public string Run(string file, params string[] arguments) => RealNetwork.Run(_name, file, arguments);

    /// <summary>Binds an application to a service at each node.</summary>
    public async Task ServeAsync(string service, Func<string, SampleApplication> make)
    {
        foreach (var node in Nodes)
        {
            var application = make(NameOf(node));
            var listener = await node.BindAsync(new BatonEndPoint(service), application.Name);
            _ = TestApplications.AcceptAsync(listener, application, _stopping.Token);
        }
    }

    public async Task<Socket> ConnectAsync()
    {
        var socket = Open(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(new IPEndPoint(ServiceAddress, 80), Wait.Patience());
        return socket;
    }

    public Socket ConnectUdp(int port)
    {
        var socket = Open(SocketType.Dgram, ProtocolType.Udp);
        socket.Connect(new IPEndPoint(ServiceAddress, port));
        return socket;
    }

    /// <summary>Moves the farm's only endpoint of a flow to a node.</summary>
    public async Task MoveAsync(Flow flow, BatonEngine target)
    {
        (BatonEngine Node, EndpointId Id)? owner = null;
        await Wait.UntilAsync(async () =>
        {
            foreach (var node in Nodes)
            {
                if ((await node.EndpointsAsync()).FirstOrDefault(e => e.Flow == flow && e.Activity == EndpointActivity.Active) is { } endpoint)
                {
                    owner = (node, endpoint.Id);
                }
            }

            return owner is not null;
        });
        var result = await owner!.Value.Node.MoveAsync(owner.Value.Id, NameOf(target), Wait.Patience());
        Assert.True(result.Moved, result.ToString());
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        foreach (var client in _clients)
        {
            client.Dispose();
        }

        foreach (var node in Nodes)
        {
            await node.DisposeAsync();
        }

        RealNetwork.TryRun(null, "ip", "netns", "delete", _name);
        _stopping.Dispose();
    }

    public string NameOf(BatonEngine node) => RealNetwork.NodeNames[Nodes.IndexOf(node)];

    private Socket Open(SocketType type, ProtocolType protocol)
    {
        var socket = NetworkNamespace.Run(_name, () => new Socket(AddressFamily.InterNetworkV6, type, protocol));
        _clients.Add(socket);
        return socket;
    }

    private void Ip(params string[] arguments) => RealNetwork.Run(null, "ip", ["-n", _name, .. arguments]);

    private EngineOptions OptionsOf(int number)
    {
        var front = TapLink.Open(new TapOptions
        {
            Name = $"front{number}",
            Namespace = _name,
            Address = new MacAddress(HomeMac.Value + (ulong)(number - 1)),
        });
        var lan = TapLink.Open(new TapOptions { Name = $"lan{number}", Namespace = _name, Mtu = RealNetwork.LanMtu });
        Ip("link", "set", $"front{number}", "master", "front");
        Ip("link", "set", $"lan{number}", "master", "lan");
        return new EngineOptions
        {
            Node = RealNetwork.NodeNames[number - 1],
            Members = [.. Enumerable.Range(1, 3).Select(n => new MemberOptions
            {
                Name = RealNetwork.NodeNames[n - 1],
                Id = new NodeId((ushort)n),
                LanAddress = InetAddress.Parse($"2001:db8:2::{n}"),
                FrontAddress = InetAddress.Parse($"2001:db8:1::{10 + n}"),
                ServiceAddresses = [InetAddress.Parse($"2001:db8:1::{100 + n}")],
            })],
            Services = FarmSetup.Services,
            Front = new NetworkOptions { Link = front, PrefixLength = 64 },
            Lan = new NetworkOptions { Link = lan, PrefixLength = 64 },
            Keys = EngineKeys.FromSecret("a secret of the farm"u8),

            // A busy machine is no reason to fail.
            HandoffBudget = TimeSpan.FromSeconds(5),
        };
    }
}
