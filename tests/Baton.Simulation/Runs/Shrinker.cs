using System.Numerics;

namespace Baton.Simulation;

/// <summary>
/// Makes a failing seed shorter: as few strikes, flows and moves as it still fails with. Each is lessened with the others as
/// they are by then, until none can be.
/// </summary>
internal static class Shrinker
{
    // More than any seed has.
    private const int MostFlows = 64, MostMoves = 256;
    private const uint AllStrikes = 0xFF;

    /// <summary>Shortens.</summary>
    /// <param name="run">Runs the seed with something left out, and says whether it fails.</param>
    /// <returns>What is to be left out; null when the whole seed does not fail.</returns>
    public static RunLimits? Shrink(Func<RunLimits, bool> run)
    {
        var shortest = new RunLimits(MostFlows, MostMoves, AllStrikes);
        if (!run(shortest))
        {
            return null;
        }

        RunLimits before;
        do
        {
            before = shortest;
            for (uint left = shortest.Strikes; left != 0; left &= left - 1)
            {
                var fewer = shortest with { Strikes = shortest.Strikes & ~(1u << BitOperations.TrailingZeroCount(left)) };
                shortest = run(fewer) ? fewer : shortest;
            }

            shortest = shortest with { Flows = Least(1, shortest.Flows, flows => run(shortest with { Flows = flows })) };
            shortest = shortest with { Moves = Least(0, shortest.Moves, moves => run(shortest with { Moves = moves })) };
        }
        while (shortest != before);

        return shortest;
    }

    /// <summary>The first of <paramref name="from"/>, and twice as many each time, that fails; then, one by one, fewer.</summary>
    private static int Least(int from, int to, Func<int, bool> fails)
    {
        int least = from;
        while (least < to && !fails(least))
        {
            least = Math.Min(to, Math.Max(1, 2 * least));
        }

        while (least > from && fails(least - 1))
        {
            least--;
        }

        return least;
    }
}
