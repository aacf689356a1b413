using System.Buffers;
using Baton.Handoff;
using Baton.Stack;

namespace Baton.Engine;

/// <summary>
/// The queues of endpoints that move go ahead of their images: an endpoint is frozen only when the peer has them, so that
/// the freeze does not last as long as their way.
/// </summary>
internal sealed class QueuesAhead(Shard shard, HandoffAgent agent)
{
    private readonly List<RunningHandoff> _underWay = [];

    // Kept for the next handoff, as the target keeps its own.
    private readonly ArrayPool<byte> _buffers = ArrayPool<byte>.Create(HandoffLimits.MaxKeptBufferBytes, HandoffLimits.KeptBuffers);

    /// <summary>Whether queues were given to a channel since <see cref="FreezeArrived"/> looked.</summary>
    public bool WantToRun => _underWay.Exists(static running => running.PrecopyMark is null);

    /// <summary>Sends the queues from where the target has them; without a connection there are none.</summary>
    public void Send(HandoffOutput.Precopy o, RunningHandoff? running)
    {
        if (running?.Record.Endpoint is not TcpEndpoint { Connection: { } connection })
        {
            agent.OnPrecopied(shard.Now, o.Handoff, o.Offset, default, complete: true);
            return;
        }

        if (running.Precopied.Length == 0)
        {
            running.Precopy(shard.Now, connection, _buffers);
        }

        // After a new channel the target says how much it has.
        agent.OnPrecopied(shard.Now, o.Handoff, o.Offset, running.Precopied[Math.Min(o.Offset, running.Precopied.Length)..], complete: false);
        running.PrecopyMark = null;
        if (!_underWay.Contains(running))
        {
            _underWay.Add(running);
        }
    }

    /// <summary>Lets the endpoints be frozen whose queues have arrived.</summary>
    public void FreezeArrived()
    {
        for (int i = _underWay.Count - 1; i >= 0; i--)
        {
            var running = _underWay[i];
            if (!shard.Node.IsUp(running.Peer))
            {
                // Lost with their channel, which broke in this run: the next one brings the target's position, and they are sent from there.
                _underWay.RemoveAt(i);
            }
            else if (running.PrecopyMark is not { } mark)
            {
                // The messages are on the channel since the last routing.
                running.PrecopyMark = shard.Node.MarkSent(running.Peer);
            }
            else if (shard.Node.MarkDelivered(running.Peer) >= mark)
            {
                _underWay.RemoveAt(i);
                agent.OnPrecopied(shard.Now, running.Id, running.Precopied.Length, default, complete: true);
            }
        }
    }

    /// <summary>The handoff has ended.</summary>
    public void Forget(RunningHandoff running)
    {
        _underWay.Remove(running);
        running.ReleaseBuffer(_buffers);
    }
}
