using System.Diagnostics;
using Baton.Wire;

namespace Baton.Director;

/// <summary>
/// The home's directory: which node owns each flow, since which epoch, and by which reference it is reached. It is
/// authoritative: a handoff is decided by <see cref="CompareAndSwap"/> and nowhere else. Bounded; a lookup allocates
/// nothing; the hash is keyed, so that clients cannot choose ports that collide. Used by one thread.
/// </summary>
public sealed class FlowTable
{
    private readonly NodeId _self;
    private readonly HashKey _key;
    private readonly ProbeIndex _index;
    private readonly Slab<FlowEntry> _entries;
    private int _claimed;
    private int _firstFree = -1;
    private VerdictCounters _counters;

    /// <summary>An empty table.</summary>
    /// <param name="self">The node it belongs to: its own flows are local.</param>
    /// <param name="key">The secret of the hash.</param>
    /// <param name="capacity">The most flows it holds, 1 to 2^28.</param>
    public FlowTable(NodeId self, HashKey key, int capacity)
    {
        _self = self;
        _key = key;
        Capacity = capacity;
        _index = new ProbeIndex(capacity);
        _entries = new Slab<FlowEntry>(capacity);
    }

    /// <summary>The most flows it holds.</summary>
    public int Capacity { get; }

    /// <summary>The flows it holds.</summary>
    public int Count { get; private set; }

    /// <summary>Flows that were not added because the table was full.</summary>
    public long Overflows { get; private set; }

    /// <summary>Told of each change; null for nobody.</summary>
    public IFlowObserver? Observer { get; set; }

    /// <summary>The verdicts given.</summary>
    public VerdictCounters Verdicts => _counters;

    /// <summary>
    /// The epoch for a new flow. Not below any that a removed flow had: the late question of an ended connection's
    /// handoff must not match the next connection between the same ports.
    /// </summary>
    public Epoch NextEpoch { get; private set; } = Epoch.First;

    /// <summary>Decides about a packet of a flow, and counts the verdict.</summary>
    public Verdict Decide(in Flow flow)
    {
        int number = Find(in flow, out _);
        if (number < 0)
        {
            _counters.Count(VerdictKind.Unknown);
            return Verdict.Unknown;
        }

        ref var entry = ref _entries[number];
        var kind = entry.Owner == _self ? VerdictKind.Local : VerdictKind.Forward;
        _counters.Count(kind);
        return new Verdict(kind, ref entry);
    }

    /// <summary>What a flow is looked for by, for <see cref="SlotOf"/> and <see cref="FirstWith"/>.</summary>
    public uint TagOf(in Flow flow) => (uint)(flow.Hash(in _key) >> 32);

    /// <summary>Where the search for a tag begins: to be brought near before it.</summary>
    public ref readonly ulong SlotOf(uint tag) => ref _index.At(_index.Start(tag));

    /// <summary>The number of the first entry with a tag, most likely that of its flow; -1 for none.</summary>
    public int FirstWith(uint tag)
    {
        int slot = _index.Start(tag);
        _ = _index.TryProbe(tag, ref slot, out int number);
        return number;
    }

    /// <summary>The entry with a number that <see cref="FirstWith"/> gave.</summary>
    public ref readonly FlowEntry EntryAt(int number) => ref _entries[number];

    /// <summary>A copy of a flow's entry, for listings; counts nothing.</summary>
    public bool TryFind(in Flow flow, out FlowEntry entry)
    {
        int number = Find(in flow, out _);
        entry = number < 0 ? default : _entries[number];
        return number >= 0;
    }

    /// <summary>Adds a flow. It has an owner from its first packet on.</summary>
    /// <exception cref="ArgumentException"><paramref name="owner"/> is none.</exception>
    public AddResult TryAdd(in Flow flow, NodeId owner, Epoch epoch, in EncodedReference reference)
    {
        if (owner == NodeId.None)
        {
            throw new ArgumentException("A flow in the directory has an owner.", nameof(owner));
        }

        if (Find(in flow, out _) >= 0)
        {
            return AddResult.Exists;
        }

        if (Count == Capacity)
        {
            Overflows++;
            return AddResult.Full;
        }

        int number = ClaimEntry();
        ref var entry = ref _entries.Claim(number);
        entry = new FlowEntry
        {
            Flow = flow,
            Owner = owner,
            Epoch = epoch,
            BeganEpoch = epoch,
            BeganEndpoint = ReferenceCodec.Id(reference.Span),
            StoredReference = reference,
        };
        _index.Add(TagOf(in flow), number);
        Count++;
        Observer?.OnWritten(in entry);
        return AddResult.Added;
    }

    /// <summary>
    /// The only point of decision of a handoff. Idempotent: the entry keeps the last handoff that was decided, so the
    /// same question gets the same outcome, and of a handoff's two questions, commit and abort, only one ever succeeds.
    /// </summary>
    public SwapResult CompareAndSwap(in SwapQuestion question)
    {
        int number = Find(question.Flow, out _);
        if (number < 0)
        {
            return new SwapResult(SwapOutcome.Gone, NodeId.None, default, default);
        }

        ref var entry = ref _entries[number];
        if (question.ExpectedEpoch < entry.BeganEpoch
            || (question.ExpectedEpoch == entry.BeganEpoch && question.ExpectedEndpoint != entry.BeganEndpoint))
        {
            // About an earlier connection between the same ports, which was written off or has ended.
            return new SwapResult(SwapOutcome.Gone, NodeId.None, default, default);
        }

        bool decidedBefore = entry.LastHandoff == question.Handoff;
        bool swapped = decidedBefore
            ? entry.Owner == question.NewOwner && entry.Epoch == question.NewEpoch
            : Matches(in entry, in question);
        if (swapped && !decidedBefore)
        {
            entry.Owner = question.NewOwner;
            entry.Epoch = question.NewEpoch;
            entry.LastHandoff = question.Handoff;
            entry.Known = null;
            if (!question.IsAbort)
            {
                entry.StoredReference = question.Reference;
            }

            Observer?.OnWritten(in entry);
        }

        return new SwapResult(swapped ? SwapOutcome.Swapped : SwapOutcome.Refused, entry.Owner, entry.Epoch, entry.StoredReference);
    }

    /// <summary>
    /// The owner says that its endpoint has ended. Idempotent; what a former owner says, or an owner of another epoch, has
    /// no effect, nor has what is told late of an endpoint that an earlier connection between the same ports had.
    /// </summary>
    /// <returns>Whether the endpoint's entry is not in the table any more.</returns>
    public bool TryClose(in Flow flow, NodeId owner, Epoch epoch, EndpointId endpoint)
    {
        int number = Find(in flow, out int slot);
        if (number < 0)
        {
            return true;
        }

        ref readonly var entry = ref _entries[number];
        if (entry.Owner != owner || entry.Epoch != epoch || ReferenceCodec.Id(entry.StoredReference.Span) != endpoint)
        {
            return false;
        }

        Remove(slot, number);
        return true;
    }

    /// <summary>
    /// An owner tells what lives there. While the home is <paramref name="recovering"/> that makes entries, the highest
    /// epoch winning; a ready endpoint makes none, since its question will tell. Afterwards the table is what counts.
    /// </summary>
    /// <param name="announced">The endpoint.</param>
    /// <param name="list">The number of the owner's list that it is in; see <see cref="RemoveUnlisted"/>.</param>
    /// <param name="recovering">Whether the home has not heard all of its members yet.</param>
    public AnnounceResult Announce(in Announcement announced, ulong list, bool recovering)
    {
        int number = Find(announced.Flow, out _);
        if (number >= 0)
        {
            ref var entry = ref _entries[number];
            bool same = entry.Owner == announced.Owner
                && ReferenceCodec.Id(entry.StoredReference.Span) == ReferenceCodec.Id(announced.Reference.Span);
            if (same || (recovering && announced.Phase != AnnouncedPhase.Ready && announced.Epoch > entry.Epoch))
            {
                if (!same)
                {
                    Write(ref entry, in announced);
                }
                else if (recovering && announced.Phase != AnnouncedPhase.Ready && announced.Epoch > entry.Epoch)
                {
                    entry.Epoch = announced.Epoch;
                    Observer?.OnWritten(in entry);
                }

                entry.List = list;
                return AnnounceResult.Kept;
            }
        }
        else if (recovering && announced.Phase != AnnouncedPhase.Ready)
        {
            return Restore(in announced, list) ? AnnounceResult.Kept : AnnounceResult.Full;
        }

        return announced.Phase == AnnouncedPhase.Active ? AnnounceResult.Gone : AnnounceResult.Ignored;
    }

    /// <summary>Takes an entry as the home before has it, in place of any other; false when the table is full.</summary>
    public bool Restore(in Announcement entry) => Restore(in entry, list: 0);

    /// <summary>
    /// The owner's list is complete: what the directory says it owns behind a local address, and was not in the list, has
    /// ended without the home hearing of it.
    /// </summary>
    /// <returns>The flows removed.</returns>
    public int RemoveUnlisted(NodeId owner, InetAddress local, ulong list)
    {
        int removed = 0;
        foreach (ref readonly var entry in this)
        {
            if (entry.Owner == owner && entry.List != list && entry.Flow.Tuple.LocalAddress == local)
            {
                removed += Remove(entry.Flow) ? 1 : 0;
            }
        }

        return removed;
    }

    /// <summary>Removes the flows of one local address, of one owner or (none) of all.</summary>
    /// <returns>The flows removed.</returns>
    public int RemoveAll(InetAddress local, NodeId owner)
    {
        int removed = 0;
        foreach (ref readonly var entry in this)
        {
            if (entry.Flow.Tuple.LocalAddress == local && (owner == NodeId.None || entry.Owner == owner))
            {
                removed += Remove(entry.Flow) ? 1 : 0;
            }
        }

        return removed;
    }

    /// <summary>Removes a flow whoever owns it, as an operator does.</summary>
    public bool Remove(in Flow flow)
    {
        int number = Find(in flow, out int slot);
        if (number < 0)
        {
            return false;
        }

        Remove(slot, number);
        return true;
    }

    /// <summary>
    /// The entries, in the order of their numbers: the same for the same history, whatever the key. Flows may be removed
    /// meanwhile.
    /// </summary>
    public Enumerator GetEnumerator() => new(this);

    private bool Restore(in Announcement announced, ulong list)
    {
        int number = Find(announced.Flow, out _);
        if (number < 0)
        {
            if (TryAdd(announced.Flow, announced.Owner, announced.Epoch, announced.Reference) != AddResult.Added)
            {
                return false;
            }

            number = Find(announced.Flow, out _);
        }

        ref var entry = ref _entries[number];
        Write(ref entry, in announced);
        entry.List = list;
        return true;
    }

    private void Write(ref FlowEntry entry, in Announcement announced)
    {
        entry.Owner = announced.Owner;
        entry.Epoch = announced.Epoch;
        (entry.BeganEpoch, entry.BeganEndpoint) = (default, default);
        entry.LastHandoff = announced.Handoff;
        entry.StoredReference = announced.Reference;
        entry.Known = null;
        Observer?.OnWritten(in entry);
    }

    // A question is one of two: commit to another node with the next epoch, or abort at the same node with the one
    // after, so that of both only the first can match.
    private static bool Matches(in FlowEntry entry, in SwapQuestion question) =>
        question.Handoff != HandoffId.None
        && question.NewOwner != NodeId.None
        && entry.Owner == question.ExpectedOwner
        && entry.Epoch == question.ExpectedEpoch
        && ReferenceCodec.Id(entry.StoredReference.Span) == question.ExpectedEndpoint
        && question.NewEpoch == question.ExpectedEpoch + (question.IsAbort ? 2u : 1u)
        && question.NewEpoch > question.ExpectedEpoch;

    private int Find(in Flow flow, out int slot)
    {
        uint tag = TagOf(in flow);
        slot = _index.Start(tag);
        while (_index.TryProbe(tag, ref slot, out int number))
        {
            if (_entries[number].Flow == flow)
            {
                return number;
            }

            slot = _index.Next(slot);
        }

        return -1;
    }

    private int ClaimEntry()
    {
        if (_firstFree < 0)
        {
            return _claimed++;
        }

        int number = _firstFree;
        _firstFree = (int)_entries[number].List;
        return number;
    }

    private void Remove(int slot, int number)
    {
        ref var entry = ref _entries[number];
        Debug.Assert(entry.InUse, "A free entry is not in the index.");
        if (entry.Epoch > NextEpoch)
        {
            NextEpoch = entry.Epoch;
        }

        var removed = entry;
        _index.RemoveAt(slot);
        entry = new FlowEntry { List = (ulong)_firstFree };
        _firstFree = number;
        Count--;
        Observer?.OnRemoved(in removed);
    }

    /// <summary>Walks the entries.</summary>
    public ref struct Enumerator
    {
        private readonly FlowTable _table;
        private int _number;

        internal Enumerator(FlowTable table)
        {
            _table = table;
            _number = -1;
        }

        /// <summary>The entry in turn.</summary>
        public readonly ref readonly FlowEntry Current => ref _table._entries[_number];

        /// <summary>On to the next entry.</summary>
        public bool MoveNext()
        {
            while (++_number < _table._claimed)
            {
                if (_table._entries[_number].InUse)
                {
                    return true;
                }
            }

            return false;
        }
    }
}
