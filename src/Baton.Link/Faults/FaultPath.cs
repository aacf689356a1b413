using Baton.Wire;

namespace Baton.Link;

/// <summary>
/// One direction through a <see cref="FaultModel"/>: keeps copies of frames until they are due. What its pool has no
/// room for is dropped and counted, as a full queue does.
/// </summary>
internal sealed class FaultPath(FaultProfile profile, SeededRandom random, long limitBytes)
{
    // How soon to try again when the link that frames leave by is full.
    private static readonly TimeSpan s_retry = TimeSpan.FromTicks(500);

    private readonly FaultModel _model = new(random) { Profile = profile };
    private readonly BufferPool _pool = new(limitBytes);
    private readonly DelayQueue<Kept> _queue = new();
    private readonly List<PooledBuffer> _sent = [];
    private bool _isBlocked;

    public FaultCounters Counters => _model.Counters;

    public FaultProfile Profile
    {
        get => _model.Profile;
        set => _model.Profile = value;
    }

    /// <summary>Whether frames pass untouched now.</summary>
    public bool IsClear => _queue.Count == 0 && _model.Profile.IsPerfect;

    /// <summary>Bytes kept, by what their buffers can hold.</summary>
    public long KeptBytes => _pool.LentBytes;

    /// <summary>When <see cref="SendDue"/> or <see cref="GiveDue"/> has something to do.</summary>
    public Instant NextDue(Instant now) => _isBlocked ? now + s_retry : _queue.NextDue;

    /// <summary>Decides a frame's fate and keeps a copy where it has one.</summary>
    public void Put(Instant now, FrameOffload offload, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload, ReadOnlySpan<byte> more)
    {
        int length = headers.Length + payload.Length + more.Length;
        var fate = _model.Decide(now, length);
        if (fate.Lost)
        {
            return;
        }

        if (!_pool.TryRent(length, out var buffer))
        {
            Counters.Overflowed++;
            return;
        }

        headers.CopyTo(buffer.Span);
        payload.CopyTo(buffer.Span[headers.Length..]);
        more.CopyTo(buffer.Span[(headers.Length + payload.Length)..]);
        if (fate.Corrupted && !_model.TryCorrupt(buffer.Span, ref offload))
        {
            buffer.Dispose();
            return;
        }

        _queue.Add(fate.Due, new(buffer, offload));
        if (!fate.Duplicated)
        {
            return;
        }

        if (_pool.TryRentCopy(buffer.Span, out var copy))
        {
            _queue.Add(fate.DuplicateDue, new(copy, offload));
        }
        else
        {
            Counters.Overflowed++;
        }
    }

    /// <summary>Sends what is due, and has the link take it.</summary>
    /// <returns>The number of frames sent.</returns>
    public int SendDue(Instant now, ILink link)
    {
        _isBlocked = false;
        while (_queue.TryPeek(now, out var kept))
        {
            if (!link.TrySend(kept.Offload, kept.Buffer.Span, default))
            {
                _isBlocked = true;
                break;
            }

            _queue.TryTake(now, out _, out _);
            _sent.Add(kept.Buffer);
        }

        int sent = _sent.Count;
        if (sent > 0)
        {
            link.Flush();
            foreach (var buffer in _sent)
            {
                buffer.Dispose();
            }

            _sent.Clear();
        }

        return sent;
    }

    /// <summary>Gives what is due to a receiver.</summary>
    /// <returns>The number of frames given.</returns>
    public int GiveDue(Instant now, ILink link, IFrameReceiver receiver, int limit)
    {
        int given = 0;
        for (; given < limit && _queue.TryTake(now, out _, out var kept); given++)
        {
            receiver.OnFrame(link, kept.Offload, kept.Buffer.Span);
            kept.Buffer.Dispose();
        }

        return given;
    }

    private readonly record struct Kept(PooledBuffer Buffer, FrameOffload Offload);
}
