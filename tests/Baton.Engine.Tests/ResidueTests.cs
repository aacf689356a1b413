using Baton.Simulation;
using Baton.Stack;
using Baton.Tcp;
using Baton.Wire;

namespace Baton.Engine.Tests;

/// <summary>TIME-WAIT of a connection whose home is another node goes on at the home: the owner is not needed any more.</summary>
public sealed class ResidueTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly List<Sitter> _sitters = [];

    [Theory]
    [InlineData(false, false, 1)]
    [InlineData(true, false, 1)]
    [InlineData(false, true, 1)]
    [InlineData(true, true, 3)]
    public void The_last_FIN_is_acknowledged_though_its_owner_is_gone(bool drained, bool isSealed, int shards)
    {
        using var farm = Begin(new FarmSettings { Sealed = isSealed, Shards = _ => shards });
        var client = LoseLastAck(farm);
        var home = farm["a"];
        if (shards > 1)
        {
            Assert.NotSame(home.Shard, home.ShardOf(FlowOf(client)));
            Assert.NotSame(farm["b"].Shard, farm["b"].ShardOf(FlowOf(client)));
        }

        Assert.Equal((1, 1), (home.Counters.Residues, home.FlowCount));
        Assert.Equal(TcpState.TimeWait, home.Tcp!.Connection!.State);
        Assert.Equal(0, home.Counters.Unattached);
        Assert.Equal(0u, home.Shard.MeasureState().LiveConnections);
        Assert.Equal(LeaveReason.Closed, _sitters[^1].Left);

        if (drained)
        {
            DrainProgress? last = null;
            farm["b"].Shard.Drain(progress => last = progress);
            farm["b"].Touch();
            farm.RunUntil(() => last is { Remaining: 0, Addresses: 0 }, Limit);
        }

        farm["b"].Crash();
        farm.Front.Filter = null;
        farm.RunUntil(() => client.Phase == EndpointPhase.Closed, Limit);
        Assert.Equal(TcpCloseReason.Normal, client.Connection!.CloseReason);
        Assert.Equal(0, farm.Clients[0].ResetsSeen);

        farm.RunUntil(() => home.FlowCount == 0, TimeSpan.FromMinutes(5));
        Assert.Equal((0, 1L), (home.Counters.Residues, home.Counters.ResiduesTaken));
        Assert.Empty(home.Endpoints);
    }

    [Fact]
    public void The_clients_ports_are_used_again_at_the_home()
    {
        using var farm = Begin(new FarmSettings());
        var first = LoseLastAck(farm);
        farm.Front.Filter = null;
        farm.RunUntil(() => first.Phase == EndpointPhase.Closed, Limit);
        farm["a"].Shard.Flows.TryFind(FlowOf(first), out var before);

        // RFC 6191, with the timestamps that the residue knows.
        farm.RunFor(TimeSpan.FromMilliseconds(10));
        var second = farm.Clients[0].Stack.Connect(farm.Now, first.Flow.Tuple)!;
        farm.Clients[0].Touch();
        farm.RunUntil(() => second.IsEstablished && _sitters.Count == 3, Limit);
        Assert.True(farm["a"].Shard.Flows.TryFind(FlowOf(second), out var entry));
        Assert.NotEqual(ReferenceCodec.Id(before.Reference.Span), ReferenceCodec.Id(entry.Reference.Span));
        Assert.Equal(0, farm["a"].Counters.Residues);
        Assert.Equal(TcpState.Established, farm["a"].Tcp!.Connection!.State);
        Assert.Equal(0, farm.Clients[0].ResetsSeen);
    }

    [Fact]
    public void Where_the_home_has_no_room_the_owner_answers()
    {
        using var farm = Begin(new FarmSettings { Adjust = options => options with { Limits = options.Limits with { Residues = 0 } } });
        var client = LoseLastAck(farm, taken: false);
        farm.RunFor(TimeSpan.FromMilliseconds(100));
        Assert.Equal(TcpState.TimeWait, farm["b"].Tcp!.Connection!.State);
        farm.Front.Filter = null;
        farm.RunUntil(() => client.Phase == EndpointPhase.Closed, Limit);
        Assert.Equal((TcpCloseReason.Normal, 0L), (client.Connection!.CloseReason, farm.Clients[0].ResetsSeen));
        farm.RunUntil(() => farm["a"].FlowCount == 0, TimeSpan.FromMinutes(5));
        Assert.All(farm.Nodes, node => Assert.Empty(node.Endpoints));
        Assert.Equal(0, farm["a"].Counters.ResiduesTaken);
    }

    [Fact]
    public void A_home_that_has_given_its_address_away_answers_through_its_heir()
    {
        using var farm = Begin(new FarmSettings());
        var client = LoseLastAck(farm);
        DrainProgress? last = null;
        farm["a"].Shard.Drain(progress => last = progress);
        farm["a"].Touch();
        farm.RunUntil(() => last is { Remaining: 0, Addresses: 0 }, Limit);
        farm.Front.Filter = null;
        farm.RunUntil(() => client.Phase == EndpointPhase.Closed, Limit);
        Assert.Equal((TcpCloseReason.Normal, 0L), (client.Connection!.CloseReason, farm.Clients[0].ResetsSeen));
        Assert.Equal(1, farm["a"].Counters.Residues);
        farm.RunUntil(() => farm.Nodes.All(node => node.FlowCount == 0), TimeSpan.FromMinutes(5));
    }

    [Fact]
    public void A_connection_whose_owner_is_its_home_leaves_nothing_to_others()
    {
        using var farm = Begin(new FarmSettings());
        var client = Connect(farm);
        End(farm, client, farm["a"]);
        farm.RunUntil(() => client.Phase == EndpointPhase.Closed, Limit);
        Assert.Equal(TcpState.TimeWait, farm["a"].Tcp!.Connection!.State);
        farm.RunFor(TimeSpan.FromSeconds(1));
        Assert.All(farm.Nodes, node => Assert.Equal(0, node.Counters.ResiduesTaken));
    }

    private Farm Begin(FarmSettings settings)
    {
        var farm = new Farm(settings).Connect();
        foreach (var node in farm.Nodes)
        {
            node.Bind("tcp", () =>
            {
                _sitters.Add(new Sitter());
                return _sitters[^1];
            });
        }

        farm.RunFor(TimeSpan.FromSeconds(1));
        return farm;
    }

    private TcpEndpoint Connect(Farm farm)
    {
        var client = farm.Clients[0].Connect(farm["a"].ServiceAddress, 80);
        farm.RunUntil(() => client.IsEstablished && _sitters.Count == 1, Limit);
        return client;
    }

    /// <summary>A connection of home a ends at its owner b, and its client does not hear b's last ACK, nor anything after it.</summary>
    private TcpEndpoint LoseLastAck(Farm farm, bool taken = true)
    {
        var client = Connect(farm);
        var move = farm["a"].Move(farm["b"]);
        farm.RunUntil(() => move.Result is not null && _sitters.Count == 2, Limit);
        Assert.True(move.Result!.Moved, move.Result.ToString());
        End(farm, client, farm["b"]);
        farm.Front.Filter = (_, to, _) => !ReferenceEquals(to, farm.Clients[0].Link);
        farm.RunUntil(() => taken ? farm["b"].Endpoints.Count == 0 : farm["b"].Tcp!.Connection!.State == TcpState.TimeWait, Limit);
        Assert.Equal(TcpState.LastAck, client.Connection!.State);
        return client;
    }

    /// <summary>The farm closes, then the client, whose FIN is on its way.</summary>
    private void End(Farm farm, TcpEndpoint client, FarmNode owner)
    {
        _sitters[^1].Attachment!.Close();
        owner.Touch();
        farm.RunUntil(() => client.Connection!.State == TcpState.CloseWait, Limit);
        client.Close(farm.Now);
        farm.Clients[0].Touch();
    }

    private static Flow FlowOf(TcpEndpoint client) => new(IpProtocol.Tcp, client.Flow.Tuple.Reversed);
}
