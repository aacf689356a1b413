using Baton.Link;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>A network that the node is on. Its own address there is in <see cref="MemberOptions"/>.</summary>
public sealed record NetworkOptions
{
    /// <summary>The device.</summary>
    public required ILink Link { get; init; }

    /// <summary>Length of the network's prefix in bits, e.g. 24.</summary>
    public required int PrefixLength { get; init; }

    /// <summary>The next hop for everything outside the prefix, or null for none.</summary>
    public InetAddress? Gateway { get; init; }
}
