using Baton.Wire;
using static Baton.Director.Tests.Samples;

namespace Baton.Director.Tests;

public sealed class TombstoneTableTests
{
    private static readonly DirectorLimits s_limits = new()
    {
        MaxTombstones = 3,
        TombstoneForwards = TimeSpan.FromSeconds(2),
        TombstoneSilent = TimeSpan.FromSeconds(3),
    };

    [Fact]
    public void A_tombstone_forwards_then_drops_silently_then_is_gone()
    {
        var table = new TombstoneTable(s_limits);
        table.Add(At(0), new(7), B, Encoded(70));

        var early = table.Decide(At(1.9), new(7));
        Assert.Equal(TombstoneKind.Forward, early.Kind);
        Assert.Equal(B, early.Target);
        Assert.Equal(Encoded(70), early.Successor);
        Assert.Equal(TombstoneKind.Drop, table.Decide(At(2), new(7)).Kind);
        Assert.Equal(TombstoneKind.Unknown, table.Decide(At(5), new(7)).Kind);
        Assert.Equal(TombstoneKind.Unknown, table.Decide(At(1), new(8)).Kind);
    }

    [Fact]
    public void The_deadline_is_the_oldests_end_and_clears_it()
    {
        var table = new TombstoneTable(s_limits);
        Assert.Equal(Instant.Never, table.NextDeadline);
        table.Add(At(0), new(7), B, Encoded(70));
        table.Add(At(1), new(8), C, Encoded(80));
        Assert.Equal(At(5), table.NextDeadline);

        table.OnDeadline(At(5));

        Assert.Equal(1, table.Count);
        Assert.Equal(At(6), table.NextDeadline);
        table.OnDeadline(At(60));
        Assert.Equal(0, table.Count);
    }

    [Fact]
    public void A_repeated_one_only_replaces_the_successor()
    {
        var table = new TombstoneTable(s_limits);
        table.Add(At(0), new(7), B, Encoded(70));
        table.Add(At(1), new(7), C, Encoded(71));

        Assert.Equal(1, table.Count);
        Assert.Equal(C, table.Decide(At(1), new(7)).Target);
        Assert.Equal(At(5), table.NextDeadline);
    }

    [Fact]
    public void When_it_is_full_the_oldest_goes_and_is_counted()
    {
        var table = new TombstoneTable(s_limits);
        for (ulong id = 1; id <= 10; id++)
        {
            // Ids that differ in their low bits only share a tag.
            table.Add(At(0), new(id), B, Encoded(id));
        }

        Assert.Equal(3, table.Count);
        Assert.Equal(7, table.Evicted);
        Assert.Equal(TombstoneKind.Unknown, table.Decide(At(0), new(7)).Kind);
        Assert.Equal(TombstoneKind.Forward, table.Decide(At(0), new(8)).Kind);
    }

    private static Instant At(double seconds) => Instant.Zero + TimeSpan.FromSeconds(seconds);
}
