using Baton.Wire;

namespace Baton.Link;

/// <summary>One port of a <see cref="MemoryNetwork"/>.</summary>
public sealed record MemoryLinkOptions
{
    /// <summary>For messages and captures.</summary>
    public required string Name { get; init; }

    /// <summary>The address of the stack's interface.</summary>
    public required MacAddress Address { get; init; }

    /// <summary>Largest IP packet in bytes, 68 to 65535; longer packets are dropped and counted.</summary>
    public int Mtu { get; init; } = 1500;

    /// <summary>What the link offers its stack.</summary>
    public LinkOffloads Offloads { get; init; }

    /// <summary>What happens to frames on this link's cable, the same in both directions.</summary>
    public FaultProfile Faults { get; init; } = FaultProfile.Perfect;

    /// <summary>Most frames that wait to be received; more are dropped and counted.</summary>
    public int InboxFrames { get; init; } = 4096;
}
