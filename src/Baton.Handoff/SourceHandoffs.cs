using System.Diagnostics.CodeAnalysis;
using Baton.Handoff.Messages;
using Baton.Wire;

namespace Baton.Handoff;

/// <summary>The handoffs away from this node: those under way by id, flow and deadline, and the last that ended.</summary>
internal sealed class SourceHandoffs(int remembered)
{
    private readonly Dictionary<HandoffId, SourceHandoff> _byId = [];
    private readonly Dictionary<Flow, SourceHandoff> _byFlow = [];
    private readonly PriorityQueue<SourceHandoff, long> _deadlines = new();
    private readonly EndedHandoffs _ended = new(remembered);
    private readonly Queue<(NodeId From, Prepare Message)> _returning = new();

    public int Count => _byId.Count;

    /// <summary>Those under way; a copy, so that they can end meanwhile.</summary>
    public SourceHandoff[] All => [.. _byId.Values];

    /// <summary>The first deadline; entries of handoffs that ended or have another one by now are dropped on the way.</summary>
    public Instant NextDeadline
    {
        get
        {
            while (_deadlines.TryPeek(out var handoff, out long ticks))
            {
                if (handoff.Deadline.Ticks == ticks)
                {
                    return handoff.Deadline;
                }

                _deadlines.Dequeue();
            }

            return Instant.Never;
        }
    }

    public bool TryGet(HandoffId id, [NotNullWhen(true)] out SourceHandoff? handoff) => _byId.TryGetValue(id, out handoff);

    public bool TryGet(in Flow flow, [NotNullWhen(true)] out SourceHandoff? handoff) => _byFlow.TryGetValue(flow, out handoff);

    public bool TryGetEnded(HandoffId id, out EndedHandoff ended) => _ended.TryGet(id, out ended);

    public void Add(SourceHandoff handoff)
    {
        _byId.Add(handoff.Request.Id, handoff);
        _byFlow.Add(handoff.Request.Flow, handoff);
    }

    public void End(SourceHandoff handoff, in EndedHandoff ended)
    {
        handoff.Deadline = Instant.Never;
        _byId.Remove(handoff.Request.Id);
        _byFlow.Remove(handoff.Request.Flow);
        _ended.Add(handoff.Request.Id, ended);
        if (handoff.Returning is { } returning)
        {
            _returning.Enqueue(returning);
        }
    }

    public void SetDeadline(SourceHandoff handoff, Instant deadline)
    {
        handoff.Deadline = deadline;
        if (deadline != Instant.Never)
        {
            _deadlines.Enqueue(handoff, deadline.Ticks);
        }
    }

    /// <summary>The next handoff whose deadline has come; it has none then.</summary>
    public bool TryTakeDue(Instant now, [NotNullWhen(true)] out SourceHandoff? handoff)
    {
        handoff = null;
        if (NextDeadline > now || !_deadlines.TryDequeue(out handoff, out _))
        {
            return false;
        }

        handoff.Deadline = Instant.Never;
        return true;
    }

    /// <summary>A PREPARE by which a flow comes back, whose handoff away has ended.</summary>
    public bool TryTakeReturning(out (NodeId From, Prepare Message) returning) => _returning.TryDequeue(out returning);
}
