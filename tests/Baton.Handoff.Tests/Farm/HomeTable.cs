using Baton.Wire;

namespace Baton.Handoff.Tests.Farm;

/// <summary>A directory with the swap's semantics and nothing else.</summary>
internal sealed class HomeTable
{
    private readonly Dictionary<Flow, Entry> _entries = [];

    public int Count => _entries.Count;

    public bool TryGet(in Flow flow, out (NodeId Owner, Epoch Epoch, EncodedReference Reference) entry)
    {
        bool found = _entries.TryGetValue(flow, out var e);
        entry = (e.Owner, e.Epoch, e.Reference);
        return found;
    }

    public void Add(in Flow flow, NodeId owner, Epoch epoch, EncodedReference reference) =>
        _entries.Add(flow, new(owner, epoch, reference, HandoffId.None));

    public SwapResult CompareAndSwap(in SwapQuestion q)
    {
        if (!_entries.TryGetValue(q.Flow, out var e))
        {
            return new(SwapOutcome.Gone, NodeId.None, default, default);
        }

        if (e.Last == q.Handoff)
        {
            bool same = e.Owner == q.NewOwner && e.Epoch == q.NewEpoch;
            return new(same ? SwapOutcome.Swapped : SwapOutcome.Refused, e.Owner, e.Epoch, e.Reference);
        }

        if (e.Owner != q.ExpectedOwner || e.Epoch != q.ExpectedEpoch || FarmNode.EndpointOf(e.Reference) != q.ExpectedEndpoint)
        {
            return new(SwapOutcome.Refused, e.Owner, e.Epoch, e.Reference);
        }

        e = new(q.NewOwner, q.NewEpoch, q.IsAbort ? e.Reference : q.Reference, q.Handoff);
        _entries[q.Flow] = e;
        return new(SwapOutcome.Swapped, e.Owner, e.Epoch, e.Reference);
    }

    public void Close(in Flow flow, NodeId owner, Epoch epoch, EndpointId endpoint)
    {
        if (_entries.TryGetValue(flow, out var e) && e.Owner == owner && e.Epoch == epoch && FarmNode.EndpointOf(e.Reference) == endpoint)
        {
            _entries.Remove(flow);
        }
    }

    private readonly record struct Entry(NodeId Owner, Epoch Epoch, EncodedReference Reference, HandoffId Last);
}
