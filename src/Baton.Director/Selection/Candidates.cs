using Baton.Wire;

namespace Baton.Director;

/// <summary>The candidates that take connections, by their number among those.</summary>
internal static class Candidates
{
    public static bool IsEligible(in MemberState state) => !state.Draining && state.Node != NodeId.None;

    public static int CountEligible(ReadOnlySpan<MemberState> candidates)
    {
        int count = 0;
        foreach (ref readonly var state in candidates)
        {
            count += IsEligible(in state) ? 1 : 0;
        }

        return count;
    }

    /// <summary>The eligible candidate number <paramref name="number"/>, which must exist.</summary>
    public static ref readonly MemberState Eligible(ReadOnlySpan<MemberState> candidates, int number)
    {
        int position = 0;
        while (!IsEligible(in candidates[position]) || number-- > 0)
        {
            position++;
        }

        return ref candidates[position];
    }

    /// <summary>Maps 32 random bits to 0 .. <paramref name="range"/> - 1 without a division (Lemire 2019, without rejection).</summary>
    public static uint Scale(uint random, uint range) => (uint)((ulong)random * range >> 32);
}
