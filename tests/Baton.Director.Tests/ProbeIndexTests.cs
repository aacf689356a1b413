namespace Baton.Director.Tests;

public sealed class ProbeIndexTests
{
    [Theory]
    [InlineData(1, 4u)]
    [InlineData(2, 16u)]
    [InlineData(3, uint.MaxValue)]
    public void It_finds_what_is_there_and_nothing_else_however_tags_collide(int seed, uint tags)
    {
        const int Capacity = 64;
        var random = new Random(seed);
        var index = new ProbeIndex(Capacity);
        var model = new Dictionary<int, uint>();
        for (int step = 0; step < 20_000; step++)
        {
            int entry = random.Next(Capacity);
            if (model.Remove(entry, out uint tag))
            {
                index.RemoveAt(PositionOf(index, tag, entry));
            }
            else
            {
                // Tags near the end of the table wrap around.
                tag = (uint)random.NextInt64(tags) - 2;
                model[entry] = tag;
                index.Add(tag, entry);
            }

            foreach (var (known, knownTag) in model)
            {
                Assert.True(PositionOf(index, knownTag, known) >= 0);
            }

            Assert.True(model.ContainsKey(entry) || PositionOf(index, tag, entry) < 0);
        }
    }

    private static int PositionOf(ProbeIndex index, uint tag, int entry)
    {
        int position = index.Start(tag);
        while (index.TryProbe(tag, ref position, out int found))
        {
            if (found == entry)
            {
                return position;
            }

            position = index.Next(position);
        }

        return -1;
    }
}
