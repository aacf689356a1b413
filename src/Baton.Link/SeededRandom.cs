namespace Baton.Link;

/// <summary>
/// Random values that are the same for the same seed on every machine and runtime: SplitMix64 (Steele, Lea, Flood:
/// "Fast splittable pseudorandom number generators", 2014). Not for secrets.
/// </summary>
public sealed class SeededRandom(ulong seed)
{
    private ulong _state = seed;

    /// <summary>64 random bits.</summary>
    public ulong NextUInt64()
    {
        ulong z = _state += 0x9E37_79B9_7F4A_7C15;
        z = (z ^ (z >> 30)) * 0xBF58_476D_1CE4_E5B9;
        z = (z ^ (z >> 27)) * 0x94D0_49BB_1331_11EB;
        return z ^ (z >> 31);
    }

    /// <summary>A number from 0 (included) to 1 (excluded).</summary>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));

    /// <summary>A number from 0 to <paramref name="bound"/> - 1; 0 when the bound is not positive.</summary>
    public long Next(long bound) => bound <= 0 ? 0 : (long)Math.BigMul(NextUInt64(), (ulong)bound, out _);

    /// <summary>True with the given probability; draws nothing when it is 0.</summary>
    public bool Chance(double probability) => probability > 0 && NextDouble() < probability;

    /// <summary>A generator of its own, seeded by this one.</summary>
    public SeededRandom Split() => new(NextUInt64());
}
