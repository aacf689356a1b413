using Baton.Wire;

namespace Baton.Handoff;

/// <summary>
/// After its start a node does not claim its own addresses before it has asked whether somebody else is home by now: each member's
/// claims are the answer.
/// </summary>
internal sealed class Asking
{
    private readonly HomeTable _homes;
    private readonly Recoveries _recoveries;
    private readonly HashSet<NodeId> _heard = [];
    private readonly Instant _until;
    private bool _isLate;

    public Asking(NodeId self, HomeTable homes, Recoveries recoveries, Instant until)
    {
        _homes = homes;
        _recoveries = recoveries;
        _until = until;
        foreach (var home in homes.All)
        {
            if (home.Configured == self)
            {
                home.Phase = HomePhase.Asking;
            }
        }
    }

    /// <summary>When asking is over, if enough members have been heard.</summary>
    public Instant NextDeadline => _isLate ? Instant.Never : _until;

    /// <summary>Whether the member has told its claims on its present channel.</summary>
    public bool HasHeard(NodeId member) => _heard.Contains(member);

    /// <summary>A member has told its claims.</summary>
    /// <returns>Whether for the first time on its channel.</returns>
    public bool OnHeard(NodeId member) => _heard.Add(member);

    /// <summary>There is another channel to the member.</summary>
    public void OnChannelUp(NodeId member) => _heard.Remove(member);

    /// <summary>
    /// Asking ends with everybody's answer, or in time with that of so many that they are at least half of all members, this node
    /// among them: of more than half, who alone could have given its addresses to another one, somebody is among those. Who is
    /// cut off from more waits.
    /// </summary>
    public void End(Instant now)
    {
        _isLate |= now >= _until;
        int heard = 1 + _heard.Count;
        if (heard == _homes.Members.Length || (_isLate && 2 * heard >= _homes.Members.Length))
        {
            Claim(now);
        }
    }

    /// <summary>Claims the addresses that this node still asks for.</summary>
    public List<InetAddress> Claim(Instant now)
    {
        var claimed = new List<InetAddress>();
        foreach (var home in _homes.All)
        {
            if (home.Phase == HomePhase.Asking)
            {
                claimed.Add(home.Address);
                _recoveries.Begin(now, home, Instant.Max(now, _until));
            }
        }

        if (claimed.Count > 0)
        {
            _homes.Broadcast();
            _recoveries.End(now);
        }

        return claimed;
    }
}
