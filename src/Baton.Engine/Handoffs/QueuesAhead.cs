using System.Buffers;
using Baton.Handoff;
using Baton.Stack;
using Baton.Tcp;

namespace Baton.Engine;

/// <summary>
/// The queues of endpoints that move go ahead of their images: an endpoint is frozen only when the peer has them, so that
/// the freeze does not last as long as their way. They are copied while the peer is asked whether it takes the endpoint.
/// </summary>
internal sealed class QueuesAhead(Shard shard, HandoffAgent agent)
{
    private readonly List<RunningHandoff> _asked = [];
    private readonly List<RunningHandoff> _underWay = [];

    // Kept for the next handoff, as the target keeps its own.
    private readonly ArrayPool<byte> _buffers = ArrayPool<byte>.Create(HandoffLimits.MaxKeptBufferBytes, HandoffLimits.KeptBuffers);
    private bool _questionsHaveLeft;

    /// <summary>Nothing was to be routed: what had been has left, and the questions with it.</summary>
    /// <returns>Whether <see cref="Run"/> has something to do.</returns>
    public bool OnIdle()
    {
        _questionsHaveLeft = _asked.Count > 0;
        return _questionsHaveLeft || _underWay.Exists(static running => running.PrecopyMark is null);
    }

    /// <summary>The peer is asked whether it takes an endpoint with long queues.</summary>
    public void Add(RunningHandoff running) => _asked.Add(running);

    /// <summary>Sends the queues from where the target has them; without a connection there are none.</summary>
    public void Send(HandoffOutput.Precopy o, RunningHandoff? running)
    {
        if (running is null || !TryCopy(running))
        {
            agent.OnPrecopied(shard.Now, o.Handoff, o.Offset, default, complete: true);
            return;
        }

        // After a new channel the target says how much it has.
        var rest = running.Precopied[Math.Min(o.Offset, running.Precopied.Length)..];
        shard.Node.Expect(running.Peer, rest.Length);
        agent.OnPrecopied(shard.Now, o.Handoff, o.Offset, rest, complete: false);
        running.PrecopyMark = null;
        if (!_underWay.Contains(running))
        {
            _underWay.Add(running);
        }
    }

    /// <summary>Copies the queues of the endpoints that were asked about, and lets those be frozen whose queues have arrived.</summary>
    public void Run()
    {
        if (_questionsHaveLeft)
        {
            _questionsHaveLeft = false;
            foreach (var running in _asked)
            {
                TryCopy(running);
            }

            _asked.Clear();
        }

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
        _asked.Remove(running);
        _underWay.Remove(running);
        running.ReleaseBuffer(_buffers);
    }

    private bool TryCopy(RunningHandoff running)
    {
        if (running.Precopied.Length == 0 && running.Record.Endpoint is TcpEndpoint { Connection: { } connection })
        {
            running.Precopy(shard.Now, connection, _buffers);
        }

        return running.Precopied.Length > 0;
    }
}
