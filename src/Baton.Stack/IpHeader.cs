using Baton.Wire;

namespace Baton.Stack;

/// <summary>IP headers of either family, without options or extension headers.</summary>
internal static class IpHeader
{
    /// <summary>Bytes of a family's header.</summary>
    public static int Length(AddressFamily family) => family == AddressFamily.V4 ? Ipv4Header.Length : Ipv6Header.Length;

    /// <summary>Bytes of the header of packets to an address.</summary>
    public static int Length(InetAddress address) => Length(address.Family);

    /// <summary>Writes a header and returns its length.</summary>
    /// <param name="destination">Room for the header.</param>
    /// <param name="source">From.</param>
    /// <param name="target">To, of the same family.</param>
    /// <param name="protocol">What follows.</param>
    /// <param name="payloadLength">Bytes of what follows.</param>
    /// <param name="trafficClass">DSCP and ECN.</param>
    /// <param name="hopLimit">TTL or hop limit.</param>
    /// <param name="identification">IPv4: null sets DF, and the packet needs none (RFC 6864 §4.1).</param>
    /// <param name="flowLabel">IPv6: 20 bits that are the same for all packets of a flow (RFC 6437).</param>
    public static int Write(
        Span<byte> destination,
        InetAddress source,
        InetAddress target,
        IpProtocol protocol,
        int payloadLength,
        byte trafficClass = 0,
        byte hopLimit = Ipv4Header.DefaultTtl,
        ushort? identification = null,
        uint flowLabel = 0) => target.IsV4
        ? Ipv4Header.Write(
            destination,
            source,
            target,
            protocol,
            Ipv4Header.Length + payloadLength,
            identification ?? 0,
            trafficClass,
            hopLimit,
            dontFragment: identification is null)
        : Ipv6Header.Write(destination, source, target, protocol, payloadLength, flowLabel, trafficClass, hopLimit);
}
