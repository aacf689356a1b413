namespace Baton.Director;

/// <summary>What the directory makes of an announced endpoint.</summary>
public enum AnnounceResult : byte
{
    /// <summary>The entry names it, from now on or as before.</summary>
    Kept,

    /// <summary>The entry names another owner, who is asked about the handoff between them: nothing to be done.</summary>
    Ignored,

    /// <summary>The flow was written off, or went to another owner: the endpoint is to end silently.</summary>
    Gone,

    /// <summary>The table is full.</summary>
    Full,
}
