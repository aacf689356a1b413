namespace Baton.Link;

/// <summary>How much a <see cref="NicCache"/> holds.</summary>
public sealed record NicOptions
{
    /// <summary>Flows of this home's, 1 to 2^24; the packets of one that has no room are decided by the host. Some 300 bytes each, taken at once.</summary>
    public int Flows { get; init; } = 65_536;

    /// <summary>Endpoints of this node's; references of one that has no room are checked by the host alone.</summary>
    public int Endpoints { get; init; } = 65_536;
}
