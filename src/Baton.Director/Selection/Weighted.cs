using Baton.Wire;

namespace Baton.Director;

/// <summary>A member at random, each with a probability in proportion to its configured weight.</summary>
public sealed class Weighted : ISelectionPolicy
{
    /// <inheritdoc/>
    public NodeId Select(ReadOnlySpan<MemberState> candidates, in SelectionRequest request)
    {
        uint total = 0;
        foreach (ref readonly var state in candidates)
        {
            total += Candidates.IsEligible(in state) ? state.Weight : 0u;
        }

        if (total == 0)
        {
            return NodeId.None;
        }

        uint ticket = Candidates.Scale((uint)request.Random, total);
        foreach (ref readonly var state in candidates)
        {
            uint weight = Candidates.IsEligible(in state) ? state.Weight : 0u;
            if (ticket < weight)
            {
                return state.Node;
            }

            ticket -= weight;
        }

        return NodeId.None;
    }
}
