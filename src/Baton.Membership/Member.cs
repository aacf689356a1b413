using Baton.Wire;

namespace Baton.Membership;

/// <summary>A configured member of the farm.</summary>
/// <param name="Id">Its number, the same in every member's configuration.</param>
/// <param name="Name">What people and the tool call it.</param>
/// <param name="LanAddress">Its address between the nodes.</param>
/// <param name="FrontAddress">Its own address on the clients' side.</param>
/// <param name="Weight">Its share under the weighted policy, 1 to 65535.</param>
public sealed record Member(NodeId Id, string Name, InetAddress LanAddress, InetAddress FrontAddress, ushort Weight = 1)
{
    /// <summary>The service addresses that it is home of.</summary>
    public IReadOnlyList<InetAddress> ServiceAddresses { get; init; } = [];

    /// <inheritdoc/>
    public override string ToString() => $"{Name} ({Id})";
}
