using Baton.Wire;

namespace Baton.Director;

/// <summary>The lan addresses of an encapsulated packet: from this node to the owner, both IP addresses of one family.</summary>
public readonly record struct OuterAddresses(
    MacAddress SourceMac, MacAddress DestinationMac, InetAddress Source, InetAddress Destination);
