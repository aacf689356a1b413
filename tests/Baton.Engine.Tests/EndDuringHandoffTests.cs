using Baton.Simulation;
using Baton.Stack;
using Baton.Tcp;

namespace Baton.Engine.Tests;

/// <summary>An application ends its connection while that is frozen for a handoff.</summary>
public sealed class EndDuringHandoffTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly List<Attachment> _attachments = [];
    private readonly PatternPlan _plan = new(3, 300_000);

    [Fact]
    public void An_abort_calls_the_handoff_off_and_the_reset_goes_out()
    {
        using var farm = Connected();
        var client = Client(farm);
        var move = farm["a"].Move(farm["b"]);
        farm.RunUntil(() => farm["a"].Tcp!.Phase == EndpointPhase.Frozen, Limit);

        _attachments[0].Abort();
        farm["a"].Touch();
        farm.RunUntil(() => client.Endpoint.Phase == EndpointPhase.Closed, Limit);

        Assert.Equal(TcpCloseReason.ResetByPeer, client.Endpoint.Connection!.CloseReason);
        Assert.Equal((MoveOutcome.Aborted, "its application called it off"), (move.Result!.Outcome, move.Result.Reason));
        Assert.Equal([LeaveReason.Closed], _plan.Leaves);
        farm.RunFor(TimeSpan.FromSeconds(1));
        Assert.All(farm.Nodes, node => Assert.Empty(node.Endpoints));
        Assert.Equal(0, farm["a"].Shard.Flows.Count);
        Assert.Equal(1, farm.Clients[0].ResetsSeen);
    }

    [Fact]
    public void An_abort_that_comes_after_the_homes_decision_has_no_effect_on_the_connection_at_its_new_owner()
    {
        using var farm = Connected();
        var client = Client(farm);
        var first = farm["a"].Move(farm["b"]);
        farm.RunUntil(() => first.Result is not null && farm["b"].Endpoints.Count == 1, Limit);

        // The home, a, has decided; b, the source, does not know it yet.
        var move = farm["b"].Move(farm["c"]);
        farm.RunUntil(() => farm["a"].Shard.ForwardingEntries().Single().Verdict == "forward to c", Limit);
        Assert.Equal(EndpointPhase.Frozen, farm["b"].Tcp!.Phase);
        _attachments[1].Abort();
        farm["b"].Touch();

        farm.RunUntil(() => move.Result is not null, Limit);
        Assert.True(move.Result!.Moved, move.Result.ToString());
        client.SendLimit = long.MaxValue;
        client.Continue();
        farm.RunUntil(() => client.IsComplete, Limit);
        Assert.Empty(farm.Errors);
        Assert.Equal(0, farm.Clients[0].ResetsSeen);
        Assert.Equal(["a", "b", "c"], _plan.Served);
    }

    [Fact]
    public void A_close_takes_effect_when_the_handoff_did_not_succeed()
    {
        // No handoff is through within a microsecond.
        using var farm = Connected(TimeSpan.FromMicroseconds(1));
        var client = Client(farm);
        farm.RunUntil(() => client.Received == _plan.Length, Limit);
        var move = farm["a"].Move(farm["b"]);
        farm.RunUntil(() => farm["a"].Tcp!.Phase == EndpointPhase.Frozen, Limit);

        _attachments[0].Close();
        farm["a"].Touch();
        farm.RunUntil(() => move.Result is not null, Limit);

        Assert.Equal(MoveOutcome.Aborted, move.Result!.Outcome);
        farm.RunUntil(() => client.Endpoint.Connection!.ReadCompleted, Limit);
        farm.RunUntil(() => farm["a"].Tcp!.Connection!.State == TcpState.FinWait2, Limit);
        Assert.Equal(["a"], _plan.Served);
        Assert.Empty(farm.Errors);
    }

    [Fact]
    public void A_close_has_no_effect_on_a_connection_that_has_moved()
    {
        using var farm = Connected();
        var client = Client(farm);
        var move = farm["a"].Move(farm["b"]);
        farm.RunUntil(() => farm["a"].Tcp!.Phase == EndpointPhase.Frozen, Limit);

        _attachments[0].Close();
        farm.RunUntil(() => move.Result is not null, Limit);

        Assert.True(move.Result!.Moved, move.Result.ToString());
        client.SendLimit = long.MaxValue;
        client.Continue();
        farm.RunUntil(() => client.IsComplete, Limit);
        Assert.Empty(farm.Errors);
        Assert.Equal(["a", "b"], _plan.Served);
    }

    private Farm Connected(TimeSpan? budget = null)
    {
        var farm = new Farm(new FarmSettings
        {
            Adjust = options => new EngineOptions
            {
                Node = options.Node,
                Members = options.Members,
                Services = options.Services,
                Front = options.Front,
                Lan = options.Lan,
                Keys = options.Keys,
                Seed = options.Seed,
                HandoffBudget = budget ?? options.HandoffBudget,
            },
        }).Connect();
        foreach (var node in farm.Nodes)
        {
            node.Bind("tcp", () => new Listening(new PatternApplication(farm, node, _plan), _attachments));
        }

        return farm;
    }

    /// <summary>A client that has sent a part, all of which has been read.</summary>
    private PatternClient Client(Farm farm)
    {
        var client = new PatternClient(farm, farm.Clients[0], farm["a"].ServiceAddress, 80, _plan) { SendLimit = 10_000 };
        farm.RunUntil(() => _plan.ReceivedByFarm == 10_000 && client.Received == _plan.Length, Limit);
        return client;
    }
}
