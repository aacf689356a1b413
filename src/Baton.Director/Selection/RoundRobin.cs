using Baton.Wire;

namespace Baton.Director;

/// <summary>One member after the other, in the order of their numbers.</summary>
public sealed class RoundRobin : ISelectionPolicy
{
    private NodeId _last;

    /// <inheritdoc/>
    public NodeId Select(ReadOnlySpan<MemberState> candidates, in SelectionRequest request)
    {
        var lowest = NodeId.None;
        var next = NodeId.None;
        foreach (ref readonly var state in candidates)
        {
            if (!Candidates.IsEligible(in state))
            {
                continue;
            }

            lowest = Lower(lowest, state.Node);
            next = state.Node.CompareTo(_last) > 0 ? Lower(next, state.Node) : next;
        }

        _last = next != NodeId.None ? next : lowest;
        return _last;
    }

    private static NodeId Lower(NodeId known, NodeId node) =>
        known == NodeId.None || node.CompareTo(known) < 0 ? node : known;
}
