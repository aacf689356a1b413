using Baton.Wire;

namespace Baton.Handoff;

/// <summary>Who is home of a service address. Of two claims the one with the higher incarnation counts.</summary>
/// <param name="Address">The service address.</param>
/// <param name="Home">The node; none while nobody has claimed it.</param>
/// <param name="Incarnation">The number of its time as home.</param>
public readonly record struct HomeClaim(InetAddress Address, NodeId Home, HomeIncarnation Incarnation)
{
    /// <summary>
    /// Whether this one counts and not <paramref name="other"/>. Two nodes may have claimed with the same number while they
    /// could not hear each other (an operator forced it): the higher node wins, the same everywhere.
    /// </summary>
    public bool IsNewerThan(in HomeClaim other) =>
        Incarnation > other.Incarnation || (Incarnation == other.Incarnation && Home.Value > other.Home.Value);

    internal ulong Hash
    {
        get
        {
            ulong hash = Mix(Incarnation.Value ^ 0x9E37_79B9_7F4A_7C15);
            hash = Mix(hash ^ Home.Value);
            hash = Mix(hash ^ Address.Low);
            return Mix(hash ^ Address.High);
        }
    }

    // SplitMix64's finalizer (Steele, Lea, Flood 2014).
    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58_476D_1CE4_E5B9;
        z = (z ^ (z >> 27)) * 0x94D0_49BB_1331_11EB;
        return z ^ (z >> 31);
    }
}
