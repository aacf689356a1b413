using Baton.Wire;

namespace Baton.Engine;

/// <summary>Why a connection was placed at a node, or asked to leave one: what was known when it was decided.</summary>
public sealed record PlacementDecision
{
    /// <summary>How long ago.</summary>
    public required TimeSpan Age { get; init; }

    /// <summary>The connection.</summary>
    public required Flow Flow { get; init; }

    /// <summary>Who asked for the move; null when the handshake was over and the connection was to be served by somebody.</summary>
    public required MoveCause? Cause { get; init; }

    /// <summary>The service's policy.</summary>
    public required string Policy { get; init; }

    /// <summary>The node that was selected; null for any other by the policy.</summary>
    public required string? Selected { get; init; }

    /// <summary>The members that could be reached, by their numbers.</summary>
    public required IReadOnlyList<PlacementCandidate> Candidates { get; init; }
}

/// <summary>A member as it was known when a connection was placed.</summary>
/// <param name="Node">Its name.</param>
/// <param name="Load">Its load, see <see cref="LoadScore"/>.</param>
/// <param name="Weight">Its configured weight.</param>
/// <param name="Draining">Whether it took no connections.</param>
public sealed record PlacementCandidate(string Node, ulong Load, ushort Weight, bool Draining);
