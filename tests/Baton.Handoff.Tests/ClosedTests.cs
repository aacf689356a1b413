using Baton.Handoff.Tests.Farm;
using Baton.Wire;

namespace Baton.Handoff.Tests;

/// <summary>CLOSED: the owner tells the home that a connection has ended, until the home has heard it.</summary>
public sealed class ClosedTests
{
    private readonly Farm.Farm _farm = new();

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void The_homes_entry_goes_with_the_connection(int home)
    {
        var flow = _farm.Connect(home, 1);
        _farm.Close(flow, home);
        _farm.Run();
        Assert.Equal(0, _farm[home].Home.Count);
        Assert.Equal(0, _farm[1].Agent.PendingClosed);
    }

    [Fact]
    public void It_is_told_again_when_the_channel_is_made_again()
    {
        var flow = _farm.Connect(home: 3, owner: 1);
        _farm.Close(flow, 3);
        _farm.Break(_farm[1].Id, _farm[3].Id);
        _farm.Run();
        Assert.Equal((1, 1), (_farm[3].Home.Count, _farm[1].Agent.PendingClosed));
        _farm.ChannelUp(_farm[1].Id, _farm[3].Id);
        _farm.Run();
        Assert.Equal((0, 0), (_farm[3].Home.Count, _farm[1].Agent.PendingClosed));
    }

    [Fact]
    public void What_a_former_owner_says_has_no_effect()
    {
        var flow = _farm.Connect(home: 3, owner: 1);
        var former = _farm[1].Active(flow)!.Id;
        _farm.Begin(_farm.Request(flow, 3, 1, 2), 1);
        _farm.Run();
        _farm[1].Input(a => a.OnEndpointClosed(_farm.Now, flow, _farm[3].Id, Epoch.First, former, 1));
        _farm.Run();
        Assert.Equal(1, _farm[3].Home.Count);
        Assert.Equal(0, _farm[1].Agent.PendingClosed);
    }

    [Fact]
    public void Told_late_it_does_not_end_the_next_connection_between_the_same_ports()
    {
        var flow = _farm.Connect(home: 3, owner: 1);
        var ended = _farm[1].Active(flow)!.Id;
        _farm.Break(_farm[1].Id, _farm[3].Id);
        _farm.Close(flow, 3);

        // The home has lost its entry meanwhile, and the client uses its port again: same flow, owner and epoch.
        _farm[3].Home.Close(flow, _farm[1].Id, Epoch.First, ended);
        Assert.Equal(flow, _farm.Connect(home: 3, owner: 1));
        _farm.ChannelUp(_farm[1].Id, _farm[3].Id);
        _farm.Run();

        Assert.Contains(_farm.Trace, step => step.Output is HandoffOutput.RemoveEntry remove && remove.Endpoint == ended);
        Assert.Equal((1, 0), (_farm[3].Home.Count, _farm[1].Agent.PendingClosed));
        _farm.Close(flow, 3);
        _farm.Run();
        Assert.Equal((0, 0), (_farm[3].Home.Count, _farm[1].Agent.PendingClosed));
    }

    [Fact]
    public void The_number_that_waits_is_bounded()
    {
        var farm = new Farm.Farm(limits: new HandoffLimits { MaxPendingClosed = 1 });
        var flow = farm.Connect(home: 3, owner: 1);
        farm.Break(farm[1].Id, farm[3].Id);
        farm[1].Input(a =>
        {
            Assert.True(a.OnEndpointClosed(farm.Now, flow, farm[3].Id, new(1), new(11), 1));
            Assert.True(a.OnEndpointClosed(farm.Now, flow, farm[3].Id, new(1), new(11), 1));
            Assert.False(a.OnEndpointClosed(farm.Now, flow, farm[3].Id, new(2), new(12), 1));
        });
    }

    [Fact]
    public void A_connection_that_ends_before_the_freeze_ends_its_handoff()
    {
        var flow = _farm.Connect(home: 3, owner: 1);
        var request = _farm.Request(flow, 3, 1, 2);
        _farm.Begin(request, 1);
        _farm.Close(flow, 3);
        _farm.Run();
        Assert.Equal((HandoffOutcome.Aborted, HandoffReason.EndpointClosed), _farm.Outcome(request, HandoffRole.Source));
        Assert.Equal(0, _farm[3].Home.Count);
        Assert.Empty(_farm[2].Endpoints);
    }
}
