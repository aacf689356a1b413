using Baton.Handoff.Messages;
using Baton.Handoff.Tests.Farm;
using Baton.Wire;

namespace Baton.Handoff.Tests;

/// <summary>Every way in which a handoff ends without moving anything: the source serves on, and the client never knew.</summary>
public sealed class RejectAndAbortTests
{
    private readonly Farm.Farm _farm = new();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_target_that_refuses_prepare_leaves_the_source_unfrozen_in_its_epoch(int home)
    {
        var (flow, request) = Connect(home);
        _farm[2].RefusePrepare = HandoffReason.Draining;
        _farm.Begin(request, 1);
        _farm.Run();

        Assert.DoesNotContain(_farm.Trace, t => t.Output is HandoffOutput.Freeze);
        AssertStays(flow, home, request, HandoffOutcome.Rejected, HandoffReason.Draining, epoch: 1);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_target_that_cannot_install_the_image_is_left_by_the_homes_abort(int home)
    {
        var (flow, request) = Connect(home);
        _farm[2].RefuseInstall = HandoffReason.NoRoute;
        _farm.Begin(request, 1);
        _farm.Run();

        AssertStays(flow, home, request, HandoffOutcome.Rejected, HandoffReason.NoRoute, epoch: 3);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void A_target_that_never_gets_ready_is_left_when_the_freeze_budget_is_spent(int home)
    {
        var (flow, request) = Connect(home);
        _farm[2].NeverAnswers = output => output is HandoffOutput.Install;
        _farm.Begin(request, 1);
        _farm.Run();

        AssertStays(flow, home, request, HandoffOutcome.Aborted, HandoffReason.FreezeBudget, epoch: 3);
        var frozen = Assert.Single(_farm.Completions, c => c.Role == HandoffRole.Source && c.Handoff == request.Id).Frozen;
        Assert.InRange(frozen, TimeSpan.FromMilliseconds(5), TimeSpan.FromMilliseconds(6));
    }

    [Fact]
    public void A_target_that_cannot_read_the_state_rejects_it()
    {
        var (flow, request) = Connect(1);
        var target = new HandoffAgent(new(2), HandoffLimits.Default);
        target.OnChannelUp(default, new(1), 1);
        var header = new MessageHeader(MessageKind.Prepare, request.Id, request.Epoch, flow);
        target.OnMessage(default, new(1), Prepare.Write(request));
        target.OnPrepared(default, request.Id, new(77));
        target.OnMessage(default, new(1), [.. State.WriteHead(header, 3, 0), 255, 255, 255]);

        Assert.Contains(TakeAll(target), output => output is HandoffOutput.Completed { Reason: HandoffReason.StateMalformed, Outcome: HandoffOutcome.Rejected });
    }

    [Fact]
    public void A_source_that_knows_nothing_of_a_handoff_says_so_to_a_target_that_waits()
    {
        var (flow, request) = Connect(1);
        var source = new HandoffAgent(new(1), HandoffLimits.Default);
        source.OnChannelUp(default, new(2), 1);
        var header = new MessageHeader(MessageKind.Prepare, request.Id, request.Epoch, flow);
        source.OnMessage(default, new(2), Prepared.Write(header, 0));

        var answer = Assert.Single(TakeAll(source).OfType<HandoffOutput.Send>());
        Assert.Equal(Abort.Write(header, HandoffReason.UnknownHandoff, decided: false), answer.Message.ToArray());
    }

    [Fact]
    public void The_budget_is_the_requests_own_where_it_has_one()
    {
        var (flow, request) = Connect(1);
        _farm[2].NeverAnswers = output => output is HandoffOutput.Install;
        _farm.Begin(request with { FreezeBudget = TimeSpan.FromMilliseconds(50) }, 1);
        _farm.Run(TimeSpan.FromMilliseconds(49));
        Assert.Null(_farm[1].Active(flow));
        _farm.Run();
        Assert.Equal(TimeSpan.FromMilliseconds(50), Assert.Single(_farm.Completions, c => c.Role == HandoffRole.Source).Frozen);
    }

    [Fact]
    public void A_spent_budget_only_asks_and_a_commit_that_came_first_stands()
    {
        var (flow, request) = Connect(3);
        // The home's answers to the source and the target take longer than the budget; the commit reaches it in time.
        _farm.OnOutput = (node, output) =>
        {
            if (output is HandoffOutput.AskSwap { Question.IsAbort: false })
            {
                _farm.MessageDelay = () => TimeSpan.FromMilliseconds(8);
            }
        };
        _farm.Begin(request, 1);
        _farm.Run();

        Assert.Contains(_farm.Trace, t => t.Output is HandoffOutput.AskSwap { Question.IsAbort: true });
        Assert.Equal(HandoffOutcome.Committed, _farm.Outcome(request, HandoffRole.Source).Outcome);
        Assert.NotNull(_farm[2].Active(flow));
        Assert.Empty(_farm[1].Endpoints);
    }

    [Fact]
    public void An_endpoint_that_cannot_be_frozen_in_time_thaws_by_itself()
    {
        var (flow, request) = Connect(3);
        _farm[1].NeverAnswers = output => output is HandoffOutput.Freeze;
        _farm.Begin(request, 1);
        _farm.Run();

        Assert.DoesNotContain(_farm.Trace, t => t.Output is HandoffOutput.AskSwap);
        AssertStays(flow, 3, request, HandoffOutcome.Aborted, HandoffReason.FreezeBudget, epoch: 1);
    }

    [Fact]
    public void A_target_that_does_not_answer_prepare_is_given_up()
    {
        var (flow, request) = Connect(1);
        _farm[2].NeverAnswers = output => output is HandoffOutput.CreateEmbryo;
        _farm.Begin(request, 1);
        _farm.Run();

        AssertStays(flow, 1, request, HandoffOutcome.Aborted, HandoffReason.PrepareTimeout, epoch: 1);
    }

    [Fact]
    public void An_embryo_made_after_its_handoff_was_given_up_is_discarded()
    {
        var (_, request) = Connect(1);
        _farm.AnswerDelay = () => TimeSpan.FromSeconds(3);
        _farm.Begin(request, 1);
        _farm.Run();
        Assert.Empty(_farm[2].Endpoints);
        Assert.Equal(HandoffReason.PrepareTimeout, _farm.Outcome(request, HandoffRole.Source).Reason);
    }

    [Fact]
    public void A_source_that_cannot_write_the_image_stays()
    {
        var (flow, request) = Connect(1);
        _farm[1].RefuseFreeze = HandoffReason.FreezeFailed;
        _farm.Begin(request, 1);
        _farm.Run();
        AssertStays(flow, 1, request, HandoffOutcome.Aborted, HandoffReason.FreezeFailed, epoch: 1);
    }

    [Fact]
    public void Without_a_channel_to_the_home_state_is_not_sent()
    {
        var (flow, request) = Connect(3);
        _farm.Begin(request, 1);
        _farm.Break(_farm[1].Id, _farm[3].Id);
        _farm.Run();
        _farm.ChannelUp(_farm[1].Id, _farm[3].Id);
        AssertStays(flow, 3, request, HandoffOutcome.Aborted, HandoffReason.HomeUnreachable, epoch: 1);
    }

    [Fact]
    public void Who_asked_may_take_it_back_before_the_freeze()
    {
        var (flow, request) = Connect(1);
        _farm.Begin(request, 1);
        _farm[1].Input(a => Assert.True(a.Cancel(_farm.Now, request.Id, HandoffReason.Cancelled)));
        _farm.Run();
        AssertStays(flow, 1, request, HandoffOutcome.Aborted, HandoffReason.Cancelled, epoch: 1);
        _farm[1].Input(a => Assert.False(a.Cancel(_farm.Now, request.Id, HandoffReason.Cancelled)));
    }

    [Fact]
    public void Taking_it_back_after_state_was_sent_asks_the_home()
    {
        var (flow, request) = Connect(3);
        _farm[2].NeverAnswers = output => output is HandoffOutput.Install;
        _farm.Begin(request, 1);
        _farm.Run(TimeSpan.FromMilliseconds(1));
        _farm[1].Input(a => a.Cancel(_farm.Now, request.Id, HandoffReason.Cancelled));
        Assert.Equal(HandoffOutcome.None, _farm.Outcome(request, HandoffRole.Source).Outcome);
        _farm.Run();
        AssertStays(flow, 3, request, HandoffOutcome.Aborted, HandoffReason.Cancelled, epoch: 3);
    }

    [Fact]
    public void A_state_beyond_the_limit_is_not_sent()
    {
        var farm = new Farm.Farm(limits: new HandoffLimits { MaxStateBytes = 10_000 });
        var flow = farm.Connect(1, 1, blobBytes: 10_001);
        var request = farm.Request(flow, 1, 1, 2) with { ExpectedStateBytes = 0 };
        farm.Begin(request, 1);
        farm.Run();
        Assert.Equal((HandoffOutcome.Aborted, HandoffReason.StateTooLarge), farm.Outcome(request, HandoffRole.Source));
        Assert.Equal(Epoch.First, farm[1].Active(flow)!.Epoch);
    }

    [Fact]
    public void A_target_whose_buffers_are_full_rejects()
    {
        var farm = new Farm.Farm(limits: new HandoffLimits { MaxBufferedBytes = 10_000 });
        var flow = farm.Connect(1, 1, blobBytes: 20_000);
        var request = farm.Request(flow, 1, 1, 2) with { ExpectedStateBytes = 0 };
        farm.Begin(request, 1);
        farm.Run();
        Assert.Equal((HandoffOutcome.Rejected, HandoffReason.NoCapacity), farm.Outcome(request, HandoffRole.Source));
        Assert.NotNull(farm[1].Active(flow));
        Assert.Equal(0, farm[2].Agent.BufferedBytes);
    }

    [Fact]
    public void Memory_for_what_sources_expect_counts_though_little_has_come()
    {
        var agent = new HandoffAgent(new(2), new HandoffLimits { MaxStateBytes = 1_000_000, MaxBufferedBytes = 1_000_000 });
        agent.OnChannelUp(Instant.Zero, new(1), 1);
        MessageHeader[] headers = [.. Enumerable.Range(1, 3).Select(number =>
        {
            var flow = new Flow(IpProtocol.Tcp, new(InetAddress.Parse("198.51.100.101"), 80, InetAddress.Parse("203.0.113.2"), (ushort)(40000 + number)));
            return new MessageHeader(MessageKind.Prepare, new HandoffId((ulong)number), Epoch.First, flow);
        })];
        foreach (var header in headers)
        {
            agent.OnMessage(Instant.Zero, new(1), Prepare.Write(new()
            {
                Id = header.Handoff,
                Flow = header.Flow,
                Endpoint = new(header.Handoff.Value),
                Epoch = header.Epoch,
                Home = new(1),
                Target = new(2),
                ApplicationName = "stream",
                ExpectedStateBytes = 400_000,
            }));
            agent.OnPrepared(Instant.Zero, header.Handoff, new(header.Handoff.Value));
        }

        Assert.Equal((3, 0), (agent.TargetHandoffs, agent.BufferedBytes));
        foreach (var header in headers)
        {
            agent.OnMessage(Instant.Zero, new(1), [.. Precopy.WriteHead(header, 0), .. new byte[50_000]]);
        }

        // Eight times what has come, at most what is expected; the third would be beyond the limit.
        Assert.Equal((2, 800_000), (agent.TargetHandoffs, agent.BufferedBytes));
    }

    [Fact]
    public void A_target_with_too_many_handoffs_rejects_and_says_so_again_when_asked_again()
    {
        var farm = new Farm.Farm(limits: new HandoffLimits { MaxTargetHandoffs = 0 });
        var flow = farm.Connect(1, 1);
        var request = farm.Request(flow, 1, 1, 2);
        farm.Begin(request, 1);
        farm.Run();
        Assert.Equal((HandoffOutcome.Rejected, HandoffReason.NoCapacity), farm.Outcome(request, HandoffRole.Source));
        Assert.DoesNotContain(farm.Trace, t => t.Output is HandoffOutput.CreateEmbryo);
    }

    [Fact]
    public void A_flow_that_the_home_has_no_entry_for_is_gone_on_both_sides()
    {
        var (flow, request) = Connect(3);
        _farm.EntriesWereLost = true;
        _farm[3].Home.Close(flow, _farm[1].Id, Epoch.First, request.Endpoint);
        _farm.Begin(request, 1);
        _farm.Run();
        Assert.Equal(HandoffOutcome.Gone, _farm.Outcome(request, HandoffRole.Source).Outcome);
        Assert.Equal(HandoffOutcome.Gone, _farm.Outcome(request, HandoffRole.Target).Outcome);
        Assert.All(_farm.Nodes, node => Assert.Empty(node.Endpoints));
    }

    [Fact]
    public void Packets_held_in_a_handoff_that_failed_are_processed_by_the_source()
    {
        var (flow, request) = Connect(3);
        _farm[2].NeverAnswers = output => output is HandoffOutput.Install;
        for (int i = 0; i < 80; i++)
        {
            _farm.At(new(i * 1000), () => _farm.ClientSends(flow, home: 3));
        }

        _farm.At(new(500), () => _farm.Begin(request, 1));
        _farm.Run();
        Assert.Equal(Enumerable.Range(1, 80), _farm[1].Active(flow)!.Processed);
    }

    private (Flow Flow, HandoffRequest Request) Connect(int home)
    {
        var flow = _farm.Connect(home, 1);
        return (flow, _farm.Request(flow, home, 1, 2));
    }

    private void AssertStays(Flow flow, int home, HandoffRequest request, HandoffOutcome outcome, HandoffReason reason, uint epoch)
    {
        Assert.Equal((outcome, reason), _farm.Outcome(request, HandoffRole.Source));
        var endpoint = _farm[1].Active(flow)!;
        Assert.Equal(request.Endpoint, endpoint.Id);
        Assert.Equal(new Epoch(epoch), endpoint.Epoch);
        Assert.Empty(_farm[2].Endpoints);
        Assert.True(_farm[home].Home.TryGet(flow, out var entry));
        Assert.Equal((_farm[1].Id, new Epoch(epoch), endpoint.Reference), entry);
        _farm.AssertNothingIsStuck(_ => _farm[home].Id);

        // And it can be moved afterwards.
        _farm[1].RefuseFreeze = _farm[2].RefusePrepare = _farm[2].RefuseInstall = HandoffReason.None;
        _farm[1].NeverAnswers = _farm[2].NeverAnswers = _ => false;
        Assert.Equal(BeginResult.Started, _farm.Begin(_farm.Request(flow, home, 1, 2), 1));
        _farm.Run();
        Assert.Equal(new Epoch(epoch + 1), _farm[2].Active(flow)!.Epoch);
    }

    private static List<HandoffOutput> TakeAll(HandoffAgent agent)
    {
        var all = new List<HandoffOutput>();
        while (agent.TryTakeOutput(out var output))
        {
            all.Add(output);
        }

        return all;
    }
}
