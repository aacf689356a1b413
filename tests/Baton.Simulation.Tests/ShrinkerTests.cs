namespace Baton.Simulation.Tests;

public sealed class ShrinkerTests
{
    [Fact]
    public void A_seed_that_fails_by_a_planted_defect_is_shortened_to_what_it_fails_with()
    {
        ulong seed = 1;
        while (SimulationRun.Run(seed, PlantedDefect.ThawAfterCommit).Failure is null)
        {
            seed++;
        }

        int runs = 0;
        bool Fails(RunLimits limits)
        {
            runs++;
            return SimulationRun.Run(seed, PlantedDefect.ThawAfterCommit, limits: limits).Failure is not null;
        }

        var shortest = Shrinker.Shrink(Fails)!;

        Assert.True(Fails(shortest));
        Assert.Equal(0u, shortest.Strikes);
        Assert.InRange(shortest.Flows, 1, 4);
        Assert.InRange(shortest.Moves, 1, 16);
        Assert.False(Fails(shortest with { Moves = shortest.Moves - 1 }));
        Assert.InRange(runs, 1, 200);
    }

    [Fact]
    public void Each_part_is_lessened_and_the_order_in_which_it_helps_does_not_matter()
    {
        // Fewer moves are enough once there are fewer flows, and these once the second strike alone is left.
        bool Fails(RunLimits limits) => limits.Keeps(1)
            && (limits.Strikes == 2 ? limits.Flows >= 2 : limits.Flows >= 5)
            && limits.Moves >= (limits.Flows == 2 ? 3 : 9);

        Assert.Equal(new RunLimits(2, 3, 2), Shrinker.Shrink(Fails));
    }

    [Fact]
    public void A_seed_that_holds_is_not_shortened() => Assert.Null(Shrinker.Shrink(static _ => false));

    [Theory]
    [InlineData("--seed 7 --shrink")]
    [InlineData("--seed 7 --flows 2 --moves 3 --strikes 1 --trace")]
    [InlineData("--seeds 500 --seed 7")]
    [InlineData("--crashes --quick")]
    [InlineData("--short --seeds 1000000 --seed 1")]
    [InlineData("--short --seed 7 --shrink")]
    public void What_can_be_asked_for(string line) => Assert.NotNull(SimulateOptions.Parse(line.Split(' ')));

    [Theory]
    [InlineData("--shrink")]
    [InlineData("--seeds 0")]
    [InlineData("--flows 0")]
    [InlineData("--seed")]
    [InlineData("--moves -1")]
    [InlineData("7")]
    public void What_is_not_understood(string line) => Assert.Null(SimulateOptions.Parse(line.Split(' ')));
}
