namespace Baton.Simulation.Tests;

public sealed class PlantedDefectTests
{
    private const int MostSeeds = 1000;

    [Theory]
    [InlineData(nameof(PlantedDefect.ThawAfterCommit), "emits, but the owner is", "active at node")]
    [InlineData(nameof(PlantedDefect.EmbryoAcknowledges), "emits, but the owner is", "active at node")]
    [InlineData(nameof(PlantedDefect.DroppedHeldPacket), "and holds")]
    [InlineData(nameof(PlantedDefect.ShrunkRightEdge), "takes the right edge back")]
    [InlineData(nameof(PlantedDefect.ReusedEpoch), "the directory goes from")]
    [InlineData(nameof(PlantedDefect.EarlyWriteOff), "sends RST", "though it was at node", "though none was lost")]
    [InlineData(nameof(PlantedDefect.KeptBuffer), "buffers are lent")]
    public void A_planted_defect_is_found(string defect, params string[] invariants)
    {
        for (ulong seed = 1; seed <= MostSeeds; seed++)
        {
            if (SimulationRun.Run(seed, Enum.Parse<PlantedDefect>(defect), form: SeedForm.Short).Failure is { } failure)
            {
                Assert.True(Array.Exists(invariants, invariant => failure.Contains(invariant, StringComparison.Ordinal)), failure);
                return;
            }
        }

        Assert.Fail($"{defect} was not found in {MostSeeds} seeds.");
    }
}
