namespace Baton.Wire.Tests;

public sealed class DropCountersTests
{
    [Fact]
    public void Each_reason_counts_for_itself_and_has_a_name()
    {
        var counters = new DropCounters();
        foreach (var reason in DropCounters.All)
        {
            counters.Count(reason);
        }

        counters.Count(DropReason.TcpBadChecksum);
        counters.Count(DropReason.None);

        Assert.Equal(2, counters[DropReason.TcpBadChecksum]);
        Assert.Equal(0, counters[DropReason.None]);
        Assert.Equal(DropCounters.All.Length + 1, counters.Total);
        Assert.Contains((DropReason.TcpBadChecksum, "tcp-bad-checksum", 2L), counters.Counted());
    }

    [Fact]
    public void Totals_over_shards_are_sums()
    {
        var (one, other) = (new DropCounters(), new DropCounters());
        one.Count(DropReason.NotHome);
        other.Count(DropReason.NotHome);
        other.Add(one);

        Assert.Equal(2, other[DropReason.NotHome]);
        Assert.Equal("not-home", DropCounters.NameOf(DropReason.NotHome));
    }

    [Fact]
    public void Reasons_are_numbered_without_gaps()
    {
        Assert.Equal(Enumerable.Range(0, DropCounters.All.Length + 1), Enum.GetValues<DropReason>().Select(reason => (int)reason));
    }
}
