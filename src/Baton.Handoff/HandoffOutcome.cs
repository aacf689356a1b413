namespace Baton.Handoff;

/// <summary>How a handoff ended, as one party knows it. A handoff id has one outcome.</summary>
public enum HandoffOutcome : byte
{
    /// <summary>Not ended yet.</summary>
    None,

    /// <summary>The home swapped: the target owns the flow.</summary>
    Committed,

    /// <summary>The target would not have it, and the source goes on serving.</summary>
    Rejected,

    /// <summary>Given up before the swap: the source goes on serving.</summary>
    Aborted,

    /// <summary>The home has no entry for the flow: the connection has ended, and every copy of it is discarded silently.</summary>
    Gone,
}

/// <summary>Which side of a handoff a node is on.</summary>
public enum HandoffRole : byte
{
    /// <summary>The owner before.</summary>
    Source,

    /// <summary>The owner after.</summary>
    Target,
}
