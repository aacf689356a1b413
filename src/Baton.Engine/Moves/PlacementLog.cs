using Baton.Wire;

namespace Baton.Engine;

/// <summary>
/// The last placements that this node decided. A ring whose places are used again and again: a connection that is placed
/// costs a copy of the members' states and no memory.
/// </summary>
internal sealed class PlacementLog(FarmModel farm, int capacity)
{
    private readonly Entry[] _ring = new Entry[capacity];
    private long _count;

    /// <summary>Keeps a decision.</summary>
    /// <param name="now">The time.</param>
    /// <param name="flow">The connection.</param>
    /// <param name="policy">The service's policy.</param>
    /// <param name="cause">Who asked for a move; null at the handshake.</param>
    /// <param name="selected">The node; none for any other by the policy.</param>
    /// <param name="candidates">The members' states that it was decided by.</param>
    public void Add(Instant now, in Flow flow, string policy, MoveCause? cause, NodeId selected, ReadOnlySpan<MemberState> candidates)
    {
        ref var entry = ref _ring[_count++ % _ring.Length];
        entry.States ??= new MemberState[farm.Members.Count];
        candidates.CopyTo(entry.States);
        (entry.At, entry.Flow, entry.Policy, entry.Cause, entry.Selected, entry.Count) = (now, flow, policy, cause, selected, candidates.Length);
    }

    /// <summary>The decisions about connections of a client, oldest first.</summary>
    public IReadOnlyList<PlacementDecision> Of(Instant now, InetAddress client, ushort port)
    {
        var found = new List<PlacementDecision>();
        for (long number = Math.Max(0, _count - _ring.Length); number < _count; number++)
        {
            ref readonly var entry = ref _ring[number % _ring.Length];
            if (entry.Flow.Tuple.RemotePort == port && entry.Flow.Tuple.RemoteAddress == client)
            {
                found.Add(Describe(now, in entry));
            }
        }

        return found;
    }

    private PlacementDecision Describe(Instant now, in Entry entry) => new()
    {
        Age = now - entry.At,
        Flow = entry.Flow,
        Cause = entry.Cause,
        Policy = entry.Policy,
        Selected = entry.Selected == NodeId.None ? null : farm.NameOf(entry.Selected),
        Candidates = [.. entry.States[..entry.Count].Select(s => new PlacementCandidate(farm.NameOf(s.Node), LoadScore.Of(in s).Connections, s.Weight, s.Draining))],
    };

    private struct Entry
    {
        public Instant At;
        public Flow Flow;
        public string Policy;
        public MoveCause? Cause;
        public NodeId Selected;
        public MemberState[] States;
        public int Count;
    }
}
