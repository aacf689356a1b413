using Baton.Wire;

namespace Baton.Director;

/// <summary>
/// All connections of one client address go to the same member, in proportion to the members' weights; when a member leaves
/// only its clients go elsewhere, when one comes only those that are its own now (highest random weight: Thaler and
/// Ravishankar, "Using name-based mappings to increase hit rates", 1998; with weights: Schindelhauer and Schomaker, 2005).
/// </summary>
/// <remarks>
/// Every node chooses alike, without a table that would have to be agreed on. The hash has no key: a client that has many
/// addresses can pick those of one member.
/// </remarks>
public sealed class Rendezvous : ISelectionPolicy
{
    /// <inheritdoc/>
    public NodeId Select(ReadOnlySpan<MemberState> candidates, in SelectionRequest request)
    {
        var client = request.Flow.Tuple.RemoteAddress;
        ulong name = Mix(client.High ^ Mix(client.Low));
        var chosen = NodeId.None;
        double best = double.NegativeInfinity;
        foreach (ref readonly var state in candidates)
        {
            if (!Candidates.IsEligible(in state) || state.Weight == 0)
            {
                continue;
            }

            // Uniform in (0, 1); -w/ln(u) is the larger of two with a probability in proportion to their weights.
            double uniform = ((Mix(name ^ state.Node.Value) >> 12) + 0.5) / (1UL << 52);
            double score = -state.Weight / Math.Log(uniform);
            if (score > best)
            {
                (best, chosen) = (score, state.Node);
            }
        }

        return chosen;
    }

    /// <summary>Spreads each bit over all: the finalizer of SplitMix64 (Steele, Lea and Flood, 2014).</summary>
    private static ulong Mix(ulong bits)
    {
        bits += 0x9E37_79B9_7F4A_7C15;
        bits = (bits ^ (bits >> 30)) * 0xBF58_476D_1CE4_E5B9;
        bits = (bits ^ (bits >> 27)) * 0x94D0_49BB_1331_11EB;
        return bits ^ (bits >> 31);
    }
}
