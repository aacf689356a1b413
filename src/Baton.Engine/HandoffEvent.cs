using Baton.Wire;

namespace Baton.Engine;

/// <summary>This node's part in a handoff.</summary>
public enum HandoffRole
{
    /// <summary>It gave the endpoint away, or tried.</summary>
    Source,

    /// <summary>It took the endpoint, or tried.</summary>
    Target,
}

/// <summary>How a handoff ended.</summary>
public enum MoveOutcome
{
    /// <summary>The endpoint lives at the target.</summary>
    Moved,

    /// <summary>The target refused; the endpoint is where it was.</summary>
    Rejected,

    /// <summary>The handoff was rolled back; the endpoint is where it was.</summary>
    Aborted,

    /// <summary>The target cannot be reached; the endpoint is where it was.</summary>
    Unreachable,

    /// <summary>The application did not hand off in time; the endpoint is where it was.</summary>
    NotHandedOff,

    /// <summary>The connection ended before it could move.</summary>
    Closed,

    /// <summary>There is no such endpoint here.</summary>
    NotFound,

    /// <summary>The endpoint cannot move: it is already in a handoff, not established, or no service's.</summary>
    NotMovable,
}

/// <summary>One handoff as this node saw it.</summary>
/// <param name="At">Time since the node's start.</param>
/// <param name="Role">This node's part.</param>
/// <param name="Handoff">The run of the protocol.</param>
/// <param name="Flow">The flow.</param>
/// <param name="Endpoint">The endpoint at this node.</param>
/// <param name="From">The source.</param>
/// <param name="To">The target.</param>
/// <param name="Epoch">The ownership number after it.</param>
/// <param name="Outcome">How it ended.</param>
/// <param name="Reason">Why, when it did not succeed; else empty.</param>
/// <param name="FrozenMicroseconds">From freeze (source) or installation (target) to the end, in microseconds.</param>
/// <param name="HeldPackets">Packets that this node held meanwhile.</param>
/// <param name="ImageBytes">Bytes of the image.</param>
public sealed record HandoffEvent(
    TimeSpan At,
    HandoffRole Role,
    HandoffId Handoff,
    Flow Flow,
    EndpointId Endpoint,
    NodeId From,
    NodeId To,
    Epoch Epoch,
    MoveOutcome Outcome,
    string Reason,
    double FrozenMicroseconds,
    int HeldPackets,
    long ImageBytes);

/// <summary>What came of a request to move an endpoint.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="Reason">Why, when it did not succeed; else empty.</param>
/// <param name="Event">The handoff, when one was run.</param>
public sealed record MoveResult(MoveOutcome Outcome, string Reason, HandoffEvent? Event)
{
    /// <summary>Whether the endpoint lives at the target now.</summary>
    public bool Moved => Outcome == MoveOutcome.Moved;
}

/// <summary>How far a drain is.</summary>
/// <param name="Total">Endpoints at its start.</param>
/// <param name="Moved">Of these, moved.</param>
/// <param name="Closed">Of these, ended by themselves.</param>
/// <param name="Failed">Attempts that failed; each is tried again until the drain is cancelled.</param>
/// <param name="Remaining">Endpoints still here.</param>
/// <param name="Addresses">Service addresses still here; they go last, and stay when no other member is reachable.</param>
public sealed record DrainProgress(int Total, int Moved, int Closed, int Failed, int Remaining, int Addresses = 0);
