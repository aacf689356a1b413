using Baton.Wire;

namespace Baton.Handoff;

/// <summary>How a handoff ended, for whoever asks again.</summary>
/// <param name="Flow">The flow.</param>
/// <param name="Outcome">How.</param>
/// <param name="Reason">Why, when it was not committed.</param>
/// <param name="Decided">Whether the home decided it.</param>
/// <param name="Epoch">Committed: the epoch since.</param>
/// <param name="Reference">Committed: the target's reference.</param>
/// <param name="Home">At the source: who decided.</param>
internal readonly record struct EndedHandoff(
    Flow Flow, HandoffOutcome Outcome, HandoffReason Reason, bool Decided, Epoch Epoch = default, EncodedReference Reference = default,
    NodeId Home = default);

/// <summary>
/// The last so many ended handoffs. One that is forgotten is answered as unknown, which is safe: whatever was decided,
/// the home knows it.
/// </summary>
internal sealed class EndedHandoffs(int capacity)
{
    private readonly Dictionary<HandoffId, EndedHandoff> _ended = [];
    private readonly Queue<HandoffId> _order = new();

    public bool TryGet(HandoffId id, out EndedHandoff ended) => _ended.TryGetValue(id, out ended);

    public void Add(HandoffId id, in EndedHandoff ended)
    {
        if (!_ended.TryAdd(id, ended))
        {
            return;
        }

        _order.Enqueue(id);
        if (_order.Count > capacity)
        {
            _ended.Remove(_order.Dequeue());
        }
    }
}
