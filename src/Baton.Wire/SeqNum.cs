namespace Baton.Wire;

/// <summary>A TCP sequence number: arithmetic and order are modulo 2^32 (RFC 9293 §3.4).</summary>
/// <param name="Value">The number as it stands in the header, 0 to 2^32 - 1.</param>
public readonly record struct SeqNum(uint Value)
{
    /// <summary>The number <paramref name="bytes"/> further on.</summary>
    public static SeqNum operator +(SeqNum left, uint bytes) => new(left.Value + bytes);

    /// <summary>The number <paramref name="bytes"/> further on (or back, when negative).</summary>
    public static SeqNum operator +(SeqNum left, int bytes) => new(left.Value + (uint)bytes);

    /// <summary>The number <paramref name="bytes"/> earlier.</summary>
    public static SeqNum operator -(SeqNum left, int bytes) => new(left.Value - (uint)bytes);

    /// <summary>The signed distance from <paramref name="right"/> to <paramref name="left"/>, right when they are less than 2^31 apart.</summary>
    public static int operator -(SeqNum left, SeqNum right) => (int)(left.Value - right.Value);

    /// <summary>Whether <paramref name="left"/> comes before <paramref name="right"/>.</summary>
    public static bool operator <(SeqNum left, SeqNum right) => left - right < 0;

    /// <summary>Whether <paramref name="left"/> comes after <paramref name="right"/>.</summary>
    public static bool operator >(SeqNum left, SeqNum right) => left - right > 0;

    /// <summary>Whether <paramref name="left"/> comes before <paramref name="right"/> or is equal to it.</summary>
    public static bool operator <=(SeqNum left, SeqNum right) => left - right <= 0;

    /// <summary>Whether <paramref name="left"/> comes after <paramref name="right"/> or is equal to it.</summary>
    public static bool operator >=(SeqNum left, SeqNum right) => left - right >= 0;

    /// <summary>The later of two numbers.</summary>
    public static SeqNum Max(SeqNum a, SeqNum b) => a > b ? a : b;

    /// <summary>The earlier of two numbers.</summary>
    public static SeqNum Min(SeqNum a, SeqNum b) => a < b ? a : b;

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
