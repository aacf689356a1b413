using Baton.Wire;

namespace Baton.Stack;

/// <summary>Names an interface of a <see cref="NetworkStack"/>: its place in the order of <see cref="NetworkStack.AddInterface"/>.</summary>
public readonly record struct InterfaceId(byte Value)
{
    /// <inheritdoc/>
    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>An address of the node's own, with the prefix that is on the link.</summary>
/// <param name="Address">The address.</param>
/// <param name="Length">Bits of the prefix.</param>
public readonly record struct InterfaceAddress(InetAddress Address, byte Length)
{
    /// <summary>Whether <paramref name="other"/> is on the same link.</summary>
    public bool Covers(InetAddress other) => other.IsIn(Address, Length);

    /// <inheritdoc/>
    public override string ToString() => $"{Address}/{Length}";
}

/// <summary>What an interface is to be: the stack's view of a link.</summary>
public sealed record InterfaceOptions
{
    /// <summary>For messages.</summary>
    public required string Name { get; init; }

    /// <summary>The link's address: source of all frames sent.</summary>
    public required MacAddress MacAddress { get; init; }

    /// <summary>Largest IP packet in bytes; at least 576.</summary>
    public int Mtu { get; init; } = 1500;

    /// <summary>The link completes transport checksums.</summary>
    public bool ChecksumOffload { get; init; }

    /// <summary>The link cuts TCP frames of up to 64 KiB.</summary>
    public bool Tso { get; init; }

    /// <summary>The node's own addresses, the first of each family being the source of ARP requests.</summary>
    public required IReadOnlyList<InterfaceAddress> Addresses { get; init; }

    /// <summary>Next hop of everything that is on no interface's link.</summary>
    public InetAddress? Gateway { get; init; }

    /// <summary>Service addresses whose home is here: the interface answers ARP for them.</summary>
    public IReadOnlyList<InetAddress> ServiceAddresses { get; init; } = [];
}
