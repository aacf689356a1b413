using Baton.Link;

namespace Baton.Engine.Tests;

/// <summary>Alters bytes as somebody would who does not know what they mean, or as a bad cable does.</summary>
internal static class Mutation
{
    /// <summary>A number from 0 on.</summary>
    public static int Below(this SeededRandom random, int limit) => (int)random.Next(limit);

    /// <summary>Flips one to eight bits.</summary>
    public static void Flip(SeededRandom random, Span<byte> bytes)
    {
        for (int flips = 1 + random.Below(8); flips > 0 && !bytes.IsEmpty; flips--)
        {
            bytes[random.Below(bytes.Length)] ^= (byte)(1 << random.Below(8));
        }
    }

    /// <summary>Fills with what has no meaning.</summary>
    public static void Fill(SeededRandom random, Span<byte> bytes)
    {
        for (int i = 0; i < bytes.Length; i++)
        {
            bytes[i] = (byte)random.NextUInt64();
        }
    }

    /// <summary>Of several bytes the same somewhere, numbers at their limits: what decoders stumble over.</summary>
    public static void Overwrite(SeededRandom random, Span<byte> bytes)
    {
        if (!bytes.IsEmpty)
        {
            int at = random.Below(bytes.Length);
            bytes.Slice(at, Math.Min(1 + random.Below(8), bytes.Length - at)).Fill(random.Below(2) == 0 ? (byte)0 : (byte)0xFF);
        }
    }
}
