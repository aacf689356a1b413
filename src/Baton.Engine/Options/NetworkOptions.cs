using Baton.Link;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>A network that the node is on. Its own address there is in <see cref="MemberOptions"/>.</summary>
public sealed record NetworkOptions
{
    /// <summary>The device.</summary>
    public required ILink Link { get; init; }

    /// <summary>
    /// More queues of the same device, with the same address: one for each further shard. Both networks have equally many.
    /// </summary>
    public IReadOnlyList<ILink> FurtherQueues { get; init; } = [];

    /// <summary>Length of the network's prefix in bits, e.g. 24.</summary>
    public required int PrefixLength { get; init; }

    /// <summary>The next hop for everything outside the prefix, or null for none.</summary>
    public InetAddress? Gateway { get; init; }

    /// <summary>Length of the IPv6 prefix in bits, where the node has addresses of both families there.</summary>
    public int PrefixLengthV6 { get; init; } = 64;

    /// <summary>The IPv6 next hop where <see cref="Gateway"/> is IPv4's, or null for none.</summary>
    public InetAddress? GatewayV6 { get; init; }

    /// <summary>Whether an IPv6 router that advertises itself is the next hop when none is configured.</summary>
    public bool AcceptRouters { get; init; }

    /// <summary>
    /// Whether the network is asked first if anybody has the node's addresses (RFC 4862, RFC 5227). It makes each start
    /// up to seven seconds longer.
    /// </summary>
    public bool CheckAddresses { get; init; }

    /// <summary>The network as one shard has it: its queue alone.</summary>
    internal NetworkOptions OfShard(int index) =>
        FurtherQueues.Count == 0 ? this : this with { Link = index == 0 ? Link : FurtherQueues[index - 1] };
}
