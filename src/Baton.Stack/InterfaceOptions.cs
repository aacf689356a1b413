using Baton.Tcp;
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

    /// <summary>Largest IP packet in bytes; at least 576, and 1280 where IPv6 is spoken (RFC 8200 §5).</summary>
    public int Mtu { get; init; } = 1500;

    /// <summary>
    /// Settings of connections of the node's own addresses over this link, where round trips are other than elsewhere; null takes
    /// <see cref="StackOptions.OwnTcp"/>. The MSS is for the family that is spoken there.
    /// </summary>
    public TcpSettings? OwnTcp { get; init; }

    /// <summary>
    /// The time between two requests for a neighbour's link address: RetransTimer (RFC 4861 §10), and RFC 1122 §2.3.2.1's
    /// recommendation of one a second.
    /// </summary>
    public TimeSpan NeighbourInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The link completes transport checksums.</summary>
    public bool ChecksumOffload { get; init; }

    /// <summary>The link cuts TCP frames of up to 64 KiB.</summary>
    public bool Tso { get; init; }

    /// <summary>The link cuts frames of up to 64 KiB into equal UDP datagrams, if it completes checksums too.</summary>
    public bool Uso { get; init; }

    /// <summary>
    /// The node's own addresses of both families, the first IPv4 one being the source of ARP requests. An interface that
    /// speaks IPv6 has a link-local address as well.
    /// </summary>
    public required IReadOnlyList<InterfaceAddress> Addresses { get; init; }

    /// <summary>Next hop of what is on no interface's link, for the gateway's own family.</summary>
    public InetAddress? Gateway { get; init; }

    /// <summary>Next hop of IPv6 packets that are on no interface's link, where <see cref="Gateway"/> is IPv4's.</summary>
    public InetAddress? GatewayV6 { get; init; }

    /// <summary>Whether an IPv6 router that advertises itself becomes the gateway when none is configured (RFC 4861 §6.3).</summary>
    public bool AcceptRouters { get; init; }

    /// <summary>
    /// Whether the link's switches are told which IPv6 groups the interface listens to (MLDv2, RFC 3810): without it one
    /// that snoops does not bring us the questions for our addresses.
    /// </summary>
    public bool ReportGroups { get; init; }

    /// <summary>
    /// Whether the link is asked first if anybody has our addresses (RFC 4862 §5.4, RFC 5227 §2.1): until then they are
    /// not used, which takes 1 to 2 seconds for IPv6 and 4 to 7 for IPv4.
    /// </summary>
    public bool CheckAddresses { get; init; }

    /// <summary>Service addresses whose home is here: the interface answers ARP and Neighbor Discovery for them.</summary>
    public IReadOnlyList<InetAddress> ServiceAddresses { get; init; } = [];

    /// <summary>Whether the interface speaks IPv6: it has an address, service address or gateway of that family.</summary>
    public bool SpeaksV6 =>
        AcceptRouters || GatewayV6 is not null || Gateway is { IsV4: false }
        || Addresses.Any(a => !a.Address.IsV4) || ServiceAddresses.Any(a => !a.IsV4);
}
