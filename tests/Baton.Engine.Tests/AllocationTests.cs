using Baton.Simulation;
using Baton.Tcp;
using Baton.Testing;

namespace Baton.Engine.Tests;

/// <summary>
/// What an asynchronous operation allocates: nothing, once it is warm. The shard runs on the test's own thread, at one
/// moment of virtual time in which no packet moves, and continuations run where it completes an operation: one thread's
/// count is all there is, and the same in every run.
/// </summary>
public sealed class AllocationTests
{
    private const int Rounds = 500;

    /// <summary>So much the client takes without reading; with that its window is closed, and sends only fill the queue.</summary>
    private const int ClientBuffer = 8 * 1024;

    /// <summary>More than are looked at: the code that ends the task runs for the first time at the last.</summary>
    private const int All = 10 * Rounds;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Receiving_and_sending_allocate_nothing_once_warm(bool cancellable)
    {
        using var never = new CancellationTokenSource();
        var token = cancellable ? never.Token : CancellationToken.None;
        using var farm = new Farm(new FarmSettings { ClientTcp = TcpSettings.Default with { ReceiveBufferLimit = ClientBuffer } }).Connect();
        var node = farm["a"];
        Connection? connection = null;
        node.Bind("tcp", () => new AsyncEndpoint(node.Shard, inline: true) { Accepted = endpoint => connection = new Connection(endpoint) });
        var client = farm.Clients[0].Connect(node.ServiceAddress, 80);
        farm.RunUntil(() => connection is not null, Limit);
        client.Write(farm.Now, new byte[All]);
        farm.Clients[0].Touch();
        var filling = connection!.SendAllAsync(new byte[2 * ClientBuffer]).AsTask();
        farm.RunFor(TimeSpan.FromSeconds(1));
        Assert.True(filling.IsCompletedSuccessfully);

        int done = 0;
        var copying = CopyAsync();
        async Task CopyAsync()
        {
            byte[] buffer = new byte[1];
            while (done < All)
            {
                int received = await connection.ReceiveAsync(buffer, token).ConfigureAwait(false);
                int sent = await connection.SendAsync(buffer, token).ConfigureAwait(false);
                done += received & sent;
            }
        }

        void RunUntil(int rounds)
        {
            while (done < rounds)
            {
                node.Shard.Run(farm.Now);
            }
        }

        int rounds = 0;
        long allocated = Allocation.Steady(() => RunUntil(rounds += Rounds));
        RunUntil(All);
        Assert.True(copying.IsCompletedSuccessfully);
        Assert.Equal(0, allocated);
    }
}
