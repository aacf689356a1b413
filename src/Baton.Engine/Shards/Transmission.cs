using Baton.Link;
using Baton.Stack;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>Brings what the stack emits to the links.</summary>
internal sealed class Transmission
{
    private const int ScratchFrames = 8;

    private readonly Shard _shard;
    private readonly PathCounters _counters;
    private readonly ILink _front;
    private readonly ILink _lan;
    private readonly InterfaceId _frontId;

    // Headers stand here until the links are flushed.
    private readonly byte[] _scratch;
    private int _used;

    public Transmission(Shard shard, PathCounters counters, ILink front, ILink lan, InterfaceId frontId)
    {
        _shard = shard;
        _counters = counters;
        _front = front;
        _lan = lan;
        _frontId = frontId;
        _scratch = GC.AllocateUninitializedArray<byte>(ScratchFrames * shard.Stack.ScratchLength, pinned: true);
    }

    /// <summary>Sends what there is, at most <paramref name="limit"/> frames, and says how many they were.</summary>
    public int SendAll(int limit)
    {
        int sent = 0;
        while (sent < limit && _shard.Stack.TryEmit(_shard.Now, _scratch.AsSpan(_used), out var frame))
        {
            sent++;
            Send(in frame);
            _used += frame.Headers.Length;
            if (_scratch.Length - _used < _shard.Stack.ScratchLength)
            {
                Flush();
            }
        }

        return sent;
    }

    /// <summary>Hands everything to the devices.</summary>
    public void Flush()
    {
        _front.Flush();
        _lan.Flush();
        _shard.Stack.ReleaseSent();
        _used = 0;
    }

    private void Send(in OutgoingFrame frame)
    {
        bool toFront = frame.Interface == _frontId;
        var link = toFront ? _front : _lan;
        if (!link.TrySend(frame.Offload, frame.Headers, frame.Payload, frame.More))
        {
            // The device has no room: once more after what it has is on its way, then the frame is lost as on any link.
            link.Flush();
            if (!link.TrySend(frame.Offload, frame.Headers, frame.Payload, frame.More))
            {
                _shard.Drops.Count(DropReason.LinkFull);
                return;
            }
        }

        if (toFront)
        {
            _counters.FrontFramesOut++;
        }
        else
        {
            _counters.LanFramesOut++;
        }
    }
}
