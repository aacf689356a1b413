using Baton.Wire;

namespace Baton.Handoff;

/// <summary>What a node knows of one service address, and what it is for it.</summary>
internal sealed class ServiceHome(InetAddress address, NodeId configured)
{
    public InetAddress Address { get; } = address;

    /// <summary>The node that is home when nobody has claimed the address.</summary>
    public NodeId Configured { get; } = configured;

    public HomeClaim Claim { get; set; } = new(address, NodeId.None, default);

    /// <summary>Whether the home has said that it serves.</summary>
    public bool IsServing { get; set; }

    public HomePhase Phase { get; set; }

    /// <summary>Recovering: members that have not announced yet.</summary>
    public HashSet<NodeId> Unheard { get; } = [];

    /// <summary>When the phase ends by time: asking, recovering, former.</summary>
    public Instant Until { get; set; } = Instant.Never;

    /// <summary>Recovering: how long lists that are on their way are waited for, even when nobody emits on the last home's word any more.</summary>
    public Instant ListsUntil { get; set; } = Instant.Never;

    /// <summary>Recovering: only members that are reached are waited for.</summary>
    public bool AwaitsListsOnly { get; set; }

    /// <summary>Yielding: the next home.</summary>
    public NodeId Heir { get; set; }

    /// <summary>Yielding: the channel to the next home broke since, so that only the next one tells what came of it.</summary>
    public bool HeirWasLost { get; set; }

    /// <summary>This node's endpoints behind the address emit nothing.</summary>
    public bool IsSilenced { get; set; }

    /// <summary>Since when they do, or since when the home has acknowledged them.</summary>
    public Instant SilencedAt { get; set; }

    /// <summary>The home, another node, has acknowledged a list of this node's in its present incarnation.</summary>
    public bool HasTakenList { get; set; }

    /// <summary>
    /// They have been silent for so long that the home, which has been heard since, may have given them up, or one of which they knew
    /// nothing serves; only a home that knows all flows can say that none has.
    /// </summary>
    public bool IsInDoubt { get; set; }

    /// <summary>This node has the directory of the home before, and goes through its own endpoints by it.</summary>
    public bool AwaitsOwnList { get; set; }

    /// <summary>
    /// Members with which this node has made no channel since it was given the directory: what that says they own may be of a later
    /// start than this node knows of.
    /// </summary>
    public HashSet<NodeId> Unmet { get; } = [];

    public bool IsHere => Phase is HomePhase.Recovering or HomePhase.Serving;
}
