using Baton.Wire;

namespace Baton.Director;

/// <summary>
/// The less loaded of two members drawn at random (Mitzenmacher, "The power of two choices", 2001): almost as even as
/// asking everybody, and members whose states are a little old do not send everything to the same one.
/// </summary>
public sealed class LeastOfTwo : ISelectionPolicy
{
    /// <inheritdoc/>
    public NodeId Select(ReadOnlySpan<MemberState> candidates, in SelectionRequest request)
    {
        uint eligible = (uint)Candidates.CountEligible(candidates);
        if (eligible == 0)
        {
            return NodeId.None;
        }

        uint first = Candidates.Scale((uint)request.Random, eligible);
        ref readonly var one = ref Candidates.Eligible(candidates, (int)first);
        if (eligible == 1)
        {
            return one.Node;
        }

        uint second = (first + 1 + Candidates.Scale((uint)(request.Random >> 32), eligible - 1)) % eligible;
        ref readonly var other = ref Candidates.Eligible(candidates, (int)second);
        return LoadScore.Of(in other) < LoadScore.Of(in one) ? other.Node : one.Node;
    }
}
