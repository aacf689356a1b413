using Baton.Wire;

namespace Baton.Handoff;

/// <summary>What the source is to hand over, and to whom.</summary>
public sealed record HandoffRequest
{
    /// <summary>The run's name: 64 random bits from the caller, never used before.</summary>
    public required HandoffId Id { get; init; }

    /// <summary>The flow.</summary>
    public required Flow Flow { get; init; }

    /// <summary>Its endpoint at this node.</summary>
    public required EndpointId Endpoint { get; init; }

    /// <summary>The epoch of this node's ownership, as the home has it.</summary>
    public required Epoch Epoch { get; init; }

    /// <summary>The node that holds the flow's directory entry; may be this node or the target.</summary>
    public required NodeId Home { get; init; }

    /// <summary>The node that shall own the flow.</summary>
    public required NodeId Target { get; init; }

    /// <summary>The application ("type") that shall continue it; at most <see cref="HandoffLimits.MaxApplicationNameBytes"/> of UTF-8.</summary>
    public required string ApplicationName { get; init; }

    /// <summary>
    /// What else the target's stack must know to make an embryo (window promise, TCP options): opaque, at most
    /// <see cref="HandoffLimits.MaxOptionsBytes"/>.
    /// </summary>
    public ReadOnlyMemory<byte> Options { get; init; }

    /// <summary>How long STATE will be, roughly; the target reserves by it.</summary>
    public int ExpectedStateBytes { get; init; }

    /// <summary>
    /// The connection is fresh (little state): freeze at once and let STATE follow PREPARE without waiting for PREPARED.
    /// </summary>
    public bool Fresh { get; init; }

    /// <summary>Queued bytes are sent ahead while the source serves (<see cref="HandoffOutput.Precopy"/>). Ignored when <see cref="Fresh"/>.</summary>
    public bool Precopy { get; init; }

    /// <summary>Overrides <see cref="HandoffLimits.FreezeBudget"/>.</summary>
    public TimeSpan? FreezeBudget { get; init; }
}
