using System.Runtime.CompilerServices;
using Baton.Wire;

namespace Baton.Tcp;

/// <summary>
/// The SACK blocks of our ACKs (RFC 2018 §4): first the range with the latest segment, then those reported most
/// recently.
/// </summary>
internal sealed class SackReport
{
    /// <summary>Blocks remembered: one more header than fits is never needed.</summary>
    public const int Depth = TcpOptions.MaxSackBlocks;

    [InSnapshot(nameof(TcpSnapshot.SackHistory))]
    private Positions _recent;

    [InSnapshot(nameof(TcpSnapshot.SackHistory))]
    private int _count;

    [InSnapshot(nameof(TcpSnapshot.SackDuplicate))]
    private StreamRange _duplicate;

    /// <summary>What came twice and was not reported yet; empty: nothing.</summary>
    public StreamRange Duplicate => _duplicate;

    /// <summary>A position in each range reported, the latest first.</summary>
    public ReadOnlySpan<long> Recent => ((ReadOnlySpan<long>)_recent)[.._count];

    /// <summary>A segment at this position came ahead of a gap.</summary>
    public void OnAhead(long position, in RangeSet ahead)
    {
        if (!ahead.TryFind(position, out var latest))
        {
            return;
        }

        // Ranges that the latest has swallowed are reported as one.
        Positions kept = default;
        kept[0] = position;
        int count = 1;
        for (int i = 0; i < _count && count < Depth; i++)
        {
            if (ahead.TryFind(_recent[i], out var range) && range != latest)
            {
                kept[count++] = _recent[i];
            }
        }

        (_recent, _count) = (kept, count);
    }

    /// <summary>Something came twice: the next ACK says so, in its first block (RFC 2883 §4).</summary>
    public void OnDuplicate(long start, long end) => _duplicate = new(start, end);

    /// <summary>Adds the blocks to a header's options.</summary>
    public void Write(ref TcpOptions options, in RangeSet ahead, SeqNum irs)
    {
        if (_duplicate.Length > 0)
        {
            _ = options.TryAddSack(new(irs + (uint)_duplicate.Start, irs + (uint)_duplicate.End));
            _duplicate = default;
        }

        for (int i = 0; i < _count && ahead.Count > 0; i++)
        {
            if (ahead.TryFind(_recent[i], out var range))
            {
                _ = options.TryAddSack(new(irs + (uint)range.Start, irs + (uint)range.End));
            }
        }
    }

    /// <summary>Takes what a snapshot says.</summary>
    public void Restore(ReadOnlySpan<long> recent, StreamRange duplicate)
    {
        _duplicate = duplicate;
        _count = Math.Min(recent.Length, Depth);
        recent[.._count].CopyTo(_recent);
    }

    [InlineArray(Depth)]
    private struct Positions
    {
        private long _first;
    }
}
