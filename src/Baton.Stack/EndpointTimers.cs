using Baton.Wire;

namespace Baton.Stack;

/// <summary>
/// One deadline for each endpoint that has one, in a binary heap whose items know their place: to set, change or take
/// away a deadline costs the heap's depth. The deadlines stand in the heap, so that to compare them no endpoint is looked at.
/// </summary>
internal sealed class EndpointTimers
{
    private Item[] _heap = new Item[64];

    public int Count { get; private set; }

    public Instant NextDeadline => Count > 0 ? _heap[0].Deadline : Instant.Never;

    /// <summary>Sets an endpoint's deadline; <see cref="Instant.Never"/> takes it away.</summary>
    public void Set(Endpoint endpoint, Instant deadline)
    {
        var before = endpoint.Deadline;
        if (before == deadline)
        {
            return;
        }

        endpoint.Deadline = deadline;
        var item = new Item(deadline, endpoint);
        int index = endpoint.TimerIndex;
        if (deadline == Instant.Never)
        {
            RemoveAt(index);
            endpoint.TimerIndex = -1;
        }
        else if (index < 0)
        {
            if (Count == _heap.Length)
            {
                Array.Resize(ref _heap, 2 * Count);
            }

            Rise(in item, Count++);
        }
        else if (deadline > before)
        {
            Sink(in item, index);
        }
        else
        {
            Rise(in item, index);
        }
    }

    /// <summary>Takes the endpoint whose deadline came first, if it has come.</summary>
    public bool TryTakeDue(Instant now, out Endpoint endpoint)
    {
        endpoint = Count > 0 ? _heap[0].Endpoint : null!;
        if (Count == 0 || _heap[0].Deadline > now)
        {
            return false;
        }

        Set(endpoint, Instant.Never);
        return true;
    }

    private void RemoveAt(int index)
    {
        var last = _heap[--Count];
        _heap[Count] = default;
        if (index == Count)
        {
            return;
        }

        // The item that fills the gap may belong above or below it.
        Rise(in last, index);
        Sink(in last, last.Endpoint.TimerIndex);
    }

    private void Rise(in Item item, int index)
    {
        for (int parent = (index - 1) / 2; index > 0 && item.Deadline < _heap[parent].Deadline; parent = (index - 1) / 2)
        {
            Place(in _heap[parent], index);
            index = parent;
        }

        Place(in item, index);
    }

    private void Sink(in Item item, int index)
    {
        for (int child = 2 * index + 1; child < Count; child = 2 * index + 1)
        {
            if (child + 1 < Count && _heap[child + 1].Deadline < _heap[child].Deadline)
            {
                child++;
            }

            if (item.Deadline <= _heap[child].Deadline)
            {
                break;
            }

            Place(in _heap[child], index);
            index = child;
        }

        Place(in item, index);
    }

    private void Place(in Item item, int index)
    {
        _heap[index] = item;
        item.Endpoint.TimerIndex = index;
    }

    private readonly record struct Item(Instant Deadline, Endpoint Endpoint);
}
