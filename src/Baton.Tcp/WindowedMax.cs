namespace Baton.Tcp;

/// <summary>
/// The largest value of the last so many rounds, kept as the three best of successively later parts of that window
/// (Kathleen Nichols' filter): exact when values rise, a little late when they fall.
/// </summary>
internal struct WindowedMax
{
    [InSnapshot(nameof(TcpSnapshot.CongestionDetails))]
    private Entry _best;

    [InSnapshot(nameof(TcpSnapshot.CongestionDetails))]
    private Entry _second;

    [InSnapshot(nameof(TcpSnapshot.CongestionDetails))]
    private Entry _third;

    /// <summary>The largest value, or 0 before any.</summary>
    public readonly double Best => _best.Value;

    /// <summary>A value of a round.</summary>
    public void Add(double value, long round, int window)
    {
        var entry = new Entry(value, round);
        if (value >= _best.Value || round - _third.Round > window)
        {
            (_best, _second, _third) = (entry, entry, entry);
            return;
        }

        if (value >= _second.Value)
        {
            (_second, _third) = (entry, entry);
        }
        else if (value >= _third.Value)
        {
            _third = entry;
        }

        if (round - _best.Round > window)
        {
            (_best, _second, _third) = (_second, _third, entry);
            if (round - _best.Round > window)
            {
                (_best, _second) = (_second, _third);
            }
        }
        else if (_second.Round == _best.Round && round - _best.Round > window / 4)
        {
            (_second, _third) = (entry, entry);
        }
        else if (_third.Round == _second.Round && round - _second.Round > window / 2)
        {
            _third = entry;
        }
    }

    /// <summary>The values and ages for a snapshot.</summary>
    public readonly long[] Details(long round) =>
        [(long)_best.Value, round - _best.Round, (long)_second.Value, round - _second.Round, (long)_third.Value, round - _third.Round];

    /// <summary>Takes what a snapshot says, at round 0.</summary>
    public void Restore(ref DetailReader details)
    {
        _best = Read(ref details);
        _second = Read(ref details);
        _third = Read(ref details);
    }

    private static Entry Read(ref DetailReader details) => new(details.Next(0, 1L << 50), -details.Next(0, 1000));

    private readonly record struct Entry(double Value, long Round);
}
