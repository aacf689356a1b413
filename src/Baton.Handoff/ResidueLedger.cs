using Baton.Handoff.Messages;
using Baton.Wire;

namespace Baton.Handoff;

/// <summary>
/// Which of the owner's connections in TIME-WAIT homes have still to take. What they are to know is written anew each time it is
/// told, since clocks go on.
/// </summary>
internal sealed class ResidueLedger(Outbox outbox, int capacity)
{
    private readonly Dictionary<EndpointId, Waiting> _pending = [];

    public int Count => _pending.Count;

    public bool TryAdd(in Flow flow, NodeId home, Epoch epoch, EndpointId endpoint)
    {
        if (home == outbox.Self || flow.Protocol != IpProtocol.Tcp || _pending.Count >= capacity
            || !_pending.TryAdd(endpoint, new(flow, home, epoch)))
        {
            return false;
        }

        Ask(endpoint, flow, home);
        return true;
    }

    /// <summary>The endpoint has ended here.</summary>
    public void Remove(EndpointId endpoint) => _pending.Remove(endpoint);

    /// <summary>What the home is to know; nothing when there is nothing to be taken.</summary>
    public void OnWritten(EndpointId endpoint, ReadOnlySpan<byte> residue)
    {
        if (!_pending.TryGetValue(endpoint, out var waiting))
        {
            return;
        }

        if (residue.IsEmpty)
        {
            _pending.Remove(endpoint);
            return;
        }

        var header = new MessageHeader(MessageKind.Residue, HandoffId.None, waiting.Epoch, waiting.Flow);
        outbox.Send(header, waiting.Home, Residue.Write(header, endpoint, residue));
    }

    public DropReason OnAck(NodeId from, in ResidueAck message)
    {
        if (!_pending.TryGetValue(message.Endpoint, out var waiting)
            || waiting.Home != from
            || waiting.Flow != message.Header.Flow
            || waiting.Epoch != message.Header.Epoch)
        {
            return DropReason.MessageStale;
        }

        _pending.Remove(message.Endpoint);
        if (message.Taken)
        {
            outbox.Add(new HandoffOutput.DropResidue(waiting.Flow, message.Endpoint));
        }

        return DropReason.None;
    }

    public void OnChannelUp(NodeId peer)
    {
        foreach (var (endpoint, waiting) in _pending)
        {
            if (waiting.Home == peer)
            {
                Ask(endpoint, waiting.Flow, peer);
            }
        }
    }

    /// <summary>Who is home has changed, or whether it decides: that one is told; this node has its endpoint already.</summary>
    public void OnHome(InetAddress address, NodeId home, bool serving)
    {
        foreach (var (endpoint, waiting) in _pending)
        {
            if (waiting.Flow.Tuple.LocalAddress != address)
            {
                continue;
            }

            if (home == outbox.Self)
            {
                _pending.Remove(endpoint);
                continue;
            }

            _pending[endpoint] = waiting with { Home = home };
            if (serving)
            {
                Ask(endpoint, waiting.Flow, home);
            }
        }
    }

    private void Ask(EndpointId endpoint, in Flow flow, NodeId home)
    {
        if (outbox.Reaches(home))
        {
            outbox.Add(new HandoffOutput.WriteResidue(flow, endpoint));
        }
    }

    private readonly record struct Waiting(Flow Flow, NodeId Home, Epoch Epoch);
}
