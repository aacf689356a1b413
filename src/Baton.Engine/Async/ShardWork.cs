namespace Baton.Engine;

/// <summary>Something to be done on the shard's thread. Stands in at most one queue at a time, and in that once.</summary>
internal abstract class ShardWork
{
    /// <summary>The next in the queue; the queue's own.</summary>
    public ShardWork? Next { get; set; }

    /// <summary>Does it.</summary>
    public abstract void Run(Shard shard);
}

/// <summary>Something short to be done on a shard's thread, with nobody who waits for it.</summary>
internal sealed class ShardAction(Action<Shard> action) : ShardWork
{
    /// <inheritdoc/>
    public override void Run(Shard shard) => action(shard);
}

/// <summary>
/// Works from any thread to the shard: a lock-free stack that the shard takes as a whole and turns round, so that works
/// of one thread run in the order they were posted. Posting allocates nothing.
/// </summary>
internal sealed class WorkQueue
{
    private ShardWork? _newest;

    /// <summary>Whether there is nothing to take.</summary>
    public bool IsEmpty => Volatile.Read(ref _newest) is null;

    /// <summary>Adds a work. A full fence: what the poster wrote before is visible to the work.</summary>
    public void Post(ShardWork work)
    {
        ShardWork? seen = Volatile.Read(ref _newest);
        while (true)
        {
            work.Next = seen;
            var found = Interlocked.CompareExchange(ref _newest, work, seen);
            if (ReferenceEquals(found, seen))
            {
                return;
            }

            seen = found;
        }
    }

    /// <summary>Takes all works, oldest first, linked by <see cref="ShardWork.Next"/>.</summary>
    public ShardWork? TakeAll()
    {
        if (IsEmpty)
        {
            return null;
        }

        var work = Interlocked.Exchange(ref _newest, null);
        ShardWork? oldest = null;
        while (work is not null)
        {
            var next = work.Next;
            work.Next = oldest;
            oldest = work;
            work = next;
        }

        return oldest;
    }
}
