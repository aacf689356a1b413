using System.Collections.Immutable;
using Baton.Engine;
using Baton.Link;
using Baton.Wire;

namespace Baton.Simulation;

/// <summary>
/// A whole farm in one thread and in virtual time: the production code of every node on memory networks, and clients with
/// stacks of their own on the front. The same seed and the same calls give the same run.
/// </summary>
public sealed class Farm : IDisposable
{
    private const int MaxStepsAtOneTime = 10_000;

    private static readonly byte[] s_secret = [1, 2, 3, 4];


    private readonly VirtualKeys _keys;
    private int _stepsAtOneTime;

    /// <summary>Starts the nodes; they do not know each other yet.</summary>
    public Farm(FarmSettings settings)
    {
        Settings = settings;
        Random = new SeededRandom(settings.Seed);
        _keys = new VirtualKeys(this);
        Front = new MemoryNetwork(Random.NextUInt64(), Pool);
        Lan = new MemoryNetwork(Random.NextUInt64(), Pool);
        Now = Instant.Zero + TimeSpan.FromSeconds(1);
        Front.Deliver(Now);
        Lan.Deliver(Now);
        Nodes = [.. settings.Nodes.Select((name, index) => new FarmNode(this, name, index + 1))];
        Clients = [.. Enumerable.Range(0, settings.Clients).Select(index => new FarmClient(this, index))];
    }

    /// <summary>How it is.</summary>
    public FarmSettings Settings { get; }

    /// <summary>The source of everything random.</summary>
    public SeededRandom Random { get; }

    /// <summary>The frames under way.</summary>
    public BufferPool Pool { get; } = new(MemoryNetwork.DefaultPoolBytes);

    /// <summary>The network of clients and services.</summary>
    public MemoryNetwork Front { get; }

    /// <summary>The network between the nodes.</summary>
    public MemoryNetwork Lan { get; }

    /// <summary>The nodes.</summary>
    public ImmutableArray<FarmNode> Nodes { get; }

    /// <summary>The clients.</summary>
    public ImmutableArray<FarmClient> Clients { get; }

    /// <summary>The time.</summary>
    public Instant Now { get; private set; }

    /// <summary>What was found wrong by applications and clients; a test asserts that there is nothing.</summary>
    public List<string> Errors { get; } = [];

    /// <summary>Called after each step.</summary>
    public Action? AfterStep { get; set; }

    /// <summary>A node by its name.</summary>
    public FarmNode this[string name] => Nodes.First(node => node.Name == name);

    /// <summary>The service address of which a node is home.</summary>
    public static InetAddress ServiceAddress(int number) => InetAddress.Parse($"198.51.100.{100 + number}");

    /// <summary>The IPv6 service address of which a node is home.</summary>
    public static InetAddress ServiceAddressV6(int number) => InetAddress.Parse($"2001:db8:1::{100 + number}");

    /// <summary>A node's own address on the front.</summary>
    public static InetAddress FrontAddress(int number) => InetAddress.Parse($"198.51.100.{10 + number}");

    /// <summary>A node's own IPv6 address on the front.</summary>
    public static InetAddress FrontAddressV6(int number) => InetAddress.Parse($"2001:db8:1::{10 + number}");

    /// <summary>A node's address on an IPv4 lan.</summary>
    public static InetAddress LanAddress(int number) => InetAddress.Parse($"192.0.2.{number}");

    /// <summary>A node's address on an IPv6 lan.</summary>
    public static InetAddress LanAddressV6(int number) => InetAddress.Parse($"2001:db8:2::{number}");

    /// <summary>Runs until all channels are up and every member has heard of every other.</summary>
    public Farm Connect()
    {
        RunUntil(
            () => Nodes.All(node => Nodes.All(peer => peer == node || (node.Shard.IsChannelUp(peer.Id) && node.Sees(peer)))),
            TimeSpan.FromSeconds(10));
        return this;
    }

    /// <summary>Runs for a time.</summary>
    public void RunFor(TimeSpan duration)
    {
        var end = Now + duration;
        while (StepUntil(end))
        {
        }
    }

    /// <summary>Runs until something is so.</summary>
    /// <exception cref="TimeoutException">It is not so after <paramref name="limit"/>.</exception>
    public void RunUntil(Func<bool> condition, TimeSpan limit)
    {
        var end = Now + limit;
        while (!condition())
        {
            if (!StepUntil(end))
            {
                throw new TimeoutException($"Not so after {limit.TotalSeconds} s (seed {Settings.Seed}). {string.Join(" ", Errors)}");
            }
        }
    }

    /// <summary>One step: everything that is due at the present time, then on to the next moment at which something is.</summary>
    /// <returns>False at <paramref name="end"/>.</returns>
    public bool StepUntil(Instant end)
    {
        bool delivered = Front.Deliver(Now);
        delivered |= Lan.Deliver(Now);
        var next = Instant.Never;
        foreach (var node in Nodes)
        {
            next = Instant.Min(next, node.Run(Now));
        }

        foreach (var client in Clients)
        {
            next = Instant.Min(next, client.Run(Now));
        }

        AfterStep?.Invoke();
        next = Instant.Min(next, Instant.Min(Front.NextDelivery, Lan.NextDelivery));
        if (next <= Now)
        {
            if (++_stepsAtOneTime > MaxStepsAtOneTime)
            {
                throw new InvalidOperationException($"Time stands still at {Now}: {string.Join(", ", Nodes.Where(n => n.Next <= Now).Select(n => n.Name))} want to run at once, again and again.");
            }

            return true;
        }

        _stepsAtOneTime = 0;

        long grid = Settings.Grid.Ticks;
        if (grid > 0 && next != Instant.Never)
        {
            next = new Instant((next.Ticks + grid - 1) / grid * grid);
        }

        if (next > end)
        {
            Now = end;
            return false;
        }

        Now = next;
        return true;
    }

    /// <summary>The options of a node.</summary>
    internal EngineOptions OptionsOf(FarmNode node) => Settings.Adjust(new EngineOptions
    {
        Node = node.Name,
        Members = [.. Settings.Nodes.Select((name, index) => new MemberOptions
        {
            Name = name,
            Id = new NodeId((ushort)(index + 1)),
            LanAddress = Settings.LanFamily == AddressFamily.V4 ? LanAddress(index + 1) : LanAddressV6(index + 1),
            FrontAddress = FrontAddress(index + 1),
            FrontAddressV6 = FrontAddressV6(index + 1),
            ServiceAddresses = [ServiceAddress(index + 1), ServiceAddressV6(index + 1)],
        })],
        Services = Settings.Services,
        Front = new NetworkOptions { Link = node.FrontLink, FurtherQueues = node.FrontQueues, PrefixLength = 24 },
        Lan = new NetworkOptions { Link = node.LanLink, FurtherQueues = node.LanQueues, PrefixLength = Settings.LanFamily == AddressFamily.V4 ? 24 : 64 },
        Keys = EngineKeys.FromSecret(s_secret),
        Seed = Random.NextUInt64(),
        KeyAgreement = Settings.Sealed ? _keys.MakeAgreement : null,
    });

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var node in Nodes)
        {
            foreach (var shard in node.Shard.Shards)
            {
                shard.Dispose();
            }
        }
    }
}
