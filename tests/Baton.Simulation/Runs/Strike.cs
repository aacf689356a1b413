using Baton.Link;

namespace Baton.Simulation;

/// <summary>What happens to nodes and to the lan in a run, beyond what the cables do.</summary>
internal enum StrikeKind
{
    /// <summary>A node is killed and started anew with no memory.</summary>
    Restart,

    /// <summary>A node is killed, and another one takes its addresses; it may come back later.</summary>
    Takeover,

    /// <summary>Two nodes are killed at once and started anew.</summary>
    TwoRestarts,

    /// <summary>Two nodes do not hear each other.</summary>
    Cut,

    /// <summary>One node does not hear another, which hears it.</summary>
    OneWayCut,

    /// <summary>A node is cut off from all others.</summary>
    Isolation,

    /// <summary>A node gives its endpoints and its addresses away, and may exit.</summary>
    Drain,
}

/// <summary>One of them.</summary>
/// <param name="Kind">What.</param>
/// <param name="Node">Whom it hits: an index.</param>
/// <param name="Other">The second node that has part in it: another index.</param>
/// <param name="Pause">How long after the last one is healed.</param>
/// <param name="Length">How long until the node is started anew, or the cable is in again.</param>
/// <param name="Returns">Whether who was replaced comes back; whether who was drained exits.</param>
/// <param name="TakesBack">Whether it then asks for its addresses.</param>
internal sealed record Strike(StrikeKind Kind, int Node, int Other, TimeSpan Pause, TimeSpan Length, bool Returns, bool TakesBack)
{
    // A home writes a member off that was unreachable for four leases, here 9.6 s.
    private const int LongAtLeast = 12_000;
    private const int LongAtMost = 16_000;

    /// <summary>Those of a scenario: one to three, one after the other.</summary>
    public static IReadOnlyList<Strike> Draw(SeededRandom random, int nodes)
    {
        var strikes = new List<Strike>();
        for (long left = 1 + random.Next(3); left > 0; left--)
        {
            var kind = (StrikeKind)random.Next(Enum.GetValues<StrikeKind>().Length);
            int node = (int)random.Next(nodes);
            int other = (node + 1 + (int)random.Next(nodes - 1)) % nodes;
            bool cut = kind is StrikeKind.Cut or StrikeKind.OneWayCut or StrikeKind.Isolation;
            var length = cut && random.Chance(0.1)
                ? TimeSpan.FromMilliseconds(LongAtLeast + random.Next(LongAtMost - LongAtLeast))
                : TimeSpan.FromMilliseconds((1 << (int)random.Next(13)) * (0.5 + random.NextDouble()));
            var pause = TimeSpan.FromMicroseconds(2000 + random.Next(60_000));
            strikes.Add(new(kind, node, other, pause, length, random.Chance(0.5), random.Chance(0.5)));
        }

        return strikes;
    }
}
