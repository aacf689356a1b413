using Baton.Wire;

namespace Baton.Director;

/// <summary>Who gets a new connection.</summary>
public interface ISelectionPolicy
{
    /// <summary>
    /// Selects an owner. Members that drain are never chosen.
    /// </summary>
    /// <param name="candidates">The states of the reachable members, this node's own as of now among them.</param>
    /// <param name="request">What is to be placed.</param>
    /// <returns>The owner, or none if no candidate takes connections.</returns>
    NodeId Select(ReadOnlySpan<MemberState> candidates, in SelectionRequest request);
}

/// <summary>A connection that is to be placed.</summary>
/// <param name="Flow">The connection's flow.</param>
/// <param name="Random">64 fresh random bits: policies make none of their own.</param>
public readonly record struct SelectionRequest(Flow Flow, ulong Random);
