using Baton.Handoff.Messages;
using Baton.Handoff.Tests.Farm;
using Baton.Wire;

namespace Baton.Handoff.Tests;

/// <summary>A home that is a third node decides, and is lost before both sides have heard it.</summary>
public sealed class LostHomeTests
{
    private readonly Farm.Farm _farm = new();

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
    [InlineData(3, 1, true)]
    [InlineData(3, 3, false)]
    [InlineData(2, 1, true)]
    [InlineData(2, 3, false)]
    public void Who_was_cut_off_from_the_target_for_long_asks_no_home_that_was_started_anew(int home, int seconds, bool asks)
    {
        var flow = _farm.Connect(home, owner: 1);
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
        Assert.Equal(_farm[2].Active(flow), _farm.Active(flow));
        _farm.Crash(new((ushort)home));
        _farm.OnOutput = (_, _) => { };
        _farm.Trace.Clear();
        _farm.Restart(new((ushort)home));

        Assert.Equal(asks, _farm.Trace.Exists(step => step.Node == _farm[1]
            && step.Output is HandoffOutput.Send { } send && send.Peer.Value == home && (MessageKind)send.Message.Span[1] == MessageKind.Swap));
        Assert.Equal(!asks, _farm.Trace.Exists(step => step.Node == _farm[1] && step.Output is HandoffOutput.Discard));
        Assert.Equal(asks ? 1 : 0, _farm[1].Agent.SourceHandoffs);
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
}
