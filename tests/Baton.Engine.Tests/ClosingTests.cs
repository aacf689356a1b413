using Baton.Simulation;
using Baton.Stack;
using Baton.Tcp;
using Baton.Wire;

namespace Baton.Engine.Tests;

/// <summary>The end of a connection: told to its home, across moves and reused ports.</summary>
public sealed class ClosingTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public void The_end_of_a_connection_in_TIME_WAIT_leaves_the_entry_of_its_successor_alone()
    {
        using var farm = new Farm(new FarmSettings()).Connect();
        farm["a"].Bind("tcp", () => new Closer());
        var client = farm.Clients[0];
        var first = client.Connect(farm["a"].ServiceAddress, 80);
        farm.RunUntil(() => first.Connection!.State == TcpState.CloseWait, Limit);
        first.Close(farm.Now);
        client.Touch();
        farm.RunUntil(() => first.Phase == EndpointPhase.Closed, Limit);
        var old = farm["a"].Endpoint;
        Assert.Equal(TcpState.TimeWait, farm["a"].Tcp.Connection!.State);

        // RFC 6191: the same ports again, while the farm's end is in TIME-WAIT.
        farm.RunFor(TimeSpan.FromMilliseconds(10));
        var second = client.Stack.Connect(farm.Now, first.Flow.Tuple)!;
        client.Touch();
        farm.RunUntil(() => second.Connection!.State == TcpState.CloseWait, Limit);

        var successor = farm["a"].Endpoint;
        Assert.Equal(old.Flow, successor.Flow);
        Assert.NotEqual(old.Id, successor.Id);
        Assert.Equal(1, farm["a"].Shard.Flows.Count);

        // Its own end takes its own entry along.
        second.Close(farm.Now);
        client.Touch();
        farm.RunUntil(() => farm["a"].Shard.Flows.Count == 0, TimeSpan.FromMinutes(5));
        Assert.Empty(farm["a"].Endpoints);
        Assert.Equal(0, client.ResetsSeen);
    }

    /// <summary>Closes at once.</summary>
    private sealed class Closer : IEndpointApplication
    {
        public void OnAttached(Attachment attachment) => attachment.Close();

        public void OnReadable(Attachment attachment)
        {
        }

        public void OnWritable(Attachment attachment)
        {
        }

        public void OnMoveRequested(Attachment attachment, MoveRequest request)
        {
        }

        public void OnHandOffFailed(Attachment attachment, MoveResult result)
        {
        }

        public void OnLeft(Attachment attachment, LeaveReason reason)
        {
        }
    }
}
