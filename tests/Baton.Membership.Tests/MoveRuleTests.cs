using Baton.Wire;
using static Baton.Membership.Tests.Farm;

namespace Baton.Membership.Tests;

/// <summary>Whether to pass connections on depends on the state of the source or of the target.</summary>
public sealed class MoveRuleTests
{
    private static readonly MoveRuleOptions s_options = new()
    {
        OverloadedAbove = 100,
        IdleUpTo = 5,
        MinimumGap = 10,
        MovesPerSecond = 20,
        MinimumDwell = TimeSpan.FromSeconds(10),
    };

    [Fact]
    public void An_overloaded_source_gives_to_the_least_loaded()
    {
        var proposal = Rule().Propose(At(0), State(A, live: 110), [State(A, live: 110), State(B, live: 60), State(C, live: 50)]);

        Assert.Equal(new MoveProposal(C, 10, MoveCause.SourceOverloaded), proposal);
    }

    [Fact]
    public void An_idle_target_is_given_half_of_the_difference()
    {
        var proposal = Rule().Propose(At(0), State(A, live: 30), [State(B, live: 20), State(C, live: 4)]);

        Assert.Equal(new MoveProposal(C, 13, MoveCause.TargetIdle), proposal);
    }

    [Fact]
    public void With_neither_nothing_moves() =>
        Assert.Null(Rule().Propose(At(0), State(A, live: 90), [State(B, live: 20), State(C, live: 6)]));

    [Fact]
    public void Without_thresholds_nothing_moves() =>
        Assert.Null(new MoveRule(new MoveRuleOptions(), At(0)).Propose(At(0), State(A, live: 10_000), [State(B)]));

    [Fact]
    public void Nothing_moves_for_less_than_the_gap_nor_from_a_draining_node_nor_to_one_nor_without_others()
    {
        Assert.Null(Rule().Propose(At(0), State(A, live: 110), [State(B, live: 101)]));
        Assert.Null(Rule().Propose(At(0), State(A, live: 9), [State(B, live: 0)]));
        Assert.Null(Rule().Propose(At(0), State(A, live: 110) with { Draining = true }, [State(B)]));
        Assert.Null(Rule().Propose(At(0), State(A, live: 110), [State(B) with { Draining = true }]));
        Assert.Null(Rule().Propose(At(0), State(A, live: 110), [State(A, live: 110)]));
        Assert.Null(Rule().Propose(At(0), State(A, live: 110), []));
    }

    [Fact]
    public void Busy_connections_weigh_more_and_so_fewer_are_proposed()
    {
        // The load is the processor's: half of it is one of the two connections that cause it.
        var busy = State(A, live: 2) with { CpuPermille = 4000 };

        Assert.Equal(1, Rule().Propose(At(0), busy, [State(B)])?.Connections);
        Assert.Null(Rule().Propose(At(0), busy with { LiveConnections = 0 }, [State(B)]));
    }

    [Fact]
    public void The_rate_is_limited_whatever_the_need()
    {
        var rule = Rule();
        MemberState[] others = [State(B)];
        var own = State(A, live: 10_000);
        Assert.Equal(20, rule.Propose(At(0), own, others)?.Connections);
        rule.OnMoved(At(0), 20);
        Assert.Null(rule.Propose(At(0), own, others));
        Assert.Equal(10, rule.Propose(At(0.5), own, others)?.Connections);

        // What was proposed but not moved costs nothing, and a long rest saves up no more than a second's worth.
        Assert.Equal(20, rule.Propose(At(100), own, others)?.Connections);
        int moved = 0;
        for (int tenth = 1000; tenth < 1100; tenth++)
        {
            int now = rule.Propose(At(tenth / 10.0), own, others)?.Connections ?? 0;
            rule.OnMoved(At(tenth / 10.0), now);
            moved += now;
        }

        Assert.InRange(moved, 20 + (20 * 9), 20 + (20 * 10));
    }

    [Fact]
    public void Moves_back_and_forth_come_to_rest()
    {
        var rules = new[] { Rule(), Rule() };
        uint[] live = [200, 0];
        for (int second = 0; second < 100; second++)
        {
            for (int node = 0; node < 2; node++)
            {
                var own = State(node == 0 ? A : B, live[node]);
                if (rules[node].Propose(At(second), own, [State(node == 0 ? B : A, live[1 - node])]) is { } proposal)
                {
                    Assert.Equal(0, node);
                    rules[node].OnMoved(At(second), proposal.Connections);
                    live[node] -= (uint)proposal.Connections;
                    live[1 - node] += (uint)proposal.Connections;
                }
            }
        }

        Assert.Equal([100u, 100u], live);
    }

    [Fact]
    public void A_connection_dwells_before_it_moves_again()
    {
        Assert.False(Rule().HasDwelt(At(14.9), since: At(5)));
        Assert.True(Rule().HasDwelt(At(15), since: At(5)));
    }

    private static MoveRule Rule() => new(s_options, At(0));

    private static Instant At(double seconds) => Instant.Zero + TimeSpan.FromSeconds(seconds);
}
