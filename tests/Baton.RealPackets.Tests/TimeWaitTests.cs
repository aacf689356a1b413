using Baton.Engine;
using Baton.Samples;
using Baton.Wire;

namespace Baton.RealPackets.Tests;

/// <summary>TIME-WAIT of a connection whose home is another node goes on at the home, after its owner.</summary>
public sealed class TimeWaitTests(RealNetwork network)
{
    [RealTheory]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    public async Task The_clients_last_FIN_comes_again_and_its_home_acknowledges_it_though_the_owner_is_gone(bool drained, bool atOnce)
    {
        await using var farm = await RealFarm.StartAsync(network);
        var leaver = new Leaver();
        await farm.ServeAsync("web", _ => leaver);
        var station = await farm.JoinAsync("front", "198.51.100.50");
        var client = new HandClient(station, farm.A, FarmSetup.Web, 42000);
        await client.ConnectAsync();
        await farm.MoveAsync(client.Flow, farm.B);

        leaver.Leave();
        var (last, fin) = await client.CloseAsync(atOnce);
        await Wait.UntilAsync(async () => (await farm.A.Engine.CountersAsync()).Residues == 1, "a residue at the home");
        await Wait.UntilAsync(async () => await farm.B.FindAsync(client.Flow) is null, "no endpoint at the owner");
        Assert.Equal("TIME-WAIT", (await farm.A.SingleAsync()).State);
        Assert.DoesNotContain(station.Seen, p => p.IsTcp && p.Ethernet.Source == farm.A.FrontMac && p.Tcp.Acknowledgment == client.Next);

        var owner = farm.B;
        if (drained)
        {
            var progress = await owner.Engine.DrainAsync(cancellationToken: Wait.Patience());
            Assert.Equal((0, 0), (progress.Remaining, progress.Addresses));
        }

        farm.Nodes.Remove(owner);
        await owner.Engine.DisposeAsync();

        using var capture = farm.Capture(farm.A.Front);
        client.Send(TcpFlags.Fin | TcpFlags.Ack, last, default);
        await station.WaitForAsync(p => p.IsTcp && p.Ethernet.Source == farm.A.FrontMac && p.Tcp.Acknowledgment == client.Next);

        var answer = Assert.Single(capture.Stop().Out().ToClient(client.Flow));
        Assert.Equal((TcpFlags.Ack, fin, client.Next), (answer.Tcp.Flags, answer.Tcp.Sequence, answer.Tcp.Acknowledgment));
        Assert.Empty(answer.Payload);
        Assert.DoesNotContain(station.Seen, p => p.Has(TcpFlags.Rst));
        Assert.Equal(1, (await farm.A.Engine.CountersAsync()).ResiduesTaken);
    }

    /// <summary>Goes where it is told to, and closes its connections when it is told to leave.</summary>
    private sealed class Leaver : SampleApplication
    {
        private readonly TaskCompletionSource _leaves = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override string Name => "leaver";

        public void Leave() => _leaves.SetResult();

        public override async Task ServeAsync(Connection connection)
        {
            while (!_leaves.Task.IsCompleted)
            {
                var asked = Task.Delay(Timeout.Infinite, connection.MoveRequested);
                await Task.WhenAny(_leaves.Task, asked);
                if (!_leaves.Task.IsCompleted && await TryMoveAsync(connection))
                {
                    return;
                }
            }
        }
    }
}
