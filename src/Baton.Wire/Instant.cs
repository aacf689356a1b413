namespace Baton.Wire;

/// <summary>
/// A moment on the caller's monotonic clock. Pure layers never read a clock: they are told the time with each call, so
/// that a whole farm can run in virtual time.
/// </summary>
/// <param name="Ticks">Ticks of 100 ns (as <see cref="TimeSpan.Ticks"/>) since an origin of the clock's own.</param>
public readonly record struct Instant(long Ticks) : IComparable<Instant>
{
    /// <summary>The clock's origin.</summary>
    public static Instant Zero => default;

    /// <summary>Later than any moment: "no deadline".</summary>
    public static Instant Never => new(long.MaxValue);

    /// <summary>The earlier of two moments.</summary>
    public static Instant Min(Instant a, Instant b) => a.Ticks < b.Ticks ? a : b;

    /// <summary>The later of two moments.</summary>
    public static Instant Max(Instant a, Instant b) => a.Ticks > b.Ticks ? a : b;

    /// <summary>The moment <paramref name="duration"/> later; <see cref="Never"/> stays so.</summary>
    public static Instant operator +(Instant instant, TimeSpan duration) =>
        instant == Never ? Never : new(instant.Ticks + duration.Ticks);

    /// <summary>The moment <paramref name="duration"/> earlier; <see cref="Never"/> stays so.</summary>
    public static Instant operator -(Instant instant, TimeSpan duration) =>
        instant == Never ? Never : new(instant.Ticks - duration.Ticks);

    /// <summary>The time from <paramref name="right"/> to <paramref name="left"/>.</summary>
    public static TimeSpan operator -(Instant left, Instant right) => new(left.Ticks - right.Ticks);

    /// <summary>Whether <paramref name="left"/> is earlier.</summary>
    public static bool operator <(Instant left, Instant right) => left.Ticks < right.Ticks;

    /// <summary>Whether <paramref name="left"/> is later.</summary>
    public static bool operator >(Instant left, Instant right) => left.Ticks > right.Ticks;

    /// <summary>Whether <paramref name="left"/> is earlier or the same.</summary>
    public static bool operator <=(Instant left, Instant right) => left.Ticks <= right.Ticks;

    /// <summary>Whether <paramref name="left"/> is later or the same.</summary>
    public static bool operator >=(Instant left, Instant right) => left.Ticks >= right.Ticks;

    /// <inheritdoc/>
    public int CompareTo(Instant other) => Ticks.CompareTo(other.Ticks);

    /// <inheritdoc/>
    public override string ToString() =>
        this == Never ? "never" : new TimeSpan(Ticks).TotalSeconds.ToString("0.000000", System.Globalization.CultureInfo.InvariantCulture) + "s";
}
