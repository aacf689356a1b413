using Baton.Wire;

namespace Baton.Handoff;

/// <summary>
/// Members whose flows this node, as their home, gives up: those that were started anew, and those that it has not heard for
/// <see cref="HomeOptions.WriteOff"/>.
/// </summary>
internal sealed class WriteOffs(HomeOutbox outbox, HomeTable homes, HomeOptions options)
{
    private readonly Dictionary<NodeId, ulong> _incarnations = [];
    private readonly Dictionary<NodeId, Instant> _due = [];
    private readonly HashSet<NodeId> _reachable = [];

    public Instant NextDeadline
    {
        get
        {
            var next = Instant.Never;
            foreach (var at in _due.Values)
            {
                next = Instant.Min(next, at);
            }

            return next;
        }
    }

    /// <summary>Whether membership hears the member.</summary>
    public bool IsReachable(NodeId member) => _reachable.Contains(member);

    /// <summary>
    /// This node has just become home of an address: the directory may name members that it never heard, or that it held for
    /// lost already.
    /// </summary>
    public void AwaitMembers(Instant now)
    {
        foreach (var member in homes.Members)
        {
            if (member != outbox.Self && !_reachable.Contains(member))
            {
                _due[member] = now + options.WriteOff;
            }
        }
    }

    public void OnReachable(NodeId member)
    {
        _reachable.Add(member);
        _due.Remove(member);
    }

    public void OnUnreachable(Instant now, NodeId member)
    {
        _reachable.Remove(member);
        _due.TryAdd(member, now + options.WriteOff);
    }

    /// <summary>A channel to the member was made or re-made.</summary>
    /// <returns>Whether it was started anew since the last one: what it had is lost.</returns>
    public bool OnChannelUp(Instant now, NodeId member, ulong incarnation)
    {
        bool restarted = _incarnations.TryGetValue(member, out ulong known) && known != incarnation;
        _incarnations[member] = incarnation;
        if (restarted)
        {
            WriteOff(member, isRestarted: true);
        }

        foreach (var home in homes.All)
        {
            home.Unmet.Remove(member);
        }

        if (_due.TryGetValue(member, out var at) && at == Instant.Never)
        {
            // Written off, and not heard yet: what it is given on this channel may be lost with it, too.
            _due[member] = now + options.WriteOff;
        }

        return restarted;
    }

    public void OnDeadline(Instant now)
    {
        foreach (var (member, at) in _due.ToArray())
        {
            if (now >= at)
            {
                _due[member] = Instant.Never;
                if (homes.Exists(home => home.IsHere))
                {
                    // What this home has told it, a commit perhaps, is not to arrive when another has the flow.
                    outbox.Add(new HomeOutput.BreakChannel(member));
                    WriteOff(member, isRestarted: false);
                }
            }
        }
    }

    /// <summary>
    /// What the member had is lost. Where the directory may name what it has had since it was started anew, its list on the new channel
    /// tells the one from the other.
    /// </summary>
    private void WriteOff(NodeId member, bool isRestarted)
    {
        foreach (var home in homes.All)
        {
            if (home.IsHere && !(isRestarted && home.Unmet.Contains(member)))
            {
                outbox.Add(new HomeOutput.WriteOff(member, home.Address));
            }
        }
    }
}
