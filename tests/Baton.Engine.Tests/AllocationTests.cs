using Baton.Simulation;
using Baton.Tcp;

namespace Baton.Engine.Tests;

/// <summary>
/// What an asynchronous operation allocates: nothing, once it is warm. The shard runs on the test's own thread, at one
/// moment of virtual time in which no packet moves, and continuations run where it completes an operation: one thread's
/// count is all there is, and the same in every run.
/// </summary>
public sealed class AllocationTests
{
    private const int WarmUp = 200, Rounds = 1000, Windows = 5;

    /// <summary>So much the client takes without reading; with that its window is closed, and sends only fill the queue.</summary>
    private const int ClientBuffer = 8 * 1024;

    /// <summary>The last operations are in no window: the code that ends the task runs for the first time there.</summary>
    private const int All = WarmUp + (Windows * Rounds) + 1;

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

        // The runtime, too, allocates now and then on the thread that happens to compile or bind a method. What an
        // operation allocates is in every window; so one window without is what shows that there is none.
        RunUntil(WarmUp);
        long least = long.MaxValue;
        for (int window = 1; window <= Windows; window++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            RunUntil(WarmUp + (window * Rounds));
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        RunUntil(All);
        Assert.True(copying.IsCompletedSuccessfully);
        Assert.Equal(0, least);
    }
}
