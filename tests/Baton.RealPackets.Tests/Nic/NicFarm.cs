using System.Net;
using System.Net.Sockets;
using Baton.Engine;
using Baton.Link;
using Baton.Samples;
using Baton.Wire;
using AddressFamily = System.Net.Sockets.AddressFamily;
using HomePhase = Baton.Handoff.HomePhase;

namespace Baton.RealPackets.Tests;

/// <summary>One node whose links are of XDP.</summary>
internal sealed record NicNode(string Name, ChosenLinks Links, CaptureLink Front, CaptureLink Lan, BatonEngine Engine)
{
    /// <summary>What the programs know.</summary>
    public NicCache Nic => Links.Nic!;

    /// <summary>The entries of the front's program.</summary>
    public int Entries => Nic.Front.Maps.Flows.ReadAll().Count;
}

/// <summary>Two nodes in NIC mode and the kernel of a client's namespace, on a <see cref="NicNetwork"/>.</summary>
internal sealed class NicFarm : IAsyncDisposable
{
    private readonly int _shards;
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<IDisposable> _owned = [];

    private NicFarm(int frontMtu, int shards) => (Network, _shards) = (new(frontMtu, shards), shards);

    public NicNetwork Network { get; }

    public NicNode A { get; private set; } = null!;

    public NicNode B { get; private set; } = null!;

    public static async Task<NicFarm> StartAsync(NicOptions? options = null, int frontMtu = RealNetwork.FrontMtu, int shards = 1)
    {
        var farm = new NicFarm(frontMtu, shards);
        try
        {
            farm.A = await farm.StartNodeAsync("a", options ?? new());
            farm.B = await farm.StartNodeAsync("b", options ?? new());
            await Wait.UntilAsync(() => farm.A.Engine.Members.All(member => member.Reachable) && farm.B.Engine.Members.All(member => member.Reachable));
            await Wait.UntilAsync(
                async () => (await farm.A.Engine.HomesAsync()).Count(home => home is { Phase: HomePhase.Serving, Home: "a" }) == 2, "a serves its addresses");

            // Nothing but the client's packets shall come to A's front.
            farm.Network.Ip("client", "neighbour", "add", Service.ToString(), "lladdr", farm.A.Front.Address.ToString(), "dev", "front");
            return farm;
        }
        catch
        {
            await farm.DisposeAsync();
            throw;
        }
    }

    /// <summary>The address that the client uses, whose home is A.</summary>
    public static InetAddress Service { get; } = InetAddress.Parse("198.51.100.101");

    /// <summary>The same of IPv6.</summary>
    public static InetAddress ServiceV6 { get; } = InetAddress.Parse("2001:db8:1::101");

    /// <summary>Binds an application to the TCP service at both nodes.</summary>
    public async Task ServeAsync(Func<string, SampleApplication> make)
    {
        foreach (var node in (NicNode[])[A, B])
        {
            var application = make(node.Name);
            _ = TestApplications.AcceptAsync(await node.Engine.BindAsync(new BatonEndPoint("web"), application.Name), application, _stopping.Token);
        }
    }

    /// <summary>A kernel socket of the client, connected to the TCP service.</summary>
    public async Task<Socket> ConnectAsync(bool v6 = false)
    {
        var family = v6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork;
        var socket = Own(NetworkNamespace.Run(Network["client"], () => new Socket(family, SocketType.Stream, ProtocolType.Tcp)));
        socket.NoDelay = true;
        await socket.ConnectAsync(new IPEndPoint((v6 ? ServiceV6 : Service).ToIPAddress(), FarmSetup.Web), Wait.Patience());
        return socket;
    }

    /// <summary>A packet socket on the client's interface, which sends frames as they are.</summary>
    public PacketLink OpenRaw() => Own(PacketLink.Open(new PacketOptions { Name = "front", Namespace = Network["client"] }));

    /// <summary>Moves a flow's endpoint from one node to another.</summary>
    public static async Task MoveAsync(Flow flow, NicNode from, NicNode to)
    {
        EndpointDescription? endpoint = null;
        await Wait.UntilAsync(
            async () => (endpoint = (await from.Engine.EndpointsAsync()).FirstOrDefault(e => e.Flow == flow)) is { Activity: EndpointActivity.Active },
            $"an endpoint at {from.Name}");
        var result = await from.Engine.MoveAsync(endpoint!.Id, to.Name, Wait.Patience());
        Assert.True(result.Moved, $"{from.Name} to {to.Name}: {result}");
    }

    public T Own<T>(T owned)
        where T : IDisposable
    {
        _owned.Add(owned);
        return owned;
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _owned.ForEach(owned => owned.Dispose());
        foreach (var node in (NicNode?[])[A, B])
        {
            if (node is not null)
            {
                await node.Engine.DisposeAsync();
            }
        }

        Network.Dispose();
        _stopping.Dispose();
    }

    private async Task<NicNode> StartNodeAsync(string name, NicOptions options)
    {
        var links = LinkChoice.OpenBoth(Request("front", name), Request("lan", name), options);
        var front = new CaptureLink(links.Front.Link);
        var lan = new CaptureLink(links.Lan.Link);
        var engine = await BatonEngine.StartAsync(new EngineOptions
        {
            Node = name,
            Members = [.. NicNetwork.Nodes.Select((member, i) => new MemberOptions
            {
                Name = member,
                Id = new NodeId((ushort)(i + 1)),
                LanAddress = InetAddress.Parse($"192.0.2.{i + 1}"),
                FrontAddress = InetAddress.Parse($"198.51.100.{i + 11}"),
                FrontAddressV6 = InetAddress.Parse($"2001:db8:1::{i + 11}"),
                ServiceAddresses = [InetAddress.Parse($"198.51.100.{i + 101}"), InetAddress.Parse($"2001:db8:1::{i + 101}")],
            })],
            Services = FarmSetup.Services,
            Front = new NetworkOptions { Link = front, FurtherQueues = links.Front.FurtherQueues, PrefixLength = 24 },
            Lan = new NetworkOptions { Link = lan, FurtherQueues = links.Lan.FurtherQueues, PrefixLength = 24 },
            Nic = links.Nic,
            Keys = EngineKeys.FromSecret(System.Text.Encoding.UTF8.GetBytes(RealFarm.Secret)),
            HandoffBudget = TimeSpan.FromSeconds(5),
        });
        return new(name, links, front, lan, engine);
    }

    private LinkRequest Request(string network, string node) => new() { Kind = LinkKind.Xdp, Name = network, Namespace = Network[node], Queues = _shards };
}
