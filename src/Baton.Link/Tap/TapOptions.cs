using Baton.Wire;

namespace Baton.Link;

/// <summary>How a <see cref="TapLink"/> is opened.</summary>
public sealed record TapOptions
{
    /// <summary>The interface's name, 1 to 15 characters; made when it does not exist, and gone when the link is disposed.</summary>
    public required string Name { get; init; }

    /// <summary>The network namespace in which the interface is made, by name or path; null for the present one.</summary>
    public string? Namespace { get; init; }

    /// <summary>
    /// The stack's address, which is never that of the kernel's interface; null for a random, locally administered one.
    /// </summary>
    public MacAddress? Address { get; init; }

    /// <summary>Largest IP packet in bytes, 68 to 65521.</summary>
    public int Mtu { get; init; } = 1500;

    /// <summary>Frames that the kernel keeps for us before it drops.</summary>
    public int QueueFrames { get; init; } = 4096;

    /// <summary>What is asked of the kernel, and offered to the stack.</summary>
    public LinkOffloads Offloads { get; init; } = LinkOffloads.Checksum | LinkOffloads.Tso | LinkOffloads.Uso;

    /// <summary>Whether frames we send go through the kernel's NAPI and GRO: better for bulk, worse for small packets.</summary>
    public bool Napi { get; init; }

    /// <summary>
    /// Whether several links open the interface, each a queue of it: one link for each shard. A flow's frames come by the
    /// queue that its answers last went out by. All give the same <see cref="Address"/>.
    /// </summary>
    public bool MultiQueue { get; init; }

    /// <summary>
    /// Whether the interface stays when its last link is disposed, with its addresses and routes, until
    /// <c>ip link delete</c>. One that was there before stays in any case.
    /// </summary>
    public bool Persistent { get; init; }

    /// <summary>
    /// Whether the kernel may speak IPv6 on its side of the interface (router solicitations, multicast reports). It is
    /// told not to where it can be told.
    /// </summary>
    public bool KernelIpv6 { get; init; }
}
