using Baton.Handoff.Messages;
using Baton.Handoff.Tests.Farm;
using Baton.Wire;

namespace Baton.Handoff.Tests;

/// <summary>RESIDUE: a home goes on with its owners' connections in TIME-WAIT, and the owner keeps its own until it is told so.</summary>
public sealed class ResidueTests
{
    private readonly Farm.Farm _farm = new();

    [Fact]
    public void The_home_takes_it_and_the_owner_has_none_any_more()
    {
        var flow = _farm.Connect(home: 3, owner: 1);
        EnterTimeWait(_farm, flow);
        _farm.Run();
        AssertTaken(flow, home: 3);
        Assert.Empty(_farm[1].Endpoints);
    }

    [Fact]
    public void It_is_told_again_when_the_channel_is_made_again_and_taken_once()
    {
        var flow = _farm.Connect(home: 3, owner: 1);
        _farm.OnOutput = (_, output) =>
        {
            if (output is HandoffOutput.Send send && (MessageKind)send.Message.Span[1] == MessageKind.ResidueAck)
            {
                _farm.OnOutput = (_, _) => { };
                _farm.Break(_farm[1].Id, _farm[3].Id);
            }
        };
        EnterTimeWait(_farm, flow);
        _farm.Run();
        Assert.Equal((1, 1), (_farm[1].Endpoints.Count, _farm[1].Agent.PendingResidues));

        _farm.ChannelUp(_farm[1].Id, _farm[3].Id);
        _farm.Run();
        Assert.Equal(2, _farm.Trace.Count(step => step.Output is HandoffOutput.TakeResidue));
        AssertTaken(flow, home: 3);
        Assert.Empty(_farm[1].Endpoints);
    }

    [Fact]
    public void Where_there_is_no_room_the_owner_keeps_it_and_tells_its_end()
    {
        _farm[3].RefuseResidues = true;
        var flow = _farm.Connect(home: 3, owner: 1);
        EnterTimeWait(_farm, flow);
        _farm.Run();
        Assert.Equal((1, 0), (_farm[1].Endpoints.Count, _farm[1].Agent.PendingResidues));
        Assert.Empty(_farm[3].Endpoints);

        _farm.Close(flow, 3);
        _farm.Run();
        Assert.Equal((0, 0), (_farm[3].Home.Count, _farm[1].Agent.PendingClosed));
    }

    [Fact]
    public void A_home_that_does_not_decide_is_told_again_when_it_does_and_another_home_instead()
    {
        var flow = _farm.Connect(home: 3, owner: 1);
        Serve(home: 3, serving: false);
        EnterTimeWait(_farm, flow);
        _farm.Run();
        Assert.Equal(1, _farm[1].Agent.PendingResidues);
        Assert.Empty(_farm[3].Endpoints);

        _farm[3].Home.TryGet(flow, out var entry);
        _farm[3].Home.Close(flow, entry.Owner, entry.Epoch, FarmNode.EndpointOf(entry.Reference));
        _farm[2].Home.Add(flow, entry.Owner, entry.Epoch, entry.Reference);
        Serve(home: 2, serving: true);
        _farm.Run();
        AssertTaken(flow, home: 2);
        Assert.Equal(0, _farm[1].Agent.PendingResidues);
        Assert.Empty(_farm[1].Endpoints);
    }

    [Fact]
    public void An_owner_that_becomes_home_keeps_its_own()
    {
        var flow = _farm.Connect(home: 3, owner: 1);
        _farm.Break(_farm[1].Id, _farm[3].Id);
        EnterTimeWait(_farm, flow);
        Serve(home: 1, serving: true);
        _farm.ChannelUp(_farm[1].Id, _farm[3].Id);
        _farm.Run();
        Assert.Equal((1, 0), (_farm[1].Endpoints.Count, _farm[1].Agent.PendingResidues));
        Assert.DoesNotContain(_farm.Trace, step => step.Output is HandoffOutput.TakeResidue);
    }

    [Fact]
    public void Told_late_it_leaves_the_next_connection_between_the_same_ports_alone()
    {
        var flow = _farm.Connect(home: 3, owner: 1);
        _farm.Break(_farm[1].Id, _farm[3].Id);
        var ended = _farm[1].Active(flow)!;
        EnterTimeWait(_farm, flow);
        _farm[3].Home.Close(flow, _farm[1].Id, Epoch.First, ended.Id);
        Assert.Equal(flow, _farm.Connect(home: 3, owner: 1));
        _farm.ChannelUp(_farm[1].Id, _farm[3].Id);
        _farm.Run();

        Assert.Contains(_farm.Trace, step => step.Output is HandoffOutput.TakeResidue take && take.Endpoint == ended.Id);
        Assert.True(_farm[3].Home.TryGet(flow, out var entry));
        Assert.Equal((_farm[1].Id, Epoch.First), (entry.Owner, entry.Epoch));
        Assert.Equal(entry.Reference, Assert.Single(_farm[1].Endpoints.Values).Reference);
        Assert.Empty(_farm[3].Endpoints);
    }

    [Fact]
    public void The_end_of_TIME_WAIT_at_the_owner_ends_the_asking()
    {
        var flow = _farm.Connect(home: 3, owner: 1);
        _farm.Break(_farm[1].Id, _farm[3].Id);
        EnterTimeWait(_farm, flow);
        _farm.Close(flow, 3);
        Assert.Equal((0, 1), (_farm[1].Agent.PendingResidues, _farm[1].Agent.PendingClosed));
        _farm.ChannelUp(_farm[1].Id, _farm[3].Id);
        _farm.Run();
        Assert.Equal(0, _farm[3].Home.Count);
        Assert.DoesNotContain(_farm.Trace, step => step.Output is HandoffOutput.TakeResidue);
    }

    [Fact]
    public void A_home_asks_nobody_for_its_own_nor_anybody_for_UDP_and_the_number_that_waits_is_bounded()
    {
        var farm = new Farm.Farm(limits: new HandoffLimits { MaxPendingClosed = 1 });
        var flow = farm.Connect(home: 3, owner: 1);
        farm.Break(farm[1].Id, farm[3].Id);
        farm[1].Input(a =>
        {
            Assert.False(a.OnTimeWait(farm.Now, flow, farm[1].Id, new(1), new(11)));
            Assert.False(a.OnTimeWait(farm.Now, flow with { Protocol = IpProtocol.Udp }, farm[3].Id, new(1), new(11)));
            Assert.True(a.OnTimeWait(farm.Now, flow, farm[3].Id, new(1), new(11)));
            Assert.False(a.OnTimeWait(farm.Now, flow, farm[3].Id, new(2), new(12)));
            Assert.Equal(1, a.PendingResidues);
        });
    }

    [Fact]
    public void A_residue_of_a_wrong_length_or_of_a_UDP_flow_has_no_effect()
    {
        var flow = _farm.Connect(home: 3, owner: 1);
        var header = new MessageHeader(MessageKind.Residue, HandoffId.None, Epoch.First, flow);
        byte[][] bad =
        [
            Residue.Write(header, new(1), []),
            Residue.Write(header, new(1), new byte[HandoffLimits.MaxResidueBytes + 1]),
            Residue.Write(header with { Flow = flow with { Protocol = IpProtocol.Udp } }, new(1), [1]),
        ];
        foreach (byte[] message in bad)
        {
            _farm[3].Input(a => Assert.Equal(DropReason.MessageMalformed, a.OnMessage(_farm.Now, new NodeId(1), message)));
        }

        // An answer that nobody waits for.
        _farm[1].Input(a => Assert.Equal(
            DropReason.MessageStale, a.OnMessage(_farm.Now, new NodeId(3), ResidueAck.Write(header with { Kind = MessageKind.ResidueAck }, new(1), taken: true))));
    }

    private static void EnterTimeWait(Farm.Farm farm, Flow flow)
    {
        var endpoint = farm[1].Active(flow)!;
        endpoint.InTimeWait = true;
        farm[1].Input(a => Assert.True(a.OnTimeWait(farm.Now, flow, farm[3].Id, endpoint.Epoch, endpoint.Id)));
    }

    private void Serve(int home, bool serving) =>
        _farm.Nodes.ForEach(node => node.Input(a => a.OnHome(_farm.Now, InetAddress.FromV4(0xC6336465), _farm[home].Id, serving)));

    private void AssertTaken(Flow flow, int home)
    {
        Assert.True(_farm[home].Home.TryGet(flow, out var entry));
        Assert.Equal((_farm[home].Id, new Epoch(2)), (entry.Owner, entry.Epoch));
        Assert.Equal(entry.Reference, Assert.Single(_farm[home].Endpoints.Values).Reference);
    }
}
