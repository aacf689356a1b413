namespace Baton.Hosting;

/// <summary>What one member asks another on behalf of a user.</summary>
public enum FarmQuestionKind
{
    /// <summary>Its state and counters: <see cref="NodeView"/>.</summary>
    Status,

    /// <summary>Its endpoints: <see cref="ConnectionsView"/>.</summary>
    Connections,

    /// <summary>To move one of its endpoints: <see cref="MoveView"/>.</summary>
    Move,

    /// <summary>Why a client's connections are where they are: a list of <see cref="PlacementView"/>.</summary>
    Placements,

    /// <summary>To begin draining: <see cref="DrainView"/>.</summary>
    Drain,

    /// <summary>How far its drain is: <see cref="DrainView"/>.</summary>
    DrainProgress,

    /// <summary>To take connections again: <see cref="DrainView"/>.</summary>
    Resume,
}

/// <summary>A question to one member.</summary>
/// <param name="Kind">What is asked.</param>
/// <param name="Move">The move that is asked for.</param>
/// <param name="Client">The address and port of the client that is asked about.</param>
public sealed record FarmQuestion(FarmQuestionKind Kind, MoveCommand? Move = null, string? Client = null);
