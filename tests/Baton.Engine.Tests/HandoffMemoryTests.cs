using Baton.Simulation;
using Baton.Stack;
using Baton.Tcp;

namespace Baton.Engine.Tests;

/// <summary>Large queues move without new memory for each handoff. The whole farm runs on the test's own thread.</summary>
public sealed class HandoffMemoryTests
{
    private const int QueueBytes = 3 << 20;
    private const int WarmUp = 4;
    private const int Measured = 8;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public void A_handoff_of_megabytes_allocates_kilobytes_once_it_is_warm()
    {
        using var farm = new Farm(new FarmSettings
        {
            ClientTcp = TcpSettings.Default with { ReceiveBufferLimit = 64 * 1024 },
            Adjust = options => PacketPathTests.Copy(options, new EngineLimits { SendBuffer = 4 << 20 }),
        }).Connect();
        var plan = new PatternPlan(7, QueueBytes + 200_000);
        foreach (var node in farm.Nodes)
        {
            node.Bind("tcp", () => new PatternApplication(farm, node, plan));
        }

        // A client that does not read: what was written stays queued.
        var client = new PatternClient(farm, farm.Clients[0], farm["a"].ServiceAddress, 80, plan) { SendLimit = 0, Reads = false };
        farm.RunUntil(() => client.Endpoint.IsEstablished, Limit);
        farm.RunFor(TimeSpan.FromMilliseconds(200));
        Assert.True(farm["a"].Endpoint.SendQueue > QueueBytes);

        var allocations = new List<long>();
        for (int i = 0; i < WarmUp + Measured; i++)
        {
            var from = farm.Nodes[i % 2];
            long before = GC.GetAllocatedBytesForCurrentThread();
            var move = from.Move(farm.Nodes[(i + 1) % 2]);
            farm.RunUntil(() => move.Result is not null, Limit);
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(move.Result!.Moved, move.Result.ToString());
            Assert.True(move.Result.Event!.ImageBytes > QueueBytes);
            farm.RunFor(TimeSpan.FromMilliseconds(50));
            if (i >= WarmUp)
            {
                allocations.Add(allocated);
            }
        }

        // Not each: a collection beside this test may trim the pool of the process that the connections' rings come from.
        long median = allocations.Order().ElementAt(Measured / 2);
        Assert.True(median < 128 * 1024, $"Of handoffs of {QueueBytes} bytes, half allocated more than {median} bytes.");
        client.Reads = true;
        client.SendLimit = long.MaxValue;
        client.Continue();
        farm.RunUntil(() => client.IsComplete, Limit);
        Assert.Empty(farm.Errors);
    }
}
