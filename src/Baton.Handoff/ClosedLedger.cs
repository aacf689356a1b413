using Baton.Handoff.Messages;
using Baton.Wire;

namespace Baton.Handoff;

/// <summary>What the owner still has to tell homes about connections that have ended.</summary>
internal sealed class ClosedLedger(Outbox outbox, int capacity)
{
    private readonly Dictionary<(Flow Flow, Epoch Epoch), (NodeId Home, byte Reason)> _pending = [];

    public int Count => _pending.Count;

    public bool TryAdd(in Flow flow, NodeId home, Epoch epoch, byte reason)
    {
        if (home == outbox.Self)
        {
            outbox.Add(new HandoffOutput.RemoveEntry(flow, home, epoch, reason));
            return true;
        }

        if (!_pending.ContainsKey((flow, epoch)))
        {
            if (_pending.Count >= capacity)
            {
                return false;
            }

            _pending.Add((flow, epoch), (home, reason));
            Tell(flow, epoch, home, reason);
        }

        return true;
    }

    public DropReason OnAck(NodeId from, in MessageHeader header)
    {
        var key = (header.Flow, header.Epoch);
        return _pending.TryGetValue(key, out var closed) && closed.Home == from && _pending.Remove(key)
            ? DropReason.None
            : DropReason.MessageStale;
    }

    public void OnChannelUp(NodeId peer)
    {
        foreach (var ((flow, epoch), (home, reason)) in _pending)
        {
            if (home == peer)
            {
                Tell(flow, epoch, home, reason);
            }
        }
    }

    private void Tell(in Flow flow, Epoch epoch, NodeId home, byte reason) =>
        outbox.Send(new(MessageKind.Closed, HandoffId.None, epoch, flow), home, Closed.Write(flow, epoch, reason));
}
