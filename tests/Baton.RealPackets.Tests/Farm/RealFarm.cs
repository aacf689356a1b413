using System.Net;
using System.Net.Sockets;
using Baton.Engine;
using HomePhase = Baton.Handoff.HomePhase;
using Baton.Link;
using Baton.Wire;
using AddressFamily = System.Net.Sockets.AddressFamily;

namespace Baton.RealPackets.Tests;

/// <summary>
/// Three nodes on the network's TAPs, each an engine with a thread of its own, and the kernel of the client namespace as
/// the client, in another subnet behind a relay and a router.
/// </summary>
internal sealed class RealFarm : IAsyncDisposable
{
    /// <summary>What the farm's keys are made of.</summary>
    public const string Secret = "a secret of the farm";

    private readonly RealNetwork _network;
    private readonly FarmSetup _setup;
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _relayStopping = new();
    private readonly List<Socket> _clients = [];
    private readonly List<IDisposable> _owned = [];
    private Thread? _relay;

    private RealFarm(RealNetwork network, FarmSetup setup)
    {
        _network = network;
        _setup = setup;
    }

    public List<RealNode> Nodes { get; } = [];

    public RealNode A => Nodes[0];

    public RealNode B => Nodes[1];

    public RealNode C => Nodes[2];

    public RealNetwork Network => _network;

    /// <summary>The client's end of the relay: inbound is what the client sends.</summary>
    public CaptureLink ClientSide { get; private set; } = null!;

    /// <summary>The router's end of the relay: inbound is what the router sends to the client.</summary>
    public CaptureLink RouterSide { get; private set; } = null!;

    /// <summary>Ends when the farm is disposed; for applications.</summary>
    public CancellationToken Stopping => _stopping.Token;

    public static async Task<RealFarm> StartAsync(RealNetwork network, FarmSetup? setup = null)
    {
        var farm = new RealFarm(network, setup ?? new FarmSetup());
        try
        {
            farm.StartRelay();
            foreach (string name in farm._setup.Runs)
            {
                farm.Nodes.Add(await farm.StartNodeAsync(name));
            }

            await Wait.UntilAsync(() => farm.Nodes.TrueForAll(node => node.Engine.Members.All(member => member.Reachable)));
            await farm.WaitForHomesAsync();
            await Wait.UntilAsync(() => farm.Nodes.TrueForAll(node => network.IsForwarding(node.Name)), "bridges that forward");
            return farm;
        }
        catch
        {
            await farm.DisposeAsync();
            throw;
        }
    }

    /// <summary>A node's Ethernet address on a network.</summary>
    public static MacAddress MacOf(string network, string node) =>
        new(0x02_00_00_00_00_00UL + (network == "lan" ? 0x0200u : 0x0100u) + (uint)(node[0] - 'a' + 1));

    /// <summary>Waits until each service address has a home that serves, and all nodes here hear each other: none stands down.</summary>
    public async Task WaitForHomesAsync() => await Wait.UntilAsync(
        async () =>
        {
            var leases = await Task.WhenAll(Nodes.Select(node => node.Engine.Shard.Call(
                shard => Nodes.TrueForAll(peer => shard.Exchange.HoldsLease(peer.Id)))));
            if (leases.Contains(false))
            {
                return false;
            }

            // What a node in a process of its own is home of, those here have heard of.
            var homes = await Task.WhenAll(Nodes.Select(node => node.Engine.HomesAsync().AsTask()));
            return homes[0].All(address => homes.Any(at => at.Any(h => h.Address == address.Address && h.Phase == HomePhase.Serving))
                || (address.Home is { } home && Nodes.TrueForAll(node => node.Name != home)));
        },
        "homes that serve");

    /// <summary>A kernel socket of the client, connected to a service of a node's address (without one: of A's).</summary>
    public async Task<Socket> ConnectAsync(ushort port = FarmSetup.Web, RealNode? home = null)
    {
        var socket = NetworkNamespace.Run(_network.Client, () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        _clients.Add(socket);
        socket.NoDelay = true;
        await socket.ConnectAsync(Address(port, home), Wait.Patience());
        return socket;
    }

    /// <summary>A kernel socket of the client, connected to a service of an address, whoever is its home.</summary>
    public async Task<Socket> ConnectToAsync(string address, ushort port)
    {
        var socket = NetworkNamespace.Run(_network.Client, () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        _clients.Add(socket);
        socket.NoDelay = true;
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Parse(address), port), Wait.Patience());
        return socket;
    }

    /// <summary>A UDP socket of the client, connected to a service of a node's address (without one: of A's).</summary>
    public Socket ConnectUdp(ushort port = FarmSetup.Udp, RealNode? home = null)
    {
        var socket = NetworkNamespace.Run(_network.Client, () => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        _clients.Add(socket);
        socket.Connect(Address(port, home));
        return socket;
    }

    /// <summary>The flow of a client's socket, as the farm names it.</summary>
    public static Flow FlowOf(Socket client)
    {
        var local = (IPEndPoint)client.LocalEndPoint!;
        var remote = (IPEndPoint)client.RemoteEndPoint!;
        return new Flow(
            client.SocketType == SocketType.Stream ? IpProtocol.Tcp : IpProtocol.Udp,
            new FourTuple(InetAddress.FromIPAddress(remote.Address), (ushort)remote.Port, InetAddress.FromIPAddress(local.Address), (ushort)local.Port));
    }

    /// <summary>The node that owns a flow's endpoint, and the endpoint; exactly one has it.</summary>
    public async Task<(RealNode Node, EndpointDescription Endpoint)> OwnerAsync(Flow flow)
    {
        (RealNode, EndpointDescription)? found = null;
        await Wait.UntilAsync(async () =>
        {
            found = null;
            foreach (var node in Nodes)
            {
                if (await node.FindAsync(flow) is { Activity: EndpointActivity.Active } endpoint)
                {
                    found = (node, endpoint);
                }
            }

            return found is not null;
        });
        return found!.Value;
    }

    /// <summary>Moves a flow's endpoint, wherever it is, to a node.</summary>
    public async Task<HandoffEvent> MoveAsync(Flow flow, RealNode target)
    {
        var (node, endpoint) = await OwnerAsync(flow);
        var result = await node.Engine.MoveAsync(endpoint.Id, target.Name, Wait.Patience());
        Assert.True(result.Moved, $"{node.Name} to {target.Name}: {result}");
        return result.Event!;
    }

    /// <summary>A node's process ends, and another one is started in its place.</summary>
    public async Task<RealNode> RestartAsync(RealNode node)
    {
        int index = Nodes.IndexOf(node);
        await node.Engine.DisposeAsync();
        return Nodes[index] = await StartNodeAsync(node.Name);
    }

    /// <summary>Captures a link from now on; at the latest the farm's end ends it.</summary>
    public Capture Capture(CaptureLink link, int snapLength = 0) => Own(new Capture(link, snapLength));

    /// <summary>A station of the test's own on the front or the lan, once A and it can hear each other.</summary>
    public async Task<Station> JoinAsync(string network, string address)
    {
        var station = Own(new Station(_network, network, InetAddress.Parse(address)));
        await station.FindAsync(network == "lan" ? A.LanAddress : A.FrontAddress);
        return station;
    }

    /// <summary>Disposes something with the farm.</summary>
    public T Own<T>(T owned)
        where T : IDisposable
    {
        _owned.Add(owned);
        return owned;
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        foreach (var client in _clients)
        {
            Forget(client);
        }

        foreach (var owned in Enumerable.Reverse(_owned))
        {
            owned.Dispose();
        }

        foreach (var node in Nodes)
        {
            await node.Engine.DisposeAsync();
        }

        await _relayStopping.CancelAsync();
        _relay?.Join();
        ClientSide?.Dispose();
        RouterSide?.Dispose();
        _relayStopping.Dispose();
        _stopping.Dispose();
    }

    /// <summary>Ends a client's connection so that its kernel keeps nothing which could speak to the next test's farm.</summary>
    private static void Forget(Socket client)
    {
        try
        {
            if (client.SocketType == SocketType.Stream)
            {
                client.LingerState = new LingerOption(true, 0);
            }
        }
        catch (Exception gone) when (gone is ObjectDisposedException or SocketException)
        {
            return;
        }

        client.Dispose();
    }

    private static IPEndPoint Address(ushort port, RealNode? home) =>
        new(home is null ? IPAddress.Parse("198.51.100.101") : home.ServiceAddress.ToIPAddress(), port);

    private void StartRelay()
    {
        ClientSide = new CaptureLink(Wan(_network.Client));
        RouterSide = new CaptureLink(Wan(_network.Router));
        var profile = new FaultProfile { Delay = _setup.Delay };
        var relay = new Relay(ClientSide, RouterSide, new RelayOptions { Forward = profile, Backward = profile });
        var stopping = _relayStopping.Token;
        _relay = new Thread(() => relay.Run(stopping)) { Name = "relay", IsBackground = true };
        _relay.Start();
    }

    private async Task<RealNode> StartNodeAsync(string name)
    {
        string space = _network.NamespaceOf(name);
        var front = new CaptureLink(OpenLink(space, "front", name));
        var lan = new CaptureLink(_setup.LanOf(name, OpenLink(space, "lan", name)));
        var node = new RealNode(name, space, front, lan);
        var options = new EngineOptions
        {
            Node = name,
            Members = [.. RealNetwork.NodeNames.Select((member, i) => new MemberOptions
            {
                Name = member,
                Id = new NodeId((ushort)(i + 1)),
                LanAddress = InetAddress.Parse($"192.0.2.{i + 1}"),
                FrontAddress = InetAddress.Parse($"198.51.100.{i + 11}"),
                ServiceAddresses = [InetAddress.Parse($"198.51.100.{i + 101}")],
                Weight = _setup.Weights[i],
            })],
            Services = FarmSetup.Services,
            Front = new NetworkOptions { Link = front, PrefixLength = 24, Gateway = InetAddress.Parse("198.51.100.1") },
            Lan = new NetworkOptions { Link = lan, PrefixLength = 24 },
            Keys = EngineKeys.FromSecret(System.Text.Encoding.UTF8.GetBytes(Secret)),
            Limits = _setup.Limits,
            HandoffBudget = _setup.HandoffBudget,
            Authenticator = _setup.AuthenticatorOf(name),
        };
        return node with { Engine = await BatonEngine.StartAsync(options) };
    }

    private TapLink Wan(string space) =>
        TapLink.Open(new TapOptions { Name = "wan", Namespace = space, Offloads = _setup.Offloads });

    /// <summary>The Ethernet address is the same in every test: neighbours that know it need not be told of another.</summary>
    private ILink OpenLink(string space, string network, string node) => NodeLinks.Kind switch
    {
        LinkKind.Packet => PacketLink.Open(new() { Name = network, Namespace = space, Offloads = _setup.Offloads, Address = MacOf(network, node) }),
        LinkKind.Xdp => XdpLink.Open(new() { Name = network, Namespace = space }),
        _ => TapLink.Open(new() { Name = network, Namespace = space, Mtu = RealNetwork.Mtu(network), Offloads = _setup.Offloads, Address = MacOf(network, node) }),
    };
}
