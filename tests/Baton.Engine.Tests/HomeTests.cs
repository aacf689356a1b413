using Baton.Handoff;
using Baton.Simulation;
using Baton.Stack;
using Baton.Wire;

namespace Baton.Engine.Tests;

/// <summary>The home role moves: on a drain, on a restart, on a takeover; and a partition leaves one home at most.</summary>
public class HomeTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly Farm _farm;
    private readonly Dictionary<Flow, PatternPlan> _plans = [];
    private readonly List<PatternClient> _clients = [];

    public HomeTests()
        : this(static _ => 1)
    {
    }

    private protected HomeTests(Func<int, int> shards)
    {
        _farm = new Farm(new FarmSettings { Clients = 2, Shards = shards }).Connect();
        foreach (var node in _farm.Nodes)
        {
            Bind(node);
        }

        _farm.RunUntil(() => _farm.Nodes.All(node => IsHome(node, node)), Limit);
        _farm.RunFor(TimeSpan.FromSeconds(1));
    }

    public void Dispose()
    {
        _farm.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public void A_drained_homes_address_and_directory_go_to_another_node_and_its_process_may_exit()
    {
        Connect(6, "a");
        DrainProgress? last = null;
        _farm["a"].Shard.Drain(progress => last = progress);
        _farm["a"].Touch();
        _farm.RunUntil(() => last is { Remaining: 0, Addresses: 0 }, Limit);
        _farm.RunFor(TimeSpan.FromSeconds(1));
        var heir = _farm.Nodes.Single(node => IsHome(node, _farm["a"]));
        Assert.NotEqual("a", heir.Name);
        Assert.Equal(6, heir.FlowCount);
        _farm["a"].Crash();

        Connect(2, "a");
        FinishAll();
        Assert.DoesNotContain(_farm.Nodes.Where(node => node != _farm["a"]), node => node.Counters.EndpointsDiscarded > 0);
        _farm.RunUntil(() => heir.FlowCount == 0, TimeSpan.FromMinutes(5));
    }

    [Fact]
    public void A_drained_home_has_its_address_back_as_soon_as_it_asks()
    {
        Connect(6, "a");
        DrainProgress? last = null;
        _farm["a"].Shard.Drain(progress => last = progress);
        _farm["a"].Touch();
        _farm.RunUntil(() => last is { Remaining: 0, Addresses: 0 }, Limit);

        // It still forwards what comes late to it as the former home.
        _farm.RunFor(TimeSpan.FromSeconds(2));
        Assert.Equal(0, last!.Addresses);
        _farm["a"].Shard.Resume();
        _farm["a"].Touch();
        _farm.RunUntil(() => IsHome(_farm["a"], _farm["a"]), TimeSpan.FromSeconds(1));
        Assert.Equal(6, _farm["a"].FlowCount);

        // And does not forget it when it would have ceased to.
        _farm.RunFor(TimeSpan.FromSeconds(15));
        Assert.True(IsHome(_farm["a"], _farm["a"]));
        Assert.Equal(6, _farm["a"].FlowCount);
        Connect(2, "a");
        FinishAll();
    }

    [Fact]
    public void A_drain_that_is_called_off_gives_nothing_more_away()
    {
        Connect(2, "a");
        DrainProgress? last = null;
        _farm["a"].Shard.Drain(progress => last = progress);
        _farm["a"].Touch();

        // Everything has gone, and the drain goes on for a moment, for what is still under way to here.
        _farm.RunUntil(() => last is { Remaining: 0, Addresses: 0 }, Limit);
        _farm["a"].Shard.Resume();
        _farm["a"].Touch();
        _farm.RunUntil(() => IsHome(_farm["a"], _farm["a"]), TimeSpan.FromSeconds(1));
        _farm.RunFor(TimeSpan.FromSeconds(1));
        Assert.True(IsHome(_farm["a"], _farm["a"]));
        FinishAll();
    }

    [Fact]
    public void What_is_placed_and_moved_while_the_home_moves_to_and_fro_arrives_exactly()
    {
        Connect(8, "a");
        for (int round = 0; round < 6; round++)
        {
            foreach (var client in _clients)
            {
                client.SendLimit += 20_000;
                client.Continue();
            }

            foreach (var node in _farm.Nodes)
            {
                foreach (var endpoint in node.Endpoints.Where(e => e.Activity == EndpointActivity.Active).ToArray())
                {
                    node.Move(endpoint.Id, _farm.Nodes[(node.Number + round) % 3]);
                }
            }

            var home = _farm.Nodes.FirstOrDefault(node => IsHome(node, _farm["a"]));
            if (home is not null)
            {
                home.Shard.YieldHome(_farm["a"].ServiceAddress, _farm.Nodes[home.Number % 3].Id);
                home.Touch();
            }

            _farm.RunFor(TimeSpan.FromMilliseconds(3));
        }

        _farm.RunUntil(() => _farm.Nodes.Any(node => IsHome(node, _farm["a"])), Limit);
        FinishAll();
    }

    [Fact]
    public void A_home_that_is_started_anew_with_no_memory_learns_its_flows_from_their_owners()
    {
        Connect(6, "a");
        MoveAll("a", "b");
        _farm["a"].Crash();
        _farm.RunFor(TimeSpan.FromMilliseconds(300));
        Continue();
        _farm["a"].Restart();
        Bind(_farm["a"]);

        // Whatever the clients send meanwhile is dropped silently.
        _farm.RunUntil(() => IsHome(_farm["a"], _farm["a"]), Limit);
        Assert.Equal(6, _farm["a"].FlowCount);
        FinishAll();
        Connect(1, "a");
        FinishAll();
    }

    [Fact]
    public void What_a_crashed_node_owned_is_reset_once_and_counted_and_the_rest_goes_on()
    {
        Connect(4, "a");
        MoveAll("a", "b");
        var lost = Connect(2, "a")[^2..];
        _farm["a"].Crash();
        _farm.RunFor(TimeSpan.FromMilliseconds(200));
        _farm["a"].Restart();
        Bind(_farm["a"]);
        _farm.RunUntil(() => IsHome(_farm["a"], _farm["a"]), Limit);
        Assert.Equal(4, _farm["a"].FlowCount);
        Continue();
        _farm.RunUntil(() => _farm.Errors.Count == 2, Limit);
        Assert.All(lost, client => Assert.Equal(Tcp.TcpCloseReason.ResetByPeer, client.Endpoint.Connection!.CloseReason));
        _farm.Errors.Clear();
        _clients.RemoveAll(lost.Contains);
        FinishAll(resets: _farm.Clients.Sum(client => client.ResetsSeen));
    }

    [Fact]
    public void A_dead_owners_flows_are_written_off_and_their_clients_reset_when_they_send()
    {
        Connect(3, "a");
        MoveAll("a", "b");
        _farm["b"].Crash();
        _farm.RunFor(TimeSpan.FromSeconds(5));
        Assert.Equal(0, _farm["a"].Counters.FlowsWrittenOff);
        Assert.Equal(3, _farm["a"].FlowCount);
        _farm.RunUntil(() => _farm["a"].FlowCount == 0, Limit);
        Assert.Equal(3, _farm["a"].Counters.FlowsWrittenOff);
        Continue();
        _farm.RunUntil(() => _clients.TrueForAll(client => client.Endpoint.Phase == EndpointPhase.Closed), Limit);
        Assert.All(_clients, client => Assert.Equal(Tcp.TcpCloseReason.ResetByPeer, client.Endpoint.Connection!.CloseReason));
    }

    [Fact]
    public void A_dead_homes_address_is_taken_over_and_connections_owned_elsewhere_go_on()
    {
        Connect(6, "a");
        MoveAll("a", "b");
        _farm["a"].Crash();
        Assert.Equal(TakeoverResult.StillHeard, TakeOver("c", "a").Result);
        _farm.RunFor(TimeSpan.FromSeconds(4));

        var taken = TakeOver("c", "a");
        Assert.Equal((TakeoverResult.Taken, 2), (taken.Result, taken.Addresses.Count));
        _farm.RunUntil(() => IsHome(_farm["c"], _farm["a"]), Limit);
        Assert.Equal(6, _farm["c"].FlowCount);
        FinishAll();

        // Whoever comes back is told who is home by now.
        _farm["a"].Restart();
        Bind(_farm["a"]);
        _farm.RunFor(TimeSpan.FromSeconds(5));
        Assert.False(IsHome(_farm["a"], _farm["a"]));
        Connect(2, "a");
        FinishAll();

        // And has its own again when it asks.
        _farm["a"].Shard.Resume();
        _farm["a"].Touch();
        _farm.RunUntil(() => IsHome(_farm["a"], _farm["a"]) && !IsHome(_farm["c"], _farm["a"]), Limit);
        Connect(2, "a");
        FinishAll();
    }

    [Fact]
    public void A_home_that_is_cut_off_from_the_others_stands_down_before_it_can_be_replaced()
    {
        Connect(4, "a");
        MoveAll("a", "b");
        Connect(2, "a");
        _farm["a"].LanLink.IsPluggedIn = false;
        int homes = 0;
        _farm.AfterStep = () => homes = Math.Max(homes, _farm.Nodes.Count(node => Answers(node, _farm["a"])));
        var end = _farm.Now + TimeSpan.FromSeconds(10);
        bool taken = false;
        while (_farm.Now < end && !taken)
        {
            taken = TakeOver("c", "a").Result == TakeoverResult.Taken;
            _farm.RunFor(TimeSpan.FromMilliseconds(50));
        }

        Assert.True(taken);
        Assert.Equal(1, homes);
        Assert.False(Answers(_farm["a"], _farm["a"]));
        _farm.RunUntil(() => IsHome(_farm["c"], _farm["a"]), Limit);

        // What A owned is silent there, and goes on when A is back: C does not know it, but A tells in time or is told that it is gone.
        _farm["a"].LanLink.IsPluggedIn = true;
        _farm.RunFor(TimeSpan.FromSeconds(3));
        _farm.AfterStep = null;
        Assert.Equal(1, homes);
        Assert.Equal(2, _farm["a"].Counters.EndpointsDiscarded);
        Assert.Equal(4, _farm["c"].FlowCount);
    }

    [Fact]
    public void What_waits_on_a_channel_in_a_cut_does_not_wait_for_its_retransmission_once_the_peer_is_heard()
    {
        Connect(1, "a");
        var (a, c) = (_farm["a"], _farm["c"]);
        c.LanLink.IsPluggedIn = false;
        a.Move(a.Endpoints.Single().Id, c);
        _farm.RunFor(TimeSpan.FromSeconds(6));
        var channels = a.Shard.Channels;
        Assert.True(channels.QueuedTo(c.Id) > channels.DeliveredTo(c.Id));

        // The next load datagrams, and a connection.
        c.LanLink.IsPluggedIn = true;
        _farm.RunFor(TimeSpan.FromMilliseconds(500));
        Assert.True(channels.IsUp(c.Id));
        Assert.Equal(channels.QueuedTo(c.Id), channels.DeliveredTo(c.Id));
        FinishAll();
    }

    [Fact]
    public void An_owner_that_does_not_hear_its_home_is_silent_and_goes_on_when_the_home_knows_it_again()
    {
        Connect(3, "a");
        MoveAll("a", "b");
        _farm["b"].LanLink.IsPluggedIn = false;
        _farm.RunFor(TimeSpan.FromSeconds(3));
        int spoken = 0;
        _farm.Front.Observer = (from, _, frame) => spoken += from == _farm["b"].FrontLink && IsTcp(frame) ? 1 : 0;
        Continue();
        _farm.RunFor(TimeSpan.FromSeconds(3));
        Assert.Equal(0, spoken);
        Assert.All(_farm["b"].Endpoints, endpoint => Assert.Equal(EndpointActivity.Frozen, endpoint.Activity));
        _farm["b"].LanLink.IsPluggedIn = true;
        FinishAll();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_node_that_is_started_while_it_is_cut_off_answers_for_no_address_until_it_hears_who_is_home(bool replaced)
    {
        Connect(4, "a");
        MoveAll("a", "b");
        _farm["a"].Crash();
        _farm.RunFor(TimeSpan.FromSeconds(4));
        if (replaced)
        {
            Assert.Equal(TakeoverResult.Taken, TakeOver("c", "a").Result);
        }

        _farm.Lan.Filter = (from, to, _) => from != _farm["a"].LanLink && to != _farm["a"].LanLink;
        bool answered = false;
        _farm.AfterStep = () => answered |= Answers(_farm["a"], _farm["a"]);
        _farm["a"].Restart();
        Bind(_farm["a"]);
        _farm.RunFor(TimeSpan.FromSeconds(20));
        Assert.False(answered);

        _farm.AfterStep = null;
        _farm.Lan.Filter = null;
        var home = _farm[replaced ? "c" : "a"];
        _farm.RunUntil(() => IsHome(home, _farm["a"]), Limit);
        FinishAll();
        Assert.Single(_farm.Nodes, node => Answers(node, _farm["a"]));
    }

    [Fact]
    public void Of_two_nodes_the_home_goes_on_alone_and_is_replaced_only_by_force()
    {
        using var farm = new Farm(new FarmSettings { Nodes = ["a", "b"] }).Connect();
        farm.RunFor(TimeSpan.FromSeconds(1));
        Assert.True(IsHome(farm["a"], farm["a"]));
        farm["a"].LanLink.IsPluggedIn = false;
        farm.RunFor(TimeSpan.FromSeconds(10));
        Assert.True(IsHome(farm["a"], farm["a"]));
        Assert.Equal(TakeoverResult.NoMajority, TakeOver(farm, "b", "a", force: false).Result);
        farm["a"].Crash();
        Assert.Equal(TakeoverResult.Taken, TakeOver(farm, "b", "a", force: true).Result);
        farm.RunUntil(() => IsHome(farm["b"], farm["a"]), Limit);
    }

    [Fact]
    public void A_home_with_owners_entries_that_are_over_is_told_so_by_their_lists()
    {
        Connect(2, "a");
        MoveAll("a", "b");
        foreach (var endpoint in _farm["b"].Shard.Shards.SelectMany(shard => shard.Stack.Endpoints).Where(e => e.Service is not null).ToArray())
        {
            // As if its CLOSED had been lost by a defect.
            _farm["b"].ShardOf(endpoint.Flow).Stack.Remove(endpoint);
        }

        Assert.Equal(2, _farm["a"].FlowCount);
        _farm.RunUntil(() => _farm["a"].FlowCount == 0, TimeSpan.FromSeconds(70));
        Assert.Equal(2, _farm["a"].Counters.FlowsReconciled);
    }

    private static bool IsTcp(ReadOnlySpan<byte> frame) =>
        EthernetHeader.TryParse(frame, out var ethernet) && ethernet.EtherType == EtherType.Ipv4
        && IpPacket.TryParse(frame[EthernetHeader.Length..], out var packet) == DropReason.None && packet.Protocol == IpProtocol.Tcp;

    /// <summary>Whether a node serves the address that another one is home of by configuration.</summary>
    private static bool IsHome(FarmNode node, FarmNode configured) => node.IsUp && node.Shard.DescribeHomes()
        .Any(home => home.Address == configured.ServiceAddress && home.Home == node.Name && home.Phase == HomePhase.Serving);

    private static bool Answers(FarmNode node, FarmNode configured) => node.IsUp && node.Shard.AnswersFor(configured.ServiceAddress);

    private static TakeoverOutcome TakeOver(Farm farm, string by, string from, bool force)
    {
        TakeoverOutcome? outcome = null;
        farm[by].Shard.TakeOver(farm[from].Id, force, result => outcome = result);
        farm[by].Touch();
        farm.RunUntil(() => outcome is not null, Limit);
        return outcome!;
    }

    private TakeoverOutcome TakeOver(string by, string from) => TakeOver(_farm, by, from, force: false);

    private void Bind(FarmNode node) => node.Bind("tcp", () => new Serving(_farm, node, _plans));

    private List<PatternClient> Connect(int count, string home)
    {
        var made = new List<PatternPlan>();
        for (int i = 0; i < count; i++)
        {
            var plan = new PatternPlan((ulong)_clients.Count, 200_000);
            var client = new PatternClient(_farm, _farm.Clients[i % 2], _farm[home].ServiceAddress, 80, plan) { SendLimit = 10_000 };
            _plans.Add(new Flow(IpProtocol.Tcp, client.Endpoint.Flow.Tuple.Reversed), plan);
            _clients.Add(client);
            made.Add(plan);
        }

        _farm.RunUntil(() => made.TrueForAll(plan => plan.ReceivedByFarm == 10_000), Limit);
        return _clients;
    }

    private void MoveAll(string from, string to)
    {
        foreach (var endpoint in _farm[from].Endpoints)
        {
            var move = _farm[from].Move(endpoint.Id, _farm[to]);
            _farm.RunUntil(() => move.Result is not null, Limit);
            Assert.True(move.Result!.Moved);
        }

        // The target hears the answer too.
        _farm.RunFor(TimeSpan.FromMilliseconds(1));
    }

    private void Continue()
    {
        foreach (var client in _clients)
        {
            client.SendLimit = long.MaxValue;
            client.Continue();
        }
    }

    /// <summary>Every client sends and reads to the end, and none but those expected was reset.</summary>
    private void FinishAll(long resets = 0)
    {
        Continue();
        _farm.RunUntil(() => _clients.TrueForAll(client => client.IsComplete), Limit);
        Assert.Empty(_farm.Errors);
        Assert.Equal(resets, _farm.Clients.Sum(client => client.ResetsSeen));
    }
}

/// <summary>The same where nodes have two and three shards, and one has one.</summary>
public sealed class ShardedHomeTests() : HomeTests(static number => 1 + number % 3);
