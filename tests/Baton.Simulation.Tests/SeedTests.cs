using Baton.Testing;

namespace Baton.Simulation.Tests;

public sealed class SeedTests
{
    // The whole measure is ./build simulate; here as many as a test run can bear.
    private static readonly int s_seeds = QuickForm.Or(150, quick: 60);

    [Fact]
    public void Every_invariant_holds_in_every_seed_and_every_case_is_met()
    {
        var results = Seeds(s_seeds).AsParallel().WithDegreeOfParallelism(2).Select(seed => SimulationRun.Run(seed)).ToList();

        Assert.Empty(results.Where(result => result.Failure is not null).Select(result => $"seed {result.Seed} {result.Failure}"));
        var totals = new Totals();
        results.ForEach(result => totals.Add(result.Totals));
        Assert.Empty(totals.Missing.Select(Totals.Name));
    }

    /// <summary>
    /// What seeds beyond those have found. 1964: a home's lease came back while a handoff had its endpoint frozen, and woke it.
    /// </summary>
    [Theory]
    [InlineData(1964)]
    public void Seeds_that_failed_once_hold(ulong seed) => Assert.Null(SimulationRun.Run(seed).Failure);

    [Fact]
    public void The_same_seed_gives_the_same_run_frame_by_frame()
    {
        foreach (ulong seed in Seeds(5))
        {
            Assert.Equal(SimulationRun.Run(seed).TraceHash, SimulationRun.Run(seed).TraceHash);
        }
    }

    [Fact]
    public void Different_seeds_give_different_runs()
    {
        Assert.Equal(10, Seeds(10).Select(seed => SimulationRun.Run(seed).TraceHash).Distinct().Count());
    }

    private static IEnumerable<ulong> Seeds(int count) => Enumerable.Range(1, count).Select(i => (ulong)i);
}
