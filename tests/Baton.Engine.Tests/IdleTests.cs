using Baton.Simulation;
using Baton.Wire;

namespace Baton.Engine.Tests;

/// <summary>What a node does that has nothing to do; <c>./build bench tcp</c> measures the processor time of it.</summary>
public sealed class IdleTests
{
    /// <summary>How often a node that is alone wakes up: for the report of its state.</summary>
    private const int RunsPerSecond = 5;

    [Fact]
    public void A_node_that_is_alone_sleeps_between_its_reports_and_finds_no_work()
    {
        using var farm = new Farm(new FarmSettings { Nodes = ["a"], Clients = 0 });

        // Until it has announced its addresses for the last time.
        farm.RunFor(TimeSpan.FromSeconds(40));
        var shard = farm["a"].Shard;
        var (now, end) = (farm.Now, farm.Now + TimeSpan.FromSeconds(60));
        int runs = 0, busy = 0;

        while (now < end)
        {
            var next = shard.Run(now);
            Assert.True(next > now || shard.WasBusy, $"It wants to run again at {now} with nothing to do.");
            runs++;
            busy += shard.WasBusy ? 1 : 0;
            now = Instant.Min(Instant.Max(next, now), end);
        }

        Assert.Equal(0, busy);
        Assert.InRange(runs, 1, (RunsPerSecond * 60) + 1);
    }
}
