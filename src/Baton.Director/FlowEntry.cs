using System.Diagnostics.CodeAnalysis;
using Baton.Wire;

namespace Baton.Director;

/// <summary>What the home knows of one flow.</summary>
public struct FlowEntry
{
    internal EncodedReference StoredReference;

    /// <summary>The owner's last list that it was in; of a free entry the number of the next one, -1 for none.</summary>
    internal ulong List;

    /// <summary>The endpoint with which the connection began, where this home has seen that; 0 where it was told of the entry.</summary>
    internal EndpointId BeganEndpoint;

    /// <summary>The epoch of <see cref="BeganEndpoint"/>.</summary>
    internal Epoch BeganEpoch;

    /// <summary>What the table's holder has found of a local flow (<see cref="Verdict.Remember"/>), or null.</summary>
    public object? Known { get; internal set; }

    /// <summary>The flow.</summary>
    public Flow Flow { get; internal set; }

    /// <summary>The node where the endpoint lives.</summary>
    public NodeId Owner { get; internal set; }

    /// <summary>Since which epoch.</summary>
    public Epoch Epoch { get; internal set; }

    /// <summary>The last handoff that was decided here, swapped or aborted; none before the first.</summary>
    public HandoffId LastHandoff { get; internal set; }

    /// <summary>Whether it is a flow's: every flow has an owner.</summary>
    internal readonly bool InUse => Owner != NodeId.None;

    /// <summary>The owner's reference, as the owner wrote it.</summary>
    [UnscopedRef]
    public readonly ref readonly EncodedReference Reference => ref StoredReference;
}
