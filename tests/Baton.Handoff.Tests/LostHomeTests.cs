using Baton.Handoff.Messages;
using Baton.Handoff.Tests.Farm;
using Baton.Wire;

namespace Baton.Handoff.Tests;

/// <summary>A home that is a third node decides, and is lost before both sides have heard it.</summary>
public sealed class LostHomeTests
{
    private readonly Farm.Farm _farm = new(nodes: 4);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_commit_that_only_the_source_has_heard_reaches_the_target_from_it(bool channelBreaks)
    {
        var flow = _farm.Connect(home: 3, owner: 1);
        var request = _farm.Request(flow, home: 3, source: 1, target: 2);
        _farm.OnOutput = (node, output) =>
        {
            if (node == _farm[3] && output is HandoffOutput.Send { Peer.Value: 2 } send && (MessageKind)send.Message.Span[1] == MessageKind.Swapped)
            {
                _farm.Break(new(3), new(2));
                _farm.At(_farm.Now + TimeSpan.FromTicks(100), () => _farm.Crash(new(3), keepsWhatIsUnderWay: true));
                if (channelBreaks)
                {
                    _farm.Break(new(1), new(2));
                    _farm.At(_farm.Now + TimeSpan.FromMilliseconds(20), () => _farm.ChannelUp(new(1), new(2)));
                }
            }
        };
        _farm.Begin(request, 1);
        _farm.Run();

        Assert.Equal(HandoffOutcome.Committed, _farm.Outcome(request, HandoffRole.Source).Outcome);
        Assert.Equal(HandoffOutcome.Committed, _farm.Outcome(request, HandoffRole.Target).Outcome);
        Assert.Equal(_farm[2].Active(flow), _farm.Active(flow));
    }

    [Theory]
    [InlineData(3, 1, false)]
    [InlineData(3, 3, false)]
    [InlineData(2, 1, true)]
    [InlineData(2, 3, false)]
    public void Who_was_cut_off_from_the_target_for_long_asks_no_home_that_was_started_anew(int home, int seconds, bool asks)
    {
        var flow = _farm.Connect(home, owner: 1);
        var request = CutOff(flow, home, seconds);
        Assert.Equal(_farm[2].Active(flow), _farm.Active(flow));
        _farm.Crash(new((ushort)home));
        _farm.OnOutput = (_, _) => { };
        _farm.Trace.Clear();
        _farm.Restart(new((ushort)home));

        Assert.Equal(asks, Asks(home));

        // A target that was the home has forgotten, too.
        Assert.Equal(!asks && home == 2, _farm.Trace.Exists(step => step.Node == _farm[1] && step.Output is HandoffOutput.Discard));
        Assert.Equal(asks || home == 3 ? 1 : 0, _farm[1].Agent.SourceHandoffs);
        if (!asks && home == 3)
        {
            _farm.ChannelUp(new(1), new(2));
            _farm.Run();
            Assert.Equal(HandoffOutcome.Committed, _farm.Outcome(request, HandoffRole.Source).Outcome);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_target_that_has_not_gone_on_has_the_word_before_a_home_that_was_started_anew(bool onlyTheSourceReachesTheHome)
    {
        var flow = _farm.Connect(home: 3, owner: 1);
        var request = _farm.Request(flow, home: 3, source: 1, target: 2);
        _farm.OnOutput = (node, output) =>
        {
            if (node == _farm[2] && output is HandoffOutput.Install)
            {
                _farm.Crash(new(3));
                _farm.Break(new(1), new(2));
            }
        };
        _farm.Begin(request, 1);
        _farm.Run(TimeSpan.FromSeconds(3));
        _farm.OnOutput = (_, _) => { };
        _farm.Restart(new(3));
        _farm[3].Home.Add(flow, new(1), Epoch.First, _farm[1].Endpoints[request.Endpoint].Reference);
        if (onlyTheSourceReachesTheHome)
        {
            _farm.Break(new(2), new(3));
        }

        _farm.Run(TimeSpan.FromSeconds(1));
        Assert.False(Asks(3));
        Assert.Equal(onlyTheSourceReachesTheHome ? 1 : 0, _farm[1].Agent.SourceHandoffs);

        _farm.ChannelUp(new(1), new(2));
        _farm.Run();
        var outcome = onlyTheSourceReachesTheHome ? HandoffOutcome.Aborted : HandoffOutcome.Committed;
        Assert.Equal((outcome, outcome), (_farm.Outcome(request, HandoffRole.Source).Outcome, _farm.Outcome(request, HandoffRole.Target).Outcome));
        Assert.NotNull(_farm.Active(flow));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_target_that_never_got_the_state_lets_a_source_in_doubt_go_on(bool homeForgets)
    {
        var flow = _farm.Connect(home: 3, owner: 1);
        var request = _farm.Request(flow, home: 3, source: 1, target: 2);
        bool broken = false;
        _farm.OnOutput = (node, output) =>
        {
            if (!broken && node == _farm[1] && output is HandoffOutput.Send { Peer.Value: 2 } send && (MessageKind)send.Message.Span[1] == MessageKind.State)
            {
                broken = true;
                _farm.Break(new(1), new(2));
                if (homeForgets)
                {
                    _farm.Crash(new(3));
                }
            }
        };
        _farm.Begin(request, 1);
        _farm.Run(TimeSpan.FromMilliseconds(20));
        if (homeForgets)
        {
            _farm.Restart(new(3));
            _farm[3].Home.Add(flow, new(1), Epoch.First, _farm[1].Endpoints[request.Endpoint].Reference);
            _farm.Run(TimeSpan.FromMilliseconds(20));
            Assert.False(Asks(3));
        }

        _farm.ChannelUp(new(1), new(2));
        _farm.Run();
        Assert.Equal(HandoffOutcome.Aborted, _farm.Outcome(request, HandoffRole.Source).Outcome);
        Assert.Equal((0, 0), (_farm[1].Agent.SourceHandoffs, _farm[2].Agent.TargetHandoffs));
        Assert.Equal(_farm[1].Active(flow), _farm.Active(flow));
    }

    [Fact]
    public void A_target_that_has_forgotten_a_handoff_does_not_begin_it_anew_for_a_source_in_doubt()
    {
        var farm = new Farm.Farm(limits: HandoffLimits.Default with { MaxRemembered = 1 }, nodes: 4);
        var flow = farm.Connect(home: 3, owner: 1);
        var request = farm.Request(flow, home: 3, source: 1, target: 2);
        farm.OnOutput = (node, output) =>
        {
            if (node == farm[2] && output is HandoffOutput.Install)
            {
                farm.Break(new(1), new(2));
                farm.Break(new(1), new(3));
            }
        };
        farm.Begin(request, 1);
        farm.Run(TimeSpan.FromMilliseconds(20));
        farm.OnOutput = (_, _) => { };
        farm.Begin(farm.Request(farm.Connect(home: 3, owner: 4), home: 3, source: 4, target: 2), 4);
        farm.Run(TimeSpan.FromMilliseconds(20));
        farm.Crash(new(3));
        farm.Restart(new(3));
        farm.ChannelUp(new(1), new(2));
        farm.Run();
        Assert.Equal(HandoffOutcome.Gone, farm.Outcome(request, HandoffRole.Source).Outcome);
        Assert.Equal(0, farm[2].Agent.TargetHandoffs);
        Assert.Equal(farm[2].Active(flow), farm.Active(flow));
    }

    [Fact]
    public void A_home_that_was_started_anew_is_asked_when_the_target_has_spoken_though_no_channel_to_it_broke()
    {
        var flow = _farm.Connect(home: 3, owner: 1);
        var request = _farm.Request(flow, home: 3, source: 1, target: 2);
        _farm.OnOutput = (node, output) =>
        {
            if (node == _farm[2] && output is HandoffOutput.Install)
            {
                _farm.Crash(new(3));
            }
        };
        _farm.Begin(request, 1);
        _farm.Run(TimeSpan.FromMilliseconds(100));
        _farm.OnOutput = (_, _) => { };
        _farm.Trace.Clear();
        _farm.Restart(new(3));
        _farm[3].Home.Add(flow, new(1), Epoch.First, _farm[1].Endpoints[request.Endpoint].Reference);
        Assert.False(Asks(3));
        _farm.Run();

        Assert.True(Asks(3));
        var outcome = _farm.Outcome(request, HandoffRole.Source).Outcome;
        Assert.Equal(outcome, _farm.Outcome(request, HandoffRole.Target).Outcome);
        Assert.NotNull(_farm.Active(flow));
    }

    [Fact]
    public void A_target_that_is_never_heard_again_is_not_waited_for_for_ever()
    {
        var flow = _farm.Connect(home: 3, owner: 1);
        var request = CutOff(flow, home: 3, seconds: 3);
        _farm.Crash(new(3));
        _farm.OnOutput = (_, _) => { };
        _farm.Restart(new(3));
        _farm.Run(HandoffLimits.Default.TargetsWord + TimeSpan.FromSeconds(1));
        Assert.Equal(HandoffOutcome.Gone, _farm.Outcome(request, HandoffRole.Source).Outcome);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Who_was_cut_off_from_the_target_for_long_asks_no_home_that_took_the_address_over(bool hasTheDirectory)
    {
        var flow = _farm.Connect(home: 3, owner: 1);
        CutOff(flow, home: 3, seconds: 3);
        _farm.Crash(new(3));
        _farm.Trace.Clear();
        _farm[1].Input(agent => agent.OnHome(_farm.Now, flow.Tuple.LocalAddress, new(4), serving: hasTheDirectory));
        _farm[1].Input(agent => agent.OnHome(_farm.Now, flow.Tuple.LocalAddress, new(4), serving: true));
        Assert.Equal(hasTheDirectory, Asks(4));
    }

    [Fact]
    public void A_target_that_became_the_home_is_told_by_a_source_that_has_forgotten_that_it_does_not_go_on()
    {
        var flow = _farm.Connect(home: 2, owner: 1);
        var done = new MessageHeader(MessageKind.Done, new HandoffId(4711), new Epoch(1), flow);
        _farm.Trace.Clear();
        _farm[1].Input(agent => agent.OnHome(_farm.Now, flow.Tuple.LocalAddress, new(2), serving: true));
        _farm[1].Input(agent => agent.OnMessage(_farm.Now, new(2), Done.Write(done, new Epoch(2), _farm[1].Endpoints.Values.Single().Reference)));
        Assert.Contains(_farm.Trace, step => step.Node == _farm[1]
            && step.Output is HandoffOutput.Send { Peer.Value: 2 } send && (MessageKind)send.Message.Span[1] == MessageKind.Done);
    }

    [Fact]
    public void An_abort_that_only_the_source_has_heard_reaches_a_target_that_is_ready()
    {
        var flow = _farm.Connect(home: 3, owner: 1);
        var request = _farm.Request(flow, home: 3, source: 1, target: 2);
        _farm.OnOutput = (node, output) =>
        {
            if (node == _farm[2] && output is HandoffOutput.Install)
            {
                // READY cannot ask the home, so the source's budget decides; the target hears of it on its next channel.
                _farm.Break(new(2), new(3));
                _farm.Break(new(1), new(2));
                _farm.At(_farm.Now + TimeSpan.FromMilliseconds(20), () => _farm.ChannelUp(new(1), new(2)));
            }
        };
        _farm.Begin(request, 1);
        _farm.Run();

        Assert.Equal(HandoffOutcome.Aborted, _farm.Outcome(request, HandoffRole.Source).Outcome);
        Assert.Equal(HandoffOutcome.Aborted, _farm.Outcome(request, HandoffRole.Target).Outcome);
        Assert.Equal(0, _farm[2].Agent.TargetHandoffs);
        Assert.Equal(_farm[1].Active(flow), _farm.Active(flow));
    }

    /// <summary>The target has STATE, and the source hears neither it nor the home for some time.</summary>
    private HandoffRequest CutOff(in Flow flow, int home, int seconds)
    {
        var request = _farm.Request(flow, home, source: 1, target: 2);
        _farm.OnOutput = (node, output) =>
        {
            if (node == _farm[2] && output is HandoffOutput.Install)
            {
                _farm.Break(new(1), new(2));
                _farm.Break(new(1), new(3));
            }
        };
        _farm.Begin(request, 1);
        _farm.Run(TimeSpan.FromSeconds(seconds));
        return request;
    }

    private bool Asks(int home) => _farm.Trace.Exists(step => step.Node == _farm[1]
        && step.Output is HandoffOutput.Send { } send && send.Peer.Value == home && (MessageKind)send.Message.Span[1] == MessageKind.Swap);
}
