using Baton.Wire;

namespace Baton.Director;

/// <summary>
/// What is left here of endpoints that were handed off: by the id that they had, for a while, so that packets under way
/// with the old reference still reach the new owner. First a tombstone forwards, then it drops silently, then it goes.
/// Bounded: the oldest goes when one more is needed. Used by one thread.
/// </summary>
public sealed class TombstoneTable
{
    private readonly int _capacity;
    private readonly TimeSpan _forwards;
    private readonly TimeSpan _silent;
    private readonly ProbeIndex _index;

    // A ring: all tombstones last equally long, so the oldest is always the first to go.
    private readonly Slab<Tombstone> _ring;
    private int _oldest;

    /// <summary>An empty table.</summary>
    public TombstoneTable(DirectorLimits limits)
    {
        _capacity = limits.MaxTombstones;
        _forwards = limits.TombstoneForwards;
        _silent = limits.TombstoneSilent;
        _index = new ProbeIndex(_capacity);
        _ring = new Slab<Tombstone>(_capacity);
    }

    /// <summary>The tombstones there are.</summary>
    public int Count { get; private set; }

    /// <summary>Tombstones that went early to make room.</summary>
    public long Evicted { get; private set; }

    /// <summary>When the oldest goes.</summary>
    public Instant NextDeadline => Count == 0 ? Instant.Never : _ring[_oldest].Goes;

    /// <summary>Puts a tombstone in the place of an endpoint. For an id that has one only the successor is replaced.</summary>
    /// <param name="now">The time.</param>
    /// <param name="id">The id that the endpoint had here.</param>
    /// <param name="target">Its new owner.</param>
    /// <param name="successor">The new owner's reference.</param>
    public void Add(Instant now, EndpointId id, NodeId target, in EncodedReference successor)
    {
        int number = Find(id, out _);
        if (number >= 0)
        {
            ref var known = ref _ring[number];
            known.Target = target;
            known.Successor = successor;
            return;
        }

        if (Count == _capacity)
        {
            Evicted++;
            RemoveOldest();
        }

        number = (_oldest + Count) % _capacity;
        _ring.Claim(number) = new Tombstone
        {
            Id = id,
            Target = target,
            Successor = successor,
            SilentFrom = now + _forwards,
            Goes = now + _forwards + _silent,
        };
        _index.Add(Tag(id), number);
        Count++;
    }

    /// <summary>Decides about a packet whose reference names <paramref name="id"/>.</summary>
    public TombstoneVerdict Decide(Instant now, EndpointId id)
    {
        int number = Find(id, out _);
        if (number < 0 || now >= _ring[number].Goes)
        {
            return TombstoneVerdict.Unknown;
        }

        ref readonly var tombstone = ref _ring[number];
        return new TombstoneVerdict(now < tombstone.SilentFrom ? TombstoneKind.Forward : TombstoneKind.Drop, in tombstone);
    }

    /// <summary>Removes those whose time is over.</summary>
    public void OnDeadline(Instant now)
    {
        while (Count > 0 && now >= _ring[_oldest].Goes)
        {
            RemoveOldest();
        }
    }

    // The id's low bits name a shard; the high ones are random. No key: only ids that this node chose are in the table.
    private static uint Tag(EndpointId id) => (uint)(id.Value >> 32);

    private int Find(EndpointId id, out int slot)
    {
        uint tag = Tag(id);
        slot = _index.Start(tag);
        while (_index.TryProbe(tag, ref slot, out int number))
        {
            if (_ring[number].Id == id)
            {
                return number;
            }

            slot = _index.Next(slot);
        }

        return -1;
    }

    private void RemoveOldest()
    {
        Find(_ring[_oldest].Id, out int slot);
        _index.RemoveAt(slot);
        _ring[_oldest] = default;
        _oldest = (_oldest + 1) % _capacity;
        Count--;
    }
}
