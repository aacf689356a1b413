namespace Baton.Wire;

/// <summary>One count per <see cref="DropReason"/>. Written by one thread; others may read and see a recent value.</summary>
public sealed class DropCounters
{
    private static readonly DropReason[] Reasons = Enum.GetValues<DropReason>();
    private static readonly string[] Names = Array.ConvertAll(Reasons, static reason => Kebab(reason.ToString()));

    private readonly long[] _counts = new long[Reasons.Length];

    /// <summary>Every reason but <see cref="DropReason.None"/>, in the order of their numbers.</summary>
    public static ReadOnlySpan<DropReason> All => Reasons.AsSpan(1);

    /// <summary>How often <paramref name="reason"/> was counted.</summary>
    public long this[DropReason reason] => _counts[(int)reason];

    /// <summary>All drops.</summary>
    public long Total
    {
        get
        {
            long total = 0;
            foreach (long count in _counts)
            {
                total += count;
            }

            return total;
        }
    }

    /// <summary>The reason's name in listings and metrics, such as <c>tcp-bad-checksum</c>.</summary>
    public static string NameOf(DropReason reason) => Names[(int)reason];

    /// <summary>Counts one drop; <see cref="DropReason.None"/> is not counted.</summary>
    public void Count(DropReason reason)
    {
        if (reason != DropReason.None)
        {
            _counts[(int)reason]++;
        }
    }

    /// <summary>Adds another's counts, for totals over shards.</summary>
    public void Add(DropCounters other)
    {
        for (int i = 0; i < _counts.Length; i++)
        {
            _counts[i] += other._counts[i];
        }
    }

    /// <summary>The reasons that were counted, with their names.</summary>
    public IEnumerable<(DropReason Reason, string Name, long Count)> Counted()
    {
        for (int i = 1; i < _counts.Length; i++)
        {
            if (_counts[i] != 0)
            {
                yield return (Reasons[i], Names[i], _counts[i]);
            }
        }
    }

    private static string Kebab(string name) =>
        string.Concat(name.Select(static (c, i) => char.IsUpper(c) ? (i == 0 ? "" : "-") + char.ToLowerInvariant(c) : c.ToString()));
}
