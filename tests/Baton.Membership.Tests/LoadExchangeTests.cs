using Baton.Testing;
using Baton.Wire;
using static Baton.Membership.Tests.Farm;

namespace Baton.Membership.Tests;

public sealed class LoadExchangeTests
{
    [Fact]
    public void Before_anybody_spoke_only_this_node_is_reachable()
    {
        var exchange = new LoadExchange(Members(), A, Options, 1, Instant.Zero);

        Assert.Equal(A, Assert.Single(exchange.Candidates.ToArray()).Node);
        Assert.Equal(MemberStatus.Unreachable, exchange.View.StatusOf(B));
        Assert.Equal(MemberStatus.Unreachable, exchange.View.StatusOf(new(99)));
        Assert.False(exchange.TryTakeEvent(out _));
    }

    [Fact]
    public void At_start_everybody_is_told_at_once_and_then_four_times_a_second()
    {
        var farm = new Farm();
        farm.Run(TimeSpan.Zero);
        Assert.Equal(6, farm.Sent);

        farm.Run(TimeSpan.FromSeconds(1));

        Assert.Equal(6 * 5, farm.Sent);
        Assert.Equal([A, B, C], farm[A].Candidates.ToArray().Select(state => state.Node));
        Assert.Equal(
            [new MemberEvent(B, MemberStatus.Reachable, false, 3), new MemberEvent(C, MemberStatus.Reachable, false, 3)], farm.Events(A));
    }

    [Fact]
    public void The_others_know_a_members_load_within_an_interval()
    {
        var farm = new Farm();
        farm.Run(TimeSpan.FromSeconds(1));
        farm[B].OnOwnState(farm.Now, State(B) with { LiveConnections = 17, QueuedBytes = 1 << 20, CpuPermille = 800 });

        farm.Run(Options.Interval);

        Assert.True(farm[A].View.TryFind(B, out var seen));
        Assert.Equal(new MemberState(B, 1, 17, 1 << 20, 800, false, 3), seen.State);
    }

    [Fact]
    public void Draining_is_told_at_once_and_raises_the_epoch_and_so_does_its_end()
    {
        var farm = new Farm();
        farm.Run(TimeSpan.FromSeconds(1));
        farm.Events(A);
        farm.Events(B);
        ulong epoch = farm[A].Epoch;

        farm[B].OnOwnState(farm.Now, State(B) with { Draining = true });
        farm.Run(TimeSpan.Zero);

        Assert.Equal(new MemberEvent(B, MemberStatus.Draining, false, epoch + 1), Assert.Single(farm.Events(A)));
        Assert.Equal(MemberStatus.Draining, Assert.Single(farm.Events(B)).Status);
        Assert.True(farm[A].Candidates[1].Draining);
        farm[B].OnOwnState(farm.Now, State(B));
        farm.Run(TimeSpan.Zero);
        Assert.Equal(new MemberEvent(B, MemberStatus.Reachable, false, epoch + 2), Assert.Single(farm.Events(A)));
    }

    [Fact]
    public void A_member_that_is_silent_for_five_intervals_is_unreachable_until_it_speaks_again()
    {
        var farm = new Farm();
        farm.Run(TimeSpan.FromSeconds(1));
        farm.Events(A);
        farm.Kill(B);
        farm.Run(Options.Interval * 4);
        Assert.Equal(MemberStatus.Reachable, farm[A].View.StatusOf(B));

        farm.Run(Options.Interval);

        Assert.Equal(MemberStatus.Unreachable, Assert.Single(farm.Events(A)).Status);
        Assert.Equal([A, C], farm[A].Candidates.ToArray().Select(state => state.Node));
        ulong epoch = farm[A].Epoch;
        farm.Restart(B);
        farm.Run(TimeSpan.Zero);
        Assert.Equal(new MemberEvent(B, MemberStatus.Reachable, Restarted: true, epoch + 1), Assert.Single(farm.Events(A)));
    }

    [Fact]
    public void A_member_that_restarts_within_patience_is_reported_as_restarted()
    {
        var farm = new Farm();
        farm.Run(TimeSpan.FromSeconds(1));
        farm.Events(A);
        ulong epoch = farm[A].Epoch;
        farm.Restart(C);
        farm.Run(TimeSpan.Zero);

        Assert.Equal(new MemberEvent(C, MemberStatus.Reachable, Restarted: true, epoch), Assert.Single(farm.Events(A)));
    }

    [Fact]
    public void An_older_incarnation_or_an_older_datagram_has_no_effect()
    {
        var exchange = new LoadExchange(Members(), A, Options, 1, Instant.Zero);
        Assert.Equal(DropReason.None, Receive(exchange, State(B, live: 5) with { Incarnation = 7 }, 10));

        Assert.Equal(DropReason.MessageStale, Receive(exchange, State(B, live: 6) with { Incarnation = 6 }, 11));
        Assert.Equal(DropReason.MessageStale, Receive(exchange, State(B, live: 6) with { Incarnation = 7 }, 10));
        Assert.Equal(DropReason.MessageStale, Receive(exchange, State(B, live: 6) with { Incarnation = 7 }, 9));
        Assert.Equal(5u, exchange.Candidates[1].LiveConnections);
        Assert.Equal(DropReason.None, Receive(exchange, State(B, live: 6) with { Incarnation = 8 }, 1));
        Assert.Equal(6u, exchange.Candidates[1].LiveConnections);
    }

    [Fact]
    public void Only_a_member_from_its_own_address_is_heard()
    {
        var exchange = new LoadExchange(Members(), A, Options, 1, Instant.Zero);

        Assert.Equal(DropReason.NotMember, Receive(exchange, State(B), 1, from: LanAddress(C)));
        Assert.Equal(DropReason.NotMember, Receive(exchange, State(new(9)), 1, from: LanAddress(new(9))));
        Assert.Equal(DropReason.NotMember, Receive(exchange, State(A), 1));
        Assert.Equal(1, exchange.Candidates.Length);
    }

    [Fact]
    public void What_was_placed_counts_until_the_members_next_datagram()
    {
        var exchange = new LoadExchange(Members(), A, Options, 1, Instant.Zero);
        Receive(exchange, State(B, live: 5), 1);

        exchange.OnPlaced(B);
        exchange.OnPlaced(B);
        exchange.OnPlaced(A);
        exchange.OnPlaced(new(99));

        Assert.Equal([1u, 7u], exchange.Candidates.ToArray().Select(state => state.LiveConnections));
        Receive(exchange, State(B, live: 6), 2);
        Assert.Equal(6u, exchange.Candidates[1].LiveConnections);
    }

    [Fact]
    public void Own_state_cannot_change_who_this_node_is()
    {
        var exchange = new LoadExchange(Members(), B, Options, 5, Instant.Zero);

        exchange.OnOwnState(Instant.Zero, new(C, 99, 3, 0, 0, false, 77));

        Assert.Equal(new MemberState(B, 5, 3, 0, 0, false, 3), exchange.Own);
    }

    [Fact]
    public void A_view_does_not_change_once_it_was_given()
    {
        var exchange = new LoadExchange(Members(), A, Options, 1, Instant.Zero);
        var view = exchange.View;
        Receive(exchange, State(B), 1);

        Assert.Equal(MemberStatus.Unreachable, view.StatusOf(B));
        Assert.Equal(MemberStatus.Reachable, exchange.View.StatusOf(B));
        Assert.True(exchange.View.Epoch > view.Epoch);
        Assert.Same(exchange.View, exchange.View);
    }

    [Fact]
    public void The_exchange_allocates_nothing_while_nobody_asks_for_a_view()
    {
        var exchange = new LoadExchange(Members(), A, Options, 1, Instant.Zero);
        byte[] datagram = new byte[LoadDatagram.Length];
        int run = 0;
        Assert.Equal(0, Allocation.Steady(() =>
        {
            for (int end = run + 500; run < end; run++)
            {
                var now = new Instant(run * TimeSpan.TicksPerSecond / 4);
                new LoadDatagram(State(B), (ulong)(run + 1)).Write(datagram);
                exchange.OnOwnState(now, State(A, live: 3));
                exchange.OnDatagram(now, LanAddress(B), datagram);
                exchange.OnDeadline(now);
                while (exchange.TryEmit(datagram, out _, out _) || exchange.TryTakeEvent(out _))
                {
                }
            }
        }));
    }

    private static DropReason Receive(LoadExchange exchange, MemberState state, ulong sequence, InetAddress? from = null)
    {
        byte[] datagram = new byte[LoadDatagram.Length];
        new LoadDatagram(state, sequence).Write(datagram);
        return exchange.OnDatagram(Instant.Zero, from ?? LanAddress(state.Node), datagram);
    }
}
