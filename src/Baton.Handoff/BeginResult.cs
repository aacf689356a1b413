namespace Baton.Handoff;

/// <summary>What became of <see cref="HandoffAgent.Begin"/>. Whatever is not <see cref="Started"/> changed nothing.</summary>
public enum BeginResult : byte
{
    /// <summary>Begun: a <see cref="HandoffOutput.Completed"/> will tell the outcome.</summary>
    Started,

    /// <summary>The flow is in another handoff, as source or target.</summary>
    AlreadyMoving,

    /// <summary>The target is this node.</summary>
    TargetIsSelf,

    /// <summary>There is no channel to the target.</summary>
    TargetUnreachable,

    /// <summary>There is no channel to the flow's home, which alone can decide.</summary>
    HomeUnreachable,

    /// <summary><see cref="HandoffLimits.MaxSourceHandoffs"/> are under way.</summary>
    TooMany,

    /// <summary>The id was used before, or a field is longer than its limit or empty.</summary>
    InvalidRequest,
}
