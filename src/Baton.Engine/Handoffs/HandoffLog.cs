namespace Baton.Engine;

/// <summary>The last handoffs of this node, and how many there were.</summary>
internal sealed class HandoffLog(int capacity)
{
    private readonly Queue<HandoffEvent> _events = new();

    /// <summary>Handoffs that took an endpoint away.</summary>
    public long Out { get; private set; }

    /// <summary>Handoffs that brought an endpoint.</summary>
    public long In { get; private set; }

    /// <summary>Handoffs that did not succeed.</summary>
    public long Failed { get; private set; }

    /// <summary>Called for each.</summary>
    public Action<HandoffEvent>? Observer { get; set; }

    /// <summary>The last ones, oldest first.</summary>
    public IReadOnlyCollection<HandoffEvent> Events => _events;

    public void Add(HandoffEvent handoff)
    {
        if (handoff.Outcome != MoveOutcome.Moved)
        {
            Failed++;
        }
        else if (handoff.Role == HandoffRole.Source)
        {
            Out++;
        }
        else
        {
            In++;
        }

        if (_events.Count == capacity)
        {
            _events.Dequeue();
        }

        _events.Enqueue(handoff);
        Observer?.Invoke(handoff);
    }
}
