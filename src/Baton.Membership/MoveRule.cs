using Baton.Wire;

namespace Baton.Membership;

/// <summary>Why connections are to move.</summary>
public enum MoveCause : byte
{
    /// <summary>The state of the source: it has too much load.</summary>
    SourceOverloaded,

    /// <summary>The state of the target: it has next to none.</summary>
    TargetIdle,
}

/// <summary>Move <paramref name="Connections"/> connections from this node to <paramref name="Target"/>.</summary>
public readonly record struct MoveProposal(NodeId Target, int Connections, MoveCause Cause);

/// <summary>
/// Says whether this node should pass connections on, by its own state and the others'. Asked now and then, it proposes;
/// the asker picks connections that have dwelt here long enough (<see cref="HasDwelt"/>), asks for their moves and
/// reports how many with <see cref="OnMoved"/>, which is what the rate limit counts. So that no storm of moves starts, at
/// most half of the difference to the target is proposed.
/// </summary>
public sealed class MoveRule
{
    private readonly MoveRuleOptions _options;

    // The rate limit's tokens in ticks of time: one move costs a second divided by the rate, and at most one second's
    // worth is saved up.
    private readonly long _cost;
    private Instant _spentUntil;

    /// <summary>A rule that may use its first second's moves at once.</summary>
    public MoveRule(MoveRuleOptions options, Instant now)
    {
        _options = options;
        _cost = TimeSpan.TicksPerSecond / options.MovesPerSecond;
        _spentUntil = now - TimeSpan.FromSeconds(1);
    }

    /// <summary>Whether a connection that came here (or was accepted) at <paramref name="since"/> may move already.</summary>
    public bool HasDwelt(Instant now, Instant since) => now - since >= _options.MinimumDwell;

    /// <summary>Proposes moves, or nothing.</summary>
    /// <param name="now">The time.</param>
    /// <param name="own">This node's state.</param>
    /// <param name="reachable">The reachable members' states; this node's among them is skipped.</param>
    public MoveProposal? Propose(Instant now, in MemberState own, ReadOnlySpan<MemberState> reachable)
    {
        if (own.Draining || !TryFindTarget(own.Node, reachable, out var target))
        {
            return null;
        }

        ulong here = LoadScore.Of(in own).Connections;
        ulong there = LoadScore.Of(in target).Connections;
        if (here < there + _options.MinimumGap || Cause(here, there) is not { } cause)
        {
            return null;
        }

        // A connection takes its share of the queues along, so few that are busy weigh as much as many that are idle.
        ulong wanted = (here - there) / 2 * own.LiveConnections / here;
        if (cause == MoveCause.SourceOverloaded)
        {
            ulong excess = here - _options.OverloadedAbove!.Value;
            wanted = Math.Min(wanted, (excess * own.LiveConnections + here - 1) / here);
        }

        int connections = (int)Math.Min(wanted, (ulong)Allowance(now));
        return connections == 0 ? null : new MoveProposal(target.Node, connections, cause);
    }

    /// <summary>Counts moves that were asked for.</summary>
    public void OnMoved(Instant now, int connections) =>
        _spentUntil = Earliest(now) + new TimeSpan(_cost * connections);

    private static bool TryFindTarget(NodeId self, ReadOnlySpan<MemberState> reachable, out MemberState target)
    {
        target = default;
        foreach (ref readonly var state in reachable)
        {
            if (state.Node != self
                && !state.Draining
                && (target.Node == NodeId.None || LoadScore.Of(in state) < LoadScore.Of(in target)))
            {
                target = state;
            }
        }

        return target.Node != NodeId.None;
    }

    private MoveCause? Cause(ulong here, ulong there) =>
        here > _options.OverloadedAbove ? MoveCause.SourceOverloaded
        : there <= _options.IdleUpTo ? MoveCause.TargetIdle
        : null;

    private long Allowance(Instant now) => Math.Max(0, (now - Earliest(now)).Ticks / _cost);

    private Instant Earliest(Instant now) => Instant.Max(_spentUntil, now - TimeSpan.FromSeconds(1));
}
