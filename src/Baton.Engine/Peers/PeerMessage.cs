namespace Baton.Engine;

/// <summary>What a message on a peer channel is. Values never change their meaning.</summary>
internal enum PeerMessageKind : byte
{
    /// <summary>The first in each direction: version, node, incarnation.</summary>
    Hello = 1,

    /// <summary>A message of the handoff protocol.</summary>
    Handoff = 2,

    /// <summary>A query: number, request.</summary>
    Query = 3,

    /// <summary>The answer to a query: number, status, answer.</summary>
    Answer = 4,

    /// <summary>A message about the home role.</summary>
    Home = 5,
}
