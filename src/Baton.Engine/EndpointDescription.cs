using Baton.Wire;

namespace Baton.Engine;

/// <summary>What an endpoint is doing.</summary>
public enum EndpointActivity
{
    /// <summary>It serves its client.</summary>
    Active,

    /// <summary>It is being handed off: it emits nothing and holds what arrives.</summary>
    Frozen,

    /// <summary>It is being taken over: it emits nothing and holds what arrives.</summary>
    Embryo,
}

/// <summary>What an endpoint is, as of one moment (R2 to R4).</summary>
public sealed record EndpointDescription
{
    /// <summary>Its name at its owner.</summary>
    public required EndpointId Id { get; init; }

    /// <summary>Protocol and four-tuple.</summary>
    public required Flow Flow { get; init; }

    /// <summary>The service that the client uses, or null for the node's own endpoints.</summary>
    public required string? Service { get; init; }

    /// <summary>The TCP state by its name in RFC 9293 §3.3.2, or OPEN for UDP.</summary>
    public required string State { get; init; }

    /// <summary>Whether it serves or is in a handoff.</summary>
    public required EndpointActivity Activity { get; init; }

    /// <summary>The node where it lives.</summary>
    public required NodeId Owner { get; init; }

    /// <summary>The owner's lan address.</summary>
    public required InetAddress OwnerAddress { get; init; }

    /// <summary>The application's port at the owner.</summary>
    public required ushort OwnerPort { get; init; }

    /// <summary>The application it is bound to, or null when it is unattached.</summary>
    public required string? Application { get; init; }

    /// <summary>The listener or connection that binds it ("streamer on baton://web"), or null when it is unattached.</summary>
    public required string? Socket { get; init; }

    /// <summary>The ownership number.</summary>
    public required Epoch Epoch { get; init; }

    /// <summary>Sequence numbers as of now, or null for UDP.</summary>
    public required SequenceGroup? Sequence { get; init; }

    /// <summary>Bytes received that the application has not taken.</summary>
    public required long ReceiveQueue { get; init; }

    /// <summary>Bytes sent by the application that the client has not acknowledged.</summary>
    public required long SendQueue { get; init; }

    /// <summary>Packets held now.</summary>
    public required int HeldPackets { get; init; }

    /// <summary>Packets received.</summary>
    public required long PacketsIn { get; init; }

    /// <summary>Packets sent.</summary>
    public required long PacketsOut { get; init; }

    /// <summary>Payload bytes received.</summary>
    public required long BytesIn { get; init; }

    /// <summary>Payload bytes sent.</summary>
    public required long BytesOut { get; init; }

    /// <summary>Segments sent again.</summary>
    public required long Retransmitted { get; init; }

    /// <summary>How long it has been at this node.</summary>
    public required TimeSpan Age { get; init; }

    /// <summary>What its home does with its packets, when this node is the home: "local", "hold"; else null.</summary>
    public required string? HomeVerdict { get; init; }

    /// <summary>Handoffs that brought it here or failed to take it away, as this node saw them.</summary>
    public required IReadOnlyList<HandoffEvent> History { get; init; }

    /// <summary>Whether it has no application.</summary>
    public bool IsUnattached => Application is null;
}

/// <summary>One entry of the directory: what this node, the flow's home, does with its packets (R10).</summary>
/// <param name="Flow">The flow.</param>
/// <param name="Owner">The node that owns its endpoint.</param>
/// <param name="OwnerName">That node's name.</param>
/// <param name="Epoch">The ownership number.</param>
/// <param name="Reference">The owner's reference, as issued.</param>
/// <param name="Verdict">"local" or "forward to B".</param>
public sealed record ForwardingEntry(
    Flow Flow, NodeId Owner, string OwnerName, Epoch Epoch, EncodedReference Reference, string Verdict);
