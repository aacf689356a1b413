using Baton.Link.Bpf;
using Baton.Testing;

namespace Baton.Link.Tests.Bpf;

public sealed class BpfMapTests
{
    private readonly record struct Value(ulong Number, ulong Square);

    [BpfTheory]
    [InlineData(nameof(BpfMapKind.Hash))]
    [InlineData(nameof(BpfMapKind.LruHash))]
    public void Entries_are_written_read_and_removed_one_by_one(string kind)
    {
        using var map = new BpfMap<uint, Value>(Enum.Parse<BpfMapKind>(kind), "baton_test", 100);

        Assert.False(map.TryRead(7, out _));
        Assert.True(map.TryWrite(7, new(7, 49)));
        Assert.True(map.TryWrite(7, new(8, 64)));
        Assert.True(map.TryRead(7, out var value));
        Assert.Equal(new Value(8, 64), value);
        Assert.True(map.Remove(7));
        Assert.False(map.Remove(7));
    }

    [BpfFact]
    public void Entries_are_written_read_and_removed_by_the_thousand()
    {
        using var map = new BpfMap<uint, Value>(BpfMapKind.Hash, "baton_test", 10_000);
        uint[] keys = [.. Enumerable.Range(0, 5000).Select(i => (uint)i * 3)];

        Assert.Equal(5000, map.WriteAll(keys, [.. keys.Select(key => new Value(key, (ulong)key * key))]));
        var read = map.ReadAll();
        Assert.Equal(keys, read.Select(entry => entry.Key).Order());
        Assert.All(read, entry => Assert.Equal((ulong)entry.Key * entry.Key, entry.Value.Square));

        uint[] removed = [.. Enumerable.Range(0, 3000).Select(i => (uint)i * 2)];
        Assert.Equal(removed.Count(key => key % 3 == 0), map.RemoveAll(removed));
        Assert.Equal(keys.Except(removed), map.ReadAll().Select(entry => entry.Key).Order());
    }

    [BpfFact]
    public void A_full_map_says_so_and_keeps_what_it_has()
    {
        using var map = new BpfMap<uint, Value>(BpfMapKind.Hash, "baton_test", 2);

        Assert.True(map.TryWrite(1, default));
        Assert.True(map.TryWrite(2, default));
        Assert.False(map.TryWrite(3, default));
        Assert.Equal(0, map.WriteAll([4, 5], [default, default]));
        Assert.True(map.TryWrite(2, new(2, 4)));
        Assert.Equal([1u, 2u], map.ReadAll().Select(entry => entry.Key).Order());
    }

    [BpfFact]
    public void An_lru_map_forgets_instead_of_becoming_full()
    {
        using var map = new BpfMap<uint, Value>(BpfMapKind.LruHash, "baton_test", 64);

        for (uint i = 0; i < 10_000; i++)
        {
            Assert.True(map.TryWrite(i, new(i, 0)));
        }

        Assert.True(map.TryRead(9_999, out _));
        Assert.False(map.TryRead(0, out _));
    }

    [BpfFact]
    public void An_array_has_all_its_entries_from_the_start()
    {
        using var map = new BpfMap<uint, Value>(BpfMapKind.Array, "baton_test", 4);

        Assert.True(map.TryWrite(3, new(1, 2)));
        Assert.Equal([default, default, default, new Value(1, 2)], map.ReadAll().Select(entry => entry.Value));
        Assert.False(map.TryWrite(4, default));
    }
}
