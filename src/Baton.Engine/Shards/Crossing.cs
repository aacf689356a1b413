using Baton.Wire;

namespace Baton.Engine;

/// <summary>
/// Where a shard of several gives the frames that are another's, and gets its own that came in elsewhere: a ring to and from
/// each of the others.
/// </summary>
internal sealed class Crossing
{
    /// <summary>Bytes of each ring: 16 of the longest frames, or some thousand short ones.</summary>
    private const int RingBytes = 1 << 20;

    private readonly Shard _shard;
    private readonly FrameRing?[] _from;
    private readonly FrameRing?[] _to;
    private readonly byte[] _linkHeader = new byte[EthernetHeader.Length];
    private ulong _toWake;

    private Crossing(Shard shard, int shards)
    {
        _shard = shard;
        _from = new FrameRing?[shards];
        _to = new FrameRing?[shards];
    }

    /// <summary>Frames given to other shards.</summary>
    public long Sent { get; private set; }

    /// <summary>Whether frames of other shards wait.</summary>
    public bool HasFrames
    {
        get
        {
            foreach (var ring in _from)
            {
                if (ring is { IsEmpty: false })
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>Joins all shards of a node; a shard that is alone has nowhere to cross to.</summary>
    public static Crossing[] Join(IReadOnlyList<Shard> shards)
    {
        Crossing[] all = [.. shards.Select(shard => new Crossing(shard, shards.Count))];
        for (int from = 0; from < all.Length; from++)
        {
            for (int to = 0; to < all.Length; to++)
            {
                if (from != to)
                {
                    all[from]._to[to] = all[to]._from[from] = new FrameRing(RingBytes);
                }
            }
        }

        return all;
    }

    /// <summary>Gives a frame to another shard; where there is no room it is lost, as on any link.</summary>
    public void Send(int shard, bool fromLan, FrameOffload offload, in EthernetHeader header, ReadOnlySpan<byte> bytes)
    {
        header.Write(_linkHeader);
        Send(shard, fromLan, offload, _linkHeader, bytes);
    }

    /// <summary>Gives a packet to all others.</summary>
    public void SendToAll(bool fromLan, FrameOffload offload, in EthernetHeader header, ReadOnlySpan<byte> bytes)
    {
        for (int shard = 0; shard < _to.Length; shard++)
        {
            if (shard != _shard.Index)
            {
                Send(shard, fromLan, offload, in header, bytes);
            }
        }
    }

    /// <summary>Gives a frame to all others.</summary>
    public void SendToAll(bool fromLan, FrameOffload offload, ReadOnlySpan<byte> frame)
    {
        for (int shard = 0; shard < _to.Length; shard++)
        {
            if (shard != _shard.Index)
            {
                Send(shard, fromLan, offload, frame, default);
            }
        }
    }

    /// <summary>Takes what others have given.</summary>
    /// <returns>Whether there was anything.</returns>
    public bool Receive(PacketPath path, int limit)
    {
        bool any = false;
        foreach (var ring in _from)
        {
            for (int left = limit; left > 0 && ring?.TryRead(out bool fromLan, out var offload, out var frame) == true; left--)
            {
                any = true;
                path.OnCrossed(fromLan, offload, frame);
                ring.Release();
            }
        }

        return any;
    }

    /// <summary>Wakes the shards that were given something.</summary>
    public void Flush()
    {
        if (_toWake == 0)
        {
            return;
        }

        // Either the shard sees the frame before it sleeps, or this sees that it sleeps.
        Interlocked.MemoryBarrier();
        for (int shard = 0; shard < _to.Length; shard++)
        {
            if ((_toWake >> shard & 1) != 0)
            {
                _shard.Shards[shard].Waker?.Invoke();
            }
        }

        _toWake = 0;
    }

    private void Send(int shard, bool fromLan, FrameOffload offload, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        if (_to[shard]!.TryWrite(fromLan, offload, first, second))
        {
            Sent++;
            _toWake |= 1UL << shard;
        }
        else
        {
            _shard.Drops.Count(DropReason.ShardBusy);
        }
    }
}
