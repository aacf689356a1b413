using System.Security.Cryptography;
using Baton.Samples;

namespace Baton.Node.Tests.Samples;

public sealed class Sha256StateTests
{
    [Fact]
    public void Every_length_around_the_block_boundaries_gives_the_platforms_hash()
    {
        var bytes = new byte[260];
        new Random(1).NextBytes(bytes);
        for (int length = 0; length <= bytes.Length; length++)
        {
            var state = new Sha256State();
            state.Append(bytes.AsSpan(0, length));
            Assert.Equal(SHA256.HashData(bytes.AsSpan(0, length)), state.Digest());
        }
    }

    [Fact]
    public void A_state_that_travels_between_any_two_parts_goes_on_exactly()
    {
        for (int seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var bytes = new byte[random.Next(0, 5000)];
            random.NextBytes(bytes);
            var state = new Sha256State();
            var exported = new byte[Sha256State.ExportedLength];
            for (int at = 0; at < bytes.Length;)
            {
                int part = Math.Min(random.Next(0, 400), bytes.Length - at);
                state.Append(bytes.AsSpan(at, part));
                at += part;
                state.Export(exported);
                Assert.True(Sha256State.TryImport(exported, out state), $"seed {seed}");
            }

            Assert.Equal((ulong)bytes.Length, state.Length);
            Assert.True(SHA256.HashData(bytes).AsSpan().SequenceEqual(state.Digest()), $"seed {seed}");
        }
    }

    [Fact]
    public void Taking_the_digest_leaves_the_state_as_it_was()
    {
        var state = new Sha256State();
        state.Append("abc"u8);
        Assert.Equal(state.Digest(), state.Digest());
        state.Append("def"u8);
        Assert.Equal(SHA256.HashData("abcdef"u8), state.Digest());
    }

    [Fact]
    public void Something_else_than_a_state_is_refused()
    {
        Assert.False(Sha256State.TryImport([], out _));
        Assert.False(Sha256State.TryImport(new byte[Sha256State.ExportedLength], out _));
    }
}
