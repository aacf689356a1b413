using Baton.Handoff;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>A service address, as one node knows it.</summary>
/// <param name="Address">The address.</param>
/// <param name="Home">The name of its home, or null while nobody has claimed it.</param>
/// <param name="Incarnation">The number of that node's time as home.</param>
/// <param name="Phase">What this node is for it.</param>
public sealed record HomeDescription(InetAddress Address, string? Home, HomeIncarnation Incarnation, HomePhase Phase);
