using Baton.Handoff.Messages;
using Baton.Wire;

namespace Baton.Handoff;

/// <summary>What the owner still has to tell homes about connections that have ended.</summary>
internal sealed class ClosedLedger(Outbox outbox, int capacity)
{
    private readonly Dictionary<EndpointId, Ended> _pending = [];

    public int Count => _pending.Count;

    public bool TryAdd(in Flow flow, NodeId home, Epoch epoch, EndpointId endpoint, byte reason)
    {
        if (home == outbox.Self && outbox.MayBeHome(flow))
        {
            outbox.Add(new HandoffOutput.RemoveEntry(flow, home, epoch, endpoint, reason));
            return true;
        }

        if (!_pending.ContainsKey(endpoint))
        {
            if (_pending.Count >= capacity)
            {
                return false;
            }

            var ended = new Ended(flow, home, epoch, reason);
            _pending.Add(endpoint, ended);
            Tell(endpoint, in ended);
        }

        return true;
    }

    public DropReason OnAck(NodeId from, in ClosedAck message) =>
        _pending.TryGetValue(message.Endpoint, out var ended)
        && ended.Home == from
        && ended.Flow == message.Header.Flow
        && ended.Epoch == message.Header.Epoch
        && _pending.Remove(message.Endpoint)
            ? DropReason.None
            : DropReason.MessageStale;

    public void OnChannelUp(NodeId peer)
    {
        foreach (var (endpoint, ended) in _pending)
        {
            if (ended.Home == peer)
            {
                Tell(endpoint, in ended);
            }
        }
    }

    /// <summary>Who is home has changed: what the last one has not acknowledged is told to the next.</summary>
    public void OnHome(InetAddress address, NodeId home)
    {
        foreach (var (endpoint, ended) in _pending)
        {
            if (ended.Flow.Tuple.LocalAddress != address || ended.Home == home)
            {
                continue;
            }

            var turned = ended with { Home = home };
            if (home == outbox.Self)
            {
                _pending.Remove(endpoint);
                outbox.Add(new HandoffOutput.RemoveEntry(ended.Flow, home, ended.Epoch, endpoint, ended.Reason));
            }
            else
            {
                _pending[endpoint] = turned;
                Tell(endpoint, in turned);
            }
        }
    }

    private void Tell(EndpointId endpoint, in Ended ended) => outbox.Send(
        new(MessageKind.Closed, HandoffId.None, ended.Epoch, ended.Flow),
        ended.Home,
        Closed.Write(ended.Flow, ended.Epoch, endpoint, ended.Reason));

    private readonly record struct Ended(Flow Flow, NodeId Home, Epoch Epoch, byte Reason);
}
