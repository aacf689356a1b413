using Baton.Wire;

namespace Baton.Link;

/// <summary>How a <see cref="PacketLink"/> is opened.</summary>
public sealed record PacketOptions
{
    /// <summary>The interface, which must exist and be up; it keeps its name, addresses and MTU.</summary>
    public required string Name { get; init; }

    /// <summary>The network namespace of the interface, by name or path; null for the present one.</summary>
    public string? Namespace { get; init; }

    /// <summary>
    /// The stack's Ethernet address: another than the kernel's, so that the kernel ignores what comes for it. Null for a
    /// random, locally administered one.
    /// </summary>
    public MacAddress? Address { get; init; }

    /// <summary>
    /// The stack's Internet addresses. The link refuses to open where the kernel owns one of them: the kernel would answer
    /// the clients' segments with RST.
    /// </summary>
    public IReadOnlyList<InetAddress> Addresses { get; init; } = [];

    /// <summary>What is asked of the kernel, and offered to the stack.</summary>
    public LinkOffloads Offloads { get; init; } = LinkOffloads.Checksum | LinkOffloads.Tso | LinkOffloads.Uso;

    /// <summary>
    /// Links of the same number share the interface's flows, each flow staying with one link: one link for each shard.
    /// Null when this link is alone.
    /// </summary>
    public ushort? FanoutGroup { get; init; }

    /// <summary>Bytes of frames that the kernel keeps for us before it drops.</summary>
    public int BufferLength { get; init; } = 64 << 20;
}
