using System.Buffers;
using Baton.Wire;

namespace Baton.Tcp;

/// <summary>How fast the path delivered what an ACK speaks of.</summary>
/// <param name="BytesPerSecond">The rate, or 0 without a measurement.</param>
/// <param name="PriorDelivered">What had arrived when it was sent.</param>
/// <param name="AppLimited">Whether the application, not the path, may have set the rate.</param>
internal readonly record struct RateSample(double BytesPerSecond, long PriorDelivered, bool AppLimited);

/// <summary>
/// Delivery rate estimation (draft-cheng-iccrg-delivery-rate-estimation): what arrived between the sending of a segment and
/// its acknowledgment, over the longer of the times that sending and acknowledging it took. Segments that leave within a
/// grain are one record; only what was sent once is measured, since of a repetition nobody knows which transmission arrived.
/// </summary>
internal sealed class DeliveryRate
{
    private const int MaxRecords = 256;
    private const int MinRecords = 16;

    [NotInSnapshot("times at this owner: the new one measures what it sends")]
    private Record[]? _records;

    [NotInSnapshot("where in the memory the records stand")]
    private int _first;

    [NotInSnapshot("where in the memory the records stand")]
    private int _count;

    [NotInSnapshot("counted anew by the new owner")]
    private long _delivered;

    [NotInSnapshot("counted anew by the new owner")]
    private Instant _deliveredAt;

    [NotInSnapshot("counted anew by the new owner")]
    private Instant _firstSentAt;

    [NotInSnapshot("counted anew by the new owner")]
    private long _appLimitedUntil;

    /// <summary>Bytes that have arrived (C.delivered).</summary>
    public long Delivered => _delivered;

    /// <summary>Whether the application sends less than it could.</summary>
    public bool IsAppLimited => _appLimitedUntil > 0;

    /// <summary>New data leave (§3.2).</summary>
    public void OnSent(Instant now, long end, int pipe, TimeSpan grain)
    {
        if (pipe == 0)
        {
            _firstSentAt = _deliveredAt = now;
        }

        if (_count > 0)
        {
            ref var last = ref _records![_first + _count - 1];
            if (_count == MaxRecords || (now - last.At <= grain && last.Delivered == _delivered))
            {
                last = last with { End = end };
                return;
            }
        }

        Reserve();
        _records![_first + _count++] = new(end, now, _delivered, _deliveredAt, _firstSentAt, IsAppLimited);
    }

    /// <summary>There is nothing to send (§3.4).</summary>
    public void OnQuiet(int pipe) => _appLimitedUntil = Math.Max(1, _delivered + pipe);

    /// <summary>An ACK (§3.3).</summary>
    public RateSample OnDelivered(in DeliverySample sample)
    {
        if (sample.Delivered > 0)
        {
            _delivered += sample.Delivered;
            _deliveredAt = sample.Now;
        }

        if (_delivered > _appLimitedUntil)
        {
            _appLimitedUntil = 0;
        }

        var rate = sample.Newest > 0 && TryFind(sample.Newest, out var record) ? Measure(in record, in sample) : default;
        RemoveBelow(sample.Una);
        return rate;
    }

    private RateSample Measure(in Record record, in DeliverySample sample)
    {
        var sending = record.At - record.FirstSentAt;
        var acknowledging = sample.Now - record.DeliveredAt;
        var interval = sending > acknowledging ? sending : acknowledging;
        _firstSentAt = record.At;

        // A time below the shortest round trip cannot be (§3.3).
        bool sound = interval > TimeSpan.Zero && interval >= sample.MinRtt;
        double rate = sound ? (_delivered - record.Delivered) / interval.TotalSeconds : 0;
        return new(rate, record.Delivered, record.AppLimited);
    }

    private bool TryFind(long position, out Record record)
    {
        for (int i = 0; i < _count; i++)
        {
            if (_records![_first + i].End >= position)
            {
                record = _records[_first + i];
                return true;
            }
        }

        record = default;
        return false;
    }

    private void RemoveBelow(long una)
    {
        while (_count > 0 && _records![_first].End <= una)
        {
            _first++;
            _count--;
        }

        if (_count == 0 && _records is not null)
        {
            ArrayPool<Record>.Shared.Return(_records);
            (_records, _first) = (null, 0);
        }
    }

    private void Reserve()
    {
        if (_records is not null && _first + _count < _records.Length)
        {
            return;
        }

        if (_records is not null && _first > 0)
        {
            Array.Copy(_records, _first, _records, 0, _count);
            _first = 0;
            return;
        }

        var larger = ArrayPool<Record>.Shared.Rent(Math.Max(MinRecords, 2 * _count));
        _records?.AsSpan(0, _count).CopyTo(larger);
        if (_records is not null)
        {
            ArrayPool<Record>.Shared.Return(_records);
        }

        _records = larger;
    }

    private readonly record struct Record(long End, Instant At, long Delivered, Instant DeliveredAt, Instant FirstSentAt, bool AppLimited);
}
