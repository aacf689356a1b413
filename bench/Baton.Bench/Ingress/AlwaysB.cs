using Baton.Director;
using Baton.Wire;

namespace Baton.Bench.Ingress;

/// <summary>Every connection is node b's.</summary>
internal sealed class AlwaysB : ISelectionPolicy
{
    private static readonly NodeId s_b = new(2);

    public NodeId Select(ReadOnlySpan<MemberState> candidates, in SelectionRequest request)
    {
        foreach (ref readonly var state in candidates)
        {
            if (state.Node == s_b)
            {
                return s_b;
            }
        }

        return NodeId.None;
    }
}
