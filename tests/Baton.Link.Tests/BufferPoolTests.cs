using Baton.Testing;
using Baton.Wire;

namespace Baton.Link.Tests;

public sealed class BufferPoolTests
{
    [Fact]
    public void A_buffer_has_the_length_asked_for_and_comes_from_the_pool_again()
    {
        var pool = new BufferPool(1 << 20);
        Assert.True(pool.TryRentCopy([1, 2, 3], out var buffer));
        Assert.Equal([1, 2, 3], buffer.Span.ToArray());
        buffer.Dispose();

        Assert.Equal(0, Allocation.Steady(() =>
        {
            for (int round = 0; round < 100; round++)
            {
                Assert.True(pool.TryRent(BufferPool.SmallLength, out var again));
                again.Dispose();
            }
        }));
        Assert.True(pool.TryRent(BufferPool.SmallLength, out buffer));
        Assert.Equal(BufferPool.SmallLength, buffer.Length);
        buffer.Dispose();
        pool.AssertNoneLent();
    }

    [Fact]
    public void The_limit_holds_until_something_comes_back()
    {
        var pool = new BufferPool(BufferPool.LargeLength + BufferPool.SmallLength);
        Assert.True(pool.TryRent(60_000, out var large));
        Assert.True(pool.TryRent(10, out _));
        Assert.False(pool.TryRent(10, out _));
        large.Dispose();
        Assert.True(pool.TryRent(10, out _));
        Assert.False(pool.TryRent(BufferPool.LargeLength + 1, out _));
        Assert.Equal((2, 2L * BufferPool.SmallLength), (pool.Lent, pool.LentBytes));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_second_return_throws(bool diagnostic)
    {
        var pool = new BufferPool(1 << 20, diagnostic);
        Assert.True(pool.TryRent(10, out var buffer));
        buffer.Dispose();
        Assert.Throws<InvalidOperationException>(buffer.Dispose);
    }

    [Fact]
    public void In_diagnostic_mode_a_use_after_the_return_throws_even_when_the_memory_is_lent_again()
    {
        var pool = new BufferPool(1 << 20, diagnostic: true);
        Assert.True(pool.TryRent(10, out var first));
        first.Dispose();
        Assert.True(pool.TryRent(10, out var second));

        Assert.NotSame(first, second);
        Assert.Throws<InvalidOperationException>(() => first.Span.Length);
        Assert.All(second.Span.ToArray(), b => Assert.Equal(0xDB, b));
    }

    [Fact]
    public void A_leak_is_named_with_the_place_of_its_rent()
    {
        var pool = new BufferPool(1 << 20, diagnostic: true);
        Assert.True(pool.TryRent(10, out _));

        var error = Assert.Throws<InvalidOperationException>(pool.AssertNoneLent);

        Assert.Contains(nameof(A_leak_is_named_with_the_place_of_its_rent), error.Message, StringComparison.Ordinal);
    }
}
