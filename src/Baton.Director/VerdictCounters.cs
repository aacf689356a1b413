using System.Runtime.CompilerServices;
using Baton.Wire;

namespace Baton.Director;

/// <summary>How often each verdict was given.</summary>
public struct VerdictCounters
{
    private Counts _counts;

    /// <summary>The verdicts of one kind so far.</summary>
    public readonly long this[VerdictKind kind] => _counts[(int)kind];

    internal void Count(VerdictKind kind) => _counts[(int)kind]++;

    [InlineArray(3)]
    private struct Counts
    {
        private long _first;
    }
}
