namespace Baton.Tcp;

/// <summary>Stream positions from <paramref name="Start"/> up to but not including <paramref name="End"/>.</summary>
public readonly record struct StreamRange(long Start, long End)
{
    /// <summary>Positions in the range.</summary>
    public readonly long Length => End - Start;
}

/// <summary>
/// Disjoint, ascending ranges that do not touch, at most <see cref="MaxRanges"/>: what was received, or acknowledged
/// selectively, beyond a gap. An insertion costs a binary search and a shift of at most that many.
/// </summary>
internal struct RangeSet
{
    /// <summary>
    /// Bound on the ranges. A gap per loss: with 64 the set holds a 4 MiB window in which every 45th full-size segment is
    /// missing; beyond it segments are dropped as if lost.
    /// </summary>
    public const int MaxRanges = 64;

    [NotInSnapshot("the owner of the set says where it goes")]
    private StreamRange[]? _ranges;

    [NotInSnapshot("the owner of the set says where it goes")]
    private int _count;

    [NotInSnapshot("derived: the sum of the ranges' lengths")]
    private int _total;

    /// <summary>Number of ranges.</summary>
    public readonly int Count => _count;

    /// <summary>Positions in all ranges.</summary>
    public readonly long Total => _total;

    /// <summary>The ranges in ascending order.</summary>
    public readonly ReadOnlySpan<StreamRange> Ranges => _ranges.AsSpan(0, _count);

    /// <summary>The end of the last range, or 0.</summary>
    public readonly long End => _count == 0 ? 0 : _ranges![_count - 1].End;

    /// <summary>Adds a range, joining those it overlaps or touches; false when that would be one too many.</summary>
    public bool TryAdd(long start, long end)
    {
        // [first, last) are the ranges that overlap or touch the new one.
        int first = FirstEndingAtOrAfter(start);
        int last = first;
        long added = end - start;
        while (last < _count && _ranges![last].Start <= end)
        {
            added -= Math.Max(0, Math.Min(end, _ranges![last].End) - Math.Max(start, _ranges![last].Start));
            last++;
        }

        if (first == last)
        {
            if (_count == MaxRanges)
            {
                return false;
            }

            Grow();
            Array.Copy(_ranges!, first, _ranges!, first + 1, _count - first);
            _ranges![first] = new(start, end);
            _count++;
        }
        else
        {
            _ranges![first] = new(Math.Min(start, _ranges![first].Start), Math.Max(end, _ranges![last - 1].End));
            Remove(first + 1, last - first - 1);
        }

        _total += (int)added;
        return true;
    }

    /// <summary>Forgets everything below a position.</summary>
    public void RemoveBelow(long position)
    {
        int gone = 0;
        while (gone < _count && _ranges![gone].End <= position)
        {
            _total -= (int)_ranges![gone++].Length;
        }

        Remove(0, gone);
        if (_count > 0 && _ranges![0].Start < position)
        {
            _total -= (int)(position - _ranges![0].Start);
            _ranges![0] = new(position, _ranges![0].End);
        }
    }

    /// <summary>Whether a position is in a range, and which range.</summary>
    public readonly bool TryFind(long position, out StreamRange range)
    {
        int index = FirstEndingAtOrAfter(position + 1);
        range = index < _count ? _ranges![index] : default;
        return index < _count && range.Start <= position;
    }

    /// <summary>The first range that ends beyond a position, if any.</summary>
    public readonly bool TryFindNext(long position, out StreamRange range)
    {
        int index = FirstEndingAtOrAfter(position + 1);
        range = index < _count ? _ranges![index] : default;
        return index < _count;
    }

    /// <summary>Positions in ranges at or beyond a position.</summary>
    public readonly long TotalFrom(long position)
    {
        long total = 0;
        for (int i = FirstEndingAtOrAfter(position + 1); i < _count; i++)
        {
            total += _ranges![i].End - Math.Max(position, _ranges![i].Start);
        }

        return total;
    }

    /// <summary>Forgets all ranges.</summary>
    public void Clear() => (_count, _total) = (0, 0);

    private readonly int FirstEndingAtOrAfter(long position)
    {
        int low = 0;
        int high = _count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_ranges![middle].End < position)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    private void Remove(int index, int count)
    {
        if (count > 0)
        {
            Array.Copy(_ranges!, index + count, _ranges!, index, _count - index - count);
            _count -= count;
        }
    }

    private void Grow()
    {
        if (_ranges is null || _count == _ranges.Length)
        {
            Array.Resize(ref _ranges, _count == 0 ? 8 : _count * 2);
        }
    }
}
