using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Baton.Wire;

namespace Baton.Tcp;

/// <summary>What is known of a part of the stream in flight.</summary>
[Flags]
public enum SentMarks : byte
{
    /// <summary>Sent once.</summary>
    None = 0,

    /// <summary>Sent more than once, or its transmission lies before a move: which one an ACK speaks of cannot be told.</summary>
    Again = 1,

    /// <summary>Taken as lost and not sent again yet.</summary>
    Lost = 2,

    /// <summary>Both.</summary>
    All = Again | Lost,
}

/// <summary>A part of the stream in flight that was sent at one time; it begins where the one before ends.</summary>
/// <param name="End">The position after it.</param>
/// <param name="At">When it was last sent (RFC 8985 §5.2, Segment.xmit_ts).</param>
/// <param name="Marks">What is known of it.</param>
internal readonly record struct SentPart(long End, Instant At, SentMarks Marks)
{
    /// <summary>When the first of it was last sent: what has arrived of it says nothing about what was sent later than this.</summary>
    public Instant Since { get; init; } = At;
}

/// <summary>
/// When each part of the stream in flight was last sent, by position (RFC 8985 §5.2). What was sent at nearly the same
/// time is one part; at most <see cref="MaxParts"/> are kept, by joining neighbours of the same marks, which then count as
/// sent at the later time: losses in them are found later, never too early. With nothing in flight it holds no memory.
/// </summary>
internal struct SentLog
{
    /// <summary>Bound on the parts: with the joining of what was sent within 1/64 of a round trip, several round trips' worth.</summary>
    public const int MaxParts = 256;

    private const int MinCapacity = 16;

    [InSnapshot(nameof(TcpSnapshot.Sent))]
    private SentPart[]? _parts;

    [InSnapshot(nameof(TcpSnapshot.Sent))]
    private SentPart _only;

    [NotInSnapshot("memory: where in it the parts stand")]
    private int _first;

    [InSnapshot(nameof(TcpSnapshot.Sent))]
    private int _count;

    [NotInSnapshot("SND.UNA")]
    private long _start;

    [NotInSnapshot("derived from the parts' marks")]
    private int _lostParts;

    /// <summary>The parts, ascending.</summary>
    [UnscopedRef]
    public ReadOnlySpan<SentPart> Parts => Slots.Slice(_first, _count);

    /// <summary>Memory for parts: a single one stands in the log itself, as between request and response.</summary>
    [UnscopedRef]
    private Span<SentPart> Slots => _parts is null ? MemoryMarshal.CreateSpan(ref _only, 1) : _parts;

    /// <summary>Where the first part begins.</summary>
    public readonly long Start => _start;

    /// <summary>Whether anything is taken as lost and was not sent again.</summary>
    public readonly bool HasLost => _lostParts > 0;

    /// <summary>Bytes of memory held.</summary>
    public readonly int Capacity => _parts?.Length ?? 0;

    /// <summary>The part that begins at or before a position and ends after it; -1 if it is not in flight.</summary>
    public int IndexOf(long position)
    {
        if (_count == 0 || position < _start || position >= Slots[_first + _count - 1].End)
        {
            return -1;
        }

        int low = 0;
        int high = _count - 1;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (Slots[_first + middle].End <= position)
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

    /// <summary>Where a part begins.</summary>
    public long StartOf(int index) => index == 0 ? _start : Slots[_first + index - 1].End;

    /// <summary>Where the last segment before SND.NXT began, as it was cut from what was sent at once.</summary>
    public long LastSegment(long nxt, int mss)
    {
        long whole = nxt - StartOf(_count - 1);
        return nxt - (whole % mss == 0 ? Math.Min(mss, whole) : whole % mss);
    }

    /// <summary>New sequence space up to <paramref name="end"/> was sent; within <paramref name="grain"/> of the last part's beginning it joins it.</summary>
    public void OnSent(long start, long end, Instant now, TimeSpan grain)
    {
        if (_count == 0)
        {
            _start = start;
        }
        else
        {
            ref var last = ref Slots[_first + _count - 1];
            if (last.Marks == SentMarks.None && now - last.Since <= grain)
            {
                last = last with { End = end, At = now };
                return;
            }
        }

        MakeRoom(1);
        Slots[_first + _count++] = new(end, now, SentMarks.None);
    }

    /// <summary>A range was sent again.</summary>
    public void OnResent(long start, long end, Instant now) => Change(start, end, now);

    /// <summary>A range is taken as lost.</summary>
    public void MarkLost(long start, long end) => Change(start, end, null);

    /// <summary>Nothing is taken as lost any more.</summary>
    public void ForgetLost()
    {
        for (int i = 0; _lostParts > 0 && i < _count; i++)
        {
            ref var part = ref Slots[_first + i];
            _lostParts -= (part.Marks & SentMarks.Lost) != 0 ? 1 : 0;
            part = part with { Marks = part.Marks & ~SentMarks.Lost };
        }
    }

    /// <summary>Everything below a position is acknowledged.</summary>
    public void RemoveBelow(long position)
    {
        int gone = 0;
        while (gone < _count && Slots[_first + gone].End <= position)
        {
            _lostParts -= (Slots[_first + gone++].Marks & SentMarks.Lost) != 0 ? 1 : 0;
        }

        (_first, _count) = (_first + gone, _count - gone);
        _start = Math.Max(_start, position);
        if (_count == 0)
        {
            Release();
        }
    }

    /// <summary>Gives the memory back: nothing is in flight.</summary>
    public void Release()
    {
        if (_parts is not null)
        {
            ArrayPool<SentPart>.Shared.Return(_parts);
            _parts = null;
        }

        (_first, _count, _lostParts) = (0, 0, 0);
    }

    /// <summary>Time went by that the connection did not see: round trips across it cannot be measured.</summary>
    public void Postpone(TimeSpan by)
    {
        for (int i = _first; i < _first + _count; i++)
        {
            Slots[i] = Slots[i] with { At = Slots[i].At + by, Since = Slots[i].Since + by, Marks = Slots[i].Marks | SentMarks.Again };
        }
    }

    /// <summary>Takes what a snapshot says.</summary>
    public void Restore(long start, ReadOnlySpan<SentAge> parts, Instant now)
    {
        _start = start;
        foreach (var part in parts)
        {
            MakeRoom(1);
            Slots[_first + _count++] = new(part.End, now - part.Age, part.Marks);
            _lostParts += (part.Marks & SentMarks.Lost) != 0 ? 1 : 0;
        }
    }

    /// <summary>Sent again at a time, or with none taken as lost: splits the parts at both ends, where there is room to.</summary>
    private void Change(long start, long end, Instant? sentAt)
    {
        MakeRoom(2);
        Split(start);
        Split(end);
        for (int i = Math.Max(0, IndexOf(start)); i < _count && StartOf(i) < end; i++)
        {
            ref var part = ref Slots[_first + i];
            bool wasLost = (part.Marks & SentMarks.Lost) != 0;
            part = sentAt is { } at
                ? new(part.End, at, SentMarks.Again)
                : part with { Marks = part.Marks | SentMarks.Lost };
            _lostParts += (sentAt is null ? 1 : 0) - (wasLost ? 1 : 0);
        }

        JoinAround(start, end);
    }

    /// <summary>What was just made equal to its neighbour is one part with it again.</summary>
    private void JoinAround(long start, long end)
    {
        int from = Math.Max(0, IndexOf(start) - 1);
        int into = from;
        int i = from + 1;
        for (; i < _count && StartOf(i) <= end; i++)
        {
            ref var part = ref Slots[_first + i];
            ref var previous = ref Slots[_first + into];
            if (previous.At == part.At && previous.Marks == part.Marks)
            {
                _lostParts -= (part.Marks & SentMarks.Lost) != 0 ? 1 : 0;
                previous = part with { Since = Instant.Min(previous.Since, part.Since) };
            }
            else
            {
                Slots[_first + ++into] = part;
            }
        }

        Close(into + 1, i);
    }

    private void Split(long position)
    {
        int index = IndexOf(position);
        if (index < 0 || StartOf(index) == position)
        {
            return;
        }

        int at = _first + index;
        Slots.Slice(at, _count - index).CopyTo(Slots[(at + 1)..]);
        Slots[at] = Slots[at] with { End = position };
        _count++;
        _lostParts += (Slots[at].Marks & SentMarks.Lost) != 0 ? 1 : 0;
    }

    private void MakeRoom(int more)
    {
        while (_count + more > MaxParts)
        {
            Condense();
        }

        if (_first + _count + more <= Slots.Length)
        {
            return;
        }

        if (_count + more <= Slots.Length / 2)
        {
            Parts.CopyTo(Slots);
            _first = 0;
            return;
        }

        var larger = ArrayPool<SentPart>.Shared.Rent(Math.Max(MinCapacity, (_count + more) * 2));
        Parts.CopyTo(larger);
        if (_parts is not null)
        {
            ArrayPool<SentPart>.Shared.Return(_parts);
        }

        (_parts, _first) = (larger, 0);
    }

    /// <summary>Joins each two neighbours of the same marks; where marks alternate, each two of any.</summary>
    private void Condense()
    {
        int before = _count;
        Condense(sameMarks: true);
        if (_count > before - (before / 8))
        {
            Condense(sameMarks: false);
        }
    }

    private void Condense(bool sameMarks)
    {
        int into = 0;
        for (int i = 0; i < _count; i++)
        {
            var part = Slots[_first + i];
            if (i + 1 < _count && (!sameMarks || Slots[_first + i + 1].Marks == part.Marks))
            {
                var next = Slots[_first + ++i];
                part = new(next.End, Instant.Max(part.At, next.At), part.Marks | next.Marks) { Since = Instant.Min(part.Since, next.Since) };
            }

            Slots[_first + into++] = part;
        }

        _count = into;
        _lostParts = 0;
        foreach (var part in Parts)
        {
            _lostParts += (part.Marks & SentMarks.Lost) != 0 ? 1 : 0;
        }
    }

    private void Close(int from, int to)
    {
        if (to > from)
        {
            Slots.Slice(_first + to, _count - to).CopyTo(Slots[(_first + from)..]);
            _count -= to - from;
        }
    }
}
