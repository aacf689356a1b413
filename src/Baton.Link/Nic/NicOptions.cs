namespace Baton.Link;

/// <summary>How much a <see cref="NicCache"/> holds.</summary>
public sealed record NicOptions
{
    /// <summary>Flows of this home's, 1 to 2^24; the packets of one that has no room are decided by the host. Some 300 bytes each, taken at once.</summary>
    public int Flows { get; init; } = 65_536;

    /// <summary>Endpoints of this node's; references of one that has no room are checked by the host alone.</summary>
    public int Endpoints { get; init; } = 65_536;

    /// <summary>
    /// How many SYNs a second the front's program lets up from one source (an IPv4 address, an IPv6 network of 64 bits) that
    /// begin a flow; 0 for no limit, at most 1,000,000. What is above it is dropped before the host sees it.
    /// </summary>
    public int SynRate { get; init; }

    /// <summary>How many of them it lets up at once, 1 to 1,000,000.</summary>
    public int SynBurst { get; init; } = 256;
}
