using Baton.Wire;

namespace Baton.Engine;

/// <summary>One member of the farm.</summary>
public sealed record MemberOptions
{
    /// <summary>Its name, unique in the farm.</summary>
    public required string Name { get; init; }

    /// <summary>Its number, unique in the farm, 1 to 65535.</summary>
    public required NodeId Id { get; init; }

    /// <summary>Its address on the lan.</summary>
    public required InetAddress LanAddress { get; init; }

    /// <summary>Its own address on the front, of either family.</summary>
    public required InetAddress FrontAddress { get; init; }

    /// <summary>Its own IPv6 address on the front beside an IPv4 <see cref="FrontAddress"/>, or null.</summary>
    public InetAddress? FrontAddressV6 { get; init; }

    /// <summary>The service addresses it is home of, of the families in which it has an address of its own on the front.</summary>
    public IReadOnlyList<InetAddress> ServiceAddresses { get; init; } = [];

    /// <summary>Its share under the weighted policy, 1 to 65535.</summary>
    public ushort Weight { get; init; } = 1;
}
