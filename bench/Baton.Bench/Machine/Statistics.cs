namespace Baton.Bench.Machine;

/// <summary>Order statistics of a few values.</summary>
internal static class Statistics
{
    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length == 0 ? double.NaN
            : sorted.Length % 2 == 1 ? sorted[sorted.Length / 2]
            : (sorted[sorted.Length / 2 - 1] + sorted[sorted.Length / 2]) / 2;
    }

    /// <summary>The value that a share of all values does not exceed; sorts them.</summary>
    public static double Percentile(Span<long> values, double share)
    {
        values.Sort();
        return values.IsEmpty ? double.NaN : values[Math.Min(values.Length - 1, (int)(values.Length * share))];
    }
}
