using Baton.Wire;

namespace Baton.Link;

/// <summary>Items in the order of their time; equal times in the order of arrival. A binary heap.</summary>
internal sealed class DelayQueue<T>
{
    private Entry[] _heap = new Entry[16];
    private ulong _arrivals;

    /// <summary>Items waiting.</summary>
    public int Count { get; private set; }

    /// <summary>When the first item is due, or <see cref="Instant.Never"/>.</summary>
    public Instant NextDue => Count == 0 ? Instant.Never : _heap[0].Due;

    public void Add(Instant due, in T item)
    {
        if (Count == _heap.Length)
        {
            Array.Resize(ref _heap, Count * 2);
        }

        var entry = new Entry(due, _arrivals++, item);
        int hole = Count++;
        while (hole > 0)
        {
            int parent = (hole - 1) / 2;
            if (!entry.IsBefore(_heap[parent]))
            {
                break;
            }

            _heap[hole] = _heap[parent];
            hole = parent;
        }

        _heap[hole] = entry;
    }

    /// <summary>The first item, when it is due.</summary>
    public bool TryPeek(Instant now, out T item)
    {
        bool due = Count > 0 && _heap[0].Due <= now;
        item = due ? _heap[0].Item : default!;
        return due;
    }

    /// <summary>Takes the first item out, when it is due.</summary>
    public bool TryTake(Instant now, out Instant due, out T item)
    {
        due = NextDue;
        if (!TryPeek(now, out item))
        {
            return false;
        }

        var last = _heap[--Count];
        _heap[Count] = default;
        if (Count > 0)
        {
            SiftDown(last);
        }

        return true;
    }

    private void SiftDown(in Entry entry)
    {
        int hole = 0;
        while (true)
        {
            int child = hole * 2 + 1;
            if (child >= Count)
            {
                break;
            }

            if (child + 1 < Count && _heap[child + 1].IsBefore(_heap[child]))
            {
                child++;
            }

            if (!_heap[child].IsBefore(entry))
            {
                break;
            }

            _heap[hole] = _heap[child];
            hole = child;
        }

        _heap[hole] = entry;
    }

    private readonly record struct Entry(Instant Due, ulong Arrival, T Item)
    {
        public bool IsBefore(in Entry other) => Due == other.Due ? Arrival < other.Arrival : Due < other.Due;
    }
}
