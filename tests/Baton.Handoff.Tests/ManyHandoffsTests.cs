using Baton.Handoff.Tests.Farm;
using Baton.Wire;

namespace Baton.Handoff.Tests;

/// <summary>Several handoffs of one connection, of many at once, and requests that meet one under way.</summary>
public sealed class ManyHandoffsTests
{
    private readonly Farm.Farm _farm = new();

    [Fact]
    public void A_connection_makes_the_round_and_its_packets_with_it()
    {
        var flow = _farm.Connect(1, 1);
        var blob = _farm[1].Active(flow)!.Blob;
        for (int i = 0; i < 300; i++)
        {
            _farm.At(new(i * 100), () => _farm.ClientSends(flow, home: 1));
        }

        uint epoch = 1;
        foreach (var (source, target) in new[] { (1, 2), (2, 3), (3, 1), (1, 3), (3, 2), (2, 1) })
        {
            Assert.Equal(BeginResult.Started, _farm.Begin(_farm.Request(flow, 1, source, target), source));
            _farm.Run(TimeSpan.FromTicks(4000));
            Assert.Equal(new Epoch(++epoch), _farm[target].Active(flow)!.Epoch);
        }

        _farm.Run();
        Assert.Equal(blob, _farm[1].Active(flow)!.Blob);
        Assert.Equal(Enumerable.Range(1, _farm.PacketsSent), _farm[1].Active(flow)!.Processed.Order());
    }

    [Fact]
    public void A_flow_that_returns_before_its_first_source_heard_of_the_commit_waits_for_the_homes_answer()
    {
        // 1 → 2 → 1, while everything between 1 and the others but the second PREPARE is slow to arrive.
        var flow = _farm.Connect(home: 3, owner: 1);
        _farm.OnOutput = (node, output) =>
        {
            if (output is HandoffOutput.Activate && node.Id.Value == 2)
            {
                _farm.Break(_farm[1].Id, _farm[2].Id);
                _farm.Break(_farm[1].Id, _farm[3].Id);
                _farm.At(_farm.Now + TimeSpan.FromTicks(1), () =>
                {
                    _farm.OnOutput = (_, _) => { };
                    _farm.ChannelUp(_farm[1].Id, _farm[2].Id);
                    Assert.Equal(BeginResult.Started, _farm.Begin(_farm.Request(flow, 3, 2, 1), 2));
                    _farm.ChannelUp(_farm[1].Id, _farm[3].Id);
                });
            }
        };
        _farm.Begin(_farm.Request(flow, 3, 1, 2) with { FreezeBudget = TimeSpan.FromSeconds(1) }, 1);
        _farm.Run();
        Assert.Equal(new Epoch(3), _farm[1].Active(flow)!.Epoch);
        Assert.Equal(4, _farm.Completions.Count(c => c.Outcome == HandoffOutcome.Committed));
    }

    [Fact]
    public void A_hundred_connections_move_at_once_in_all_directions()
    {
        var moves = new List<(Flow Flow, int Target)>();
        for (int i = 0; i < 100; i++)
        {
            int home = 1 + i % 3, source = 1 + i / 3 % 3, target = 1 + (source + i % 2) % 3;
            var flow = _farm.Connect(home, source, blobBytes: 5000);
            moves.Add((flow, target));
            Assert.Equal(BeginResult.Started, _farm.Begin(_farm.Request(flow, home, source, target), source));
        }

        _farm.Run();
        Assert.All(moves, m => Assert.NotNull(_farm[m.Target].Active(m.Flow)));
        Assert.All(_farm.Completions, c => Assert.Equal(HandoffOutcome.Committed, c.Outcome));
    }

    [Fact]
    public void A_second_request_for_a_moving_flow_is_named_and_changes_nothing()
    {
        var flow = _farm.Connect(1, 1);
        var first = _farm.Request(flow, 1, 1, 2);
        Assert.Equal(BeginResult.Started, _farm.Begin(first, 1));
        Assert.Equal(BeginResult.AlreadyMoving, _farm.Begin(_farm.Request(flow, 1, 1, 3), 1));
        Assert.True(_farm[1].Agent.IsMoving(flow));
        _farm.Run();
        Assert.Equal(HandoffOutcome.Committed, _farm.Outcome(first, HandoffRole.Source).Outcome);
        Assert.NotNull(_farm[2].Active(flow));
        Assert.Null(_farm[3].Active(flow));
    }

    [Fact]
    public void A_request_that_cannot_be_begun_says_why()
    {
        var flow = _farm.Connect(home: 3, owner: 1);
        var request = _farm.Request(flow, 3, 1, 2);
        Assert.Equal(BeginResult.TargetIsSelf, _farm.Begin(request with { Target = new(1) }, 1));
        Assert.Equal(BeginResult.TargetUnreachable, _farm.Begin(request with { Target = new(9) }, 1));
        Assert.Equal(BeginResult.InvalidRequest, _farm.Begin(request with { Id = HandoffId.None }, 1));
        Assert.Equal(BeginResult.InvalidRequest, _farm.Begin(request with { ApplicationName = "" }, 1));
        Assert.Equal(BeginResult.InvalidRequest, _farm.Begin(request with { ApplicationName = "\ud800" }, 1));
        Assert.Equal(BeginResult.InvalidRequest, _farm.Begin(request with { ApplicationName = new string('x', 256) }, 1));
        Assert.Equal(BeginResult.InvalidRequest, _farm.Begin(request with { Options = new byte[1025] }, 1));
        Assert.Equal(BeginResult.InvalidRequest, _farm.Begin(request with { Epoch = default }, 1));
        _farm.Break(_farm[1].Id, _farm[3].Id);
        Assert.Equal(BeginResult.HomeUnreachable, _farm.Begin(request, 1));
        _farm.ChannelUp(_farm[1].Id, _farm[3].Id);
        Assert.Equal(BeginResult.Started, _farm.Begin(request, 1));
        _farm.Run();
        Assert.Equal(BeginResult.InvalidRequest, _farm.Begin(request, 1));
    }

    [Fact]
    public void Handoffs_at_once_are_bounded_at_the_source()
    {
        var farm = new Farm.Farm(limits: new HandoffLimits { MaxSourceHandoffs = 2 });
        var results = Enumerable.Range(0, 3).Select(_ => farm.Begin(farm.Request(farm.Connect(1, 1), 1, 1, 2), 1)).ToList();
        Assert.Equal([BeginResult.Started, BeginResult.Started, BeginResult.TooMany], results);
    }

    [Fact]
    public void A_forgotten_handoff_is_answered_as_unknown_and_does_no_harm()
    {
        var farm = new Farm.Farm(limits: new HandoffLimits { MaxRemembered = 1 });
        farm.Invariants.NodesForget = true;
        var flow = farm.Connect(home: 3, owner: 1);
        var request = farm.Request(flow, 3, 1, 2);
        var prepare = ReadOnlyMemory<byte>.Empty;
        farm.OnOutput = (_, output) => prepare = prepare.IsEmpty && output is HandoffOutput.Send s ? s.Message : prepare;
        farm.Begin(request, 1);
        farm.Run();
        farm.Begin(farm.Request(farm.Connect(3, 1), 3, 1, 2), 1);
        farm.Run();
        farm.Begin(farm.Request(flow, 3, 2, 3), 2);
        farm.Run();

        // The first PREPARE again, long after: an embryo that nobody feeds, given up when the source is asked.
        farm[2].Input(a => a.OnMessage(farm.Now, farm[1].Id, prepare.Span));
        farm.Run();
        Assert.Equal(0, farm[2].Agent.TargetHandoffs);
        Assert.NotNull(farm[3].Active(flow));
    }

    [Fact]
    public void A_yes_to_an_earlier_embryo_of_the_same_handoff_does_not_activate_a_later_one()
    {
        var farm = new Farm.Farm(limits: new HandoffLimits { MaxRemembered = 1 });
        farm.Invariants.NodesForget = true;
        var flow = farm.Connect(home: 3, owner: 1);
        var request = farm.Request(flow, 3, 1, 2);
        farm.Begin(request, 1);
        farm.Run();
        farm.Begin(farm.Request(farm.Connect(3, 1), 3, 1, 2), 1);
        farm.Run();

        // The connection ended at 2, whose CLOSED has not gone out yet, when the whole handoff is heard once more.
        farm[2].Endpoints.Clear();
        var again = farm.Trace.Select(t => t.Output).OfType<HandoffOutput.Send>()
            .Where(s => s.Handoff == request.Id && s.Peer.Value == 2 && s.Message.Span[1] is 1 or 5).ToList();
        again.ForEach(s => farm[2].Input(a => a.OnMessage(farm.Now, farm[1].Id, (byte[])[.. s.Message.Span, .. s.Chunk.Span])));
        farm.Run();

        Assert.Contains(farm.Trace, t => t.Output is HandoffOutput.AskSwap a && a.Question.Reference != farm.Trace
            .Select(x => x.Output).OfType<HandoffOutput.AskSwap>().First().Question.Reference && a.Handoff == request.Id);
        Assert.Null(farm[2].Active(flow));
        Assert.Empty(farm[2].Endpoints);
    }
}
