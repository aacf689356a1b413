using Baton.Wire;

namespace Baton.Stack;

/// <summary>
/// One deadline for each endpoint that has one, in a binary heap whose items know their place: to set, change or take
/// away a deadline costs the heap's depth and no memory.
/// </summary>
internal sealed class EndpointTimers
{
    private Endpoint[] _heap = new Endpoint[64];

    public int Count { get; private set; }

    public Instant NextDeadline => Count > 0 ? _heap[0].Deadline : Instant.Never;

    /// <summary>Sets an endpoint's deadline; <see cref="Instant.Never"/> takes it away.</summary>
    public void Set(Endpoint endpoint, Instant deadline)
    {
        if (endpoint.Deadline == deadline)
        {
            return;
        }

        bool later = deadline > endpoint.Deadline;
        endpoint.Deadline = deadline;
        if (deadline == Instant.Never)
        {
            RemoveAt(endpoint.TimerIndex);
            endpoint.TimerIndex = -1;
        }
        else if (endpoint.TimerIndex < 0)
        {
            if (Count == _heap.Length)
            {
                Array.Resize(ref _heap, 2 * Count);
            }

            Rise(endpoint, Count++);
        }
        else if (later)
        {
            Sink(endpoint, endpoint.TimerIndex);
        }
        else
        {
            Rise(endpoint, endpoint.TimerIndex);
        }
    }

    /// <summary>Takes the endpoint whose deadline came first, if it has come.</summary>
    public bool TryTakeDue(Instant now, out Endpoint endpoint)
    {
        endpoint = Count > 0 ? _heap[0] : null!;
        if (Count == 0 || endpoint.Deadline > now)
        {
            return false;
        }

        Set(endpoint, Instant.Never);
        return true;
    }

    private void RemoveAt(int index)
    {
        var last = _heap[--Count];
        _heap[Count] = null!;
        if (index == Count)
        {
            return;
        }

        // The item that fills the gap may belong above or below it.
        Rise(last, index);
        Sink(last, last.TimerIndex);
    }

    private void Rise(Endpoint item, int index)
    {
        for (int parent = (index - 1) / 2; index > 0 && item.Deadline < _heap[parent].Deadline; parent = (index - 1) / 2)
        {
            Place(_heap[parent], index);
            index = parent;
        }

        Place(item, index);
    }

    private void Sink(Endpoint item, int index)
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

            Place(_heap[child], index);
            index = child;
        }

        Place(item, index);
    }

    private void Place(Endpoint item, int index)
    {
        _heap[index] = item;
        item.TimerIndex = index;
    }
}
