using System.Numerics;

namespace Baton.Director;

/// <summary>
/// The probing half of an open-addressing table: maps 32-bit tags to the numbers of entries that live elsewhere. Linear
/// probing at a load of at most one half; a deletion shifts the run behind it back, so that there are no deleted marks
/// and a long life does not slow it down. Entries never move, and their numbers do not depend on the hash key: iterating
/// them is deterministic.
/// </summary>
internal sealed class ProbeIndex
{
    // High half: the tag. Low half: the entry's number plus one; zero is an empty slot.
    private readonly ulong[] _slots;
    private readonly int _mask;

    public ProbeIndex(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(capacity, 1 << 28);
        _slots = new ulong[BitOperations.RoundUpToPowerOf2((uint)capacity) * 2];
        _mask = _slots.Length - 1;
    }

    /// <summary>Where the search for a tag begins.</summary>
    public int Start(uint tag) => (int)(tag & (uint)_mask);

    /// <summary>
    /// The next entry with this tag at or after <paramref name="position"/>, which then names its slot; the caller
    /// compares keys and, if they differ, goes on with the following position. False at the end of the run.
    /// </summary>
    public bool TryProbe(uint tag, ref int position, out int entry)
    {
        while (true)
        {
            ulong slot = _slots[position];
            if (slot == 0)
            {
                entry = -1;
                return false;
            }

            if ((uint)(slot >> 32) == tag)
            {
                entry = (int)(uint)slot - 1;
                return true;
            }

            position = Next(position);
        }
    }

    /// <summary>The slot at a position.</summary>
    public ref readonly ulong At(int position) => ref _slots[position];

    /// <summary>The slot behind.</summary>
    public int Next(int position) => (position + 1) & _mask;

    /// <summary>Adds an entry that is not in the index.</summary>
    public void Add(uint tag, int entry)
    {
        int position = Start(tag);
        while (_slots[position] != 0)
        {
            position = Next(position);
        }

        _slots[position] = (ulong)tag << 32 | (uint)(entry + 1);
    }

    /// <summary>Empties a slot and moves back whatever could no longer be found behind the gap.</summary>
    public void RemoveAt(int position)
    {
        int gap = position;
        for (int next = Next(gap); _slots[next] != 0; next = Next(next))
        {
            int home = Start((uint)(_slots[next] >> 32));
            bool reachableWithoutGap = ((next - home) & _mask) < ((next - gap) & _mask);
            if (!reachableWithoutGap)
            {
                _slots[gap] = _slots[next];
                gap = next;
            }
        }

        _slots[gap] = 0;
    }
}
