using Baton.Wire;

namespace Baton.Engine;

/// <summary>A member as this node sees it.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Name">Its name.</param>
/// <param name="LanAddress">Its address on the lan.</param>
/// <param name="FrontAddress">Its own address on the front.</param>
/// <param name="ServiceAddresses">The service addresses it is home of.</param>
/// <param name="Reachable">Whether it has been heard of lately and its channel is open; always so for the node itself.</param>
/// <param name="State">Its last state, or null when it was never heard of.</param>
public sealed record MemberDescription(
    NodeId Id,
    string Name,
    InetAddress LanAddress,
    InetAddress FrontAddress,
    IReadOnlyList<InetAddress> ServiceAddresses,
    bool Reachable,
    MemberState? State);
