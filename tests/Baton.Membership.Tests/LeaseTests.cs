using static Baton.Membership.Tests.Farm;

namespace Baton.Membership.Tests;

public sealed class LeaseTests
{
    private readonly Farm _farm = new();

    public LeaseTests() => _farm.Run(TimeSpan.FromSeconds(5));

    [Fact]
    public void A_lease_holds_while_the_peer_says_that_it_hears()
    {
        Assert.True(_farm[A].HoldsLease(A));
        Assert.True(_farm[A].HoldsLease(B));
        Assert.True(_farm[A].IsHeardByHalf);
        Assert.False(_farm[A].HoldsLease(new(99)));
    }

    [Fact]
    public void It_ends_before_the_peer_counts_it_as_over()
    {
        _farm.Kill(B);
        var from = _farm.Now;
        while (_farm[A].HoldsLease(B))
        {
            Assert.False(_farm[A].IsSilent(_farm.Now, B));
            _farm.Run(TimeSpan.FromMilliseconds(10));
        }

        Assert.InRange(_farm.Now - from, Options.Lease - Options.Interval, Options.Lease + TimeSpan.FromMilliseconds(10));
        while (!_farm[A].IsSilent(_farm.Now, B))
        {
            _farm.Run(TimeSpan.FromMilliseconds(10));
        }

        Assert.InRange(_farm.Now - from, Options.Lease + Options.LeaseMargin - Options.Interval, Options.Lease + Options.LeaseMargin + TimeSpan.FromMilliseconds(10));
    }

    [Fact]
    public void Nobody_renews_who_knows_of_another_home()
    {
        _farm[A].Digest = 1;
        _farm.Run(Options.Lease + Options.Interval);
        Assert.False(_farm[A].HoldsLease(B));
        Assert.False(_farm[B].HoldsLease(A));
        Assert.True(_farm[B].HoldsLease(C));
        Assert.False(_farm[A].IsHeardByHalf);
        Assert.True(_farm[B].IsHeardByHalf);
        _farm[A].Digest = 0;
        _farm.Run(Options.Interval * 2);
        Assert.True(_farm[A].HoldsLease(B));
        Assert.True(_farm[A].IsHeardByHalf);
    }

    [Fact]
    public void Of_three_one_that_is_alone_is_not_heard_by_half_and_two_are()
    {
        _farm.Kill(C);
        _farm.Run(Options.Lease * 2);
        Assert.True(_farm[A].IsHeardByHalf);
        _farm.Kill(B);
        _farm.Run(Options.Lease * 2);
        Assert.False(_farm[A].IsHeardByHalf);
    }

    [Fact]
    public void Who_drained_before_it_went_counts_on_neither_side()
    {
        foreach (var leaving in new[] { B, C })
        {
            _farm[leaving].OnOwnState(_farm.Now, State(leaving) with { Draining = true });
            _farm.Run(Options.Interval);
            Assert.False(_farm[leaving].IsSilent(_farm.Now + Options.Lease * 2, A));
            _farm.Kill(leaving);
        }

        _farm.Run(Options.Lease * 2);
        Assert.True(_farm[A].IsHeardByHalf);
    }

    [Fact]
    public void Of_a_member_that_never_heard_this_start_of_the_node_nothing_can_be_said()
    {
        _farm.Kill(A);
        _farm.Restart(B);
        _farm.Run(Options.Lease * 3);
        Assert.False(_farm[B].IsSilent(_farm.Now, A));
        Assert.True(_farm[B].IsUnheard(_farm.Now, A));
        Assert.True(_farm[C].IsSilent(_farm.Now, A));
    }
}
