using System.Runtime.CompilerServices;

namespace Baton.Wire;

/// <summary>
/// The layout of one IP packet of either family, parsed once and valid from then on. Offsets count from the IP header's
/// first byte.
/// </summary>
public readonly record struct IpPacket
{
    /// <summary>IPv6 extension headers that are walked before a packet is dropped.</summary>
    public const int MaxExtensionHeaders = 8;

    /// <summary>The packet's family.</summary>
    public AddressFamily Family { get; init; }

    /// <summary>The transport protocol; of an IPv6 fragment what its fragment header says follows.</summary>
    public IpProtocol Protocol { get; init; }

    /// <summary>Where it comes from.</summary>
    public InetAddress Source { get; init; }

    /// <summary>Where it goes.</summary>
    public InetAddress Destination { get; init; }

    /// <summary>Where the transport header (or a fragment's data) begins: IPv4 options and IPv6 extension headers included.</summary>
    public int HeaderLength { get; init; }

    /// <summary>Bytes of the packet by its own account: padding of the frame is not counted.</summary>
    public int TotalLength { get; init; }

    /// <summary>TTL or hop limit.</summary>
    public byte Ttl { get; init; }

    /// <summary>DSCP and ECN.</summary>
    public byte TrafficClass { get; init; }

    /// <summary>The DF bit; always set for IPv6.</summary>
    public bool DontFragment { get; init; }

    /// <summary>Whether more fragments follow.</summary>
    public bool MoreFragments { get; init; }

    /// <summary>This fragment's place in the data, in bytes.</summary>
    public int FragmentOffset { get; init; }

    /// <summary>16 bits of IPv4, 32 of an IPv6 fragment header.</summary>
    public uint Identification { get; init; }

    /// <summary>Where an IPv6 fragment header stands, or 0.</summary>
    public int FragmentHeaderOffset { get; init; }

    /// <summary>Whether <see cref="SourcePort"/> and <see cref="DestinationPort"/> were there: TCP or UDP, and not a later fragment.</summary>
    public bool HasPorts { get; init; }

    /// <summary>The sender's port, when <see cref="HasPorts"/>.</summary>
    public ushort SourcePort { get; init; }

    /// <summary>The receiver's port, when <see cref="HasPorts"/>.</summary>
    public ushort DestinationPort { get; init; }

    /// <summary>Whether this is a part of a packet.</summary>
    public bool IsFragment => MoreFragments || FragmentOffset != 0;

    /// <summary>Bytes after all IP headers.</summary>
    public int PayloadLength => TotalLength - HeaderLength;

    /// <summary>
    /// Parses a packet: version, lengths, the IPv4 header's checksum and options, IPv6 extension headers. Bytes behind
    /// the packet's end (a frame's padding) are allowed.
    /// </summary>
    /// <param name="packet">From the IP header on.</param>
    /// <param name="parsed">The layout, when <see cref="DropReason.None"/> is returned.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DropReason TryParse(ReadOnlySpan<byte> packet, out IpPacket parsed) =>
        TryParse(packet, packet.Length, quoted: false, out parsed);

    /// <summary>
    /// Parses the beginning of a packet that an ICMP error quotes: it may be cut anywhere after its transport ports, and
    /// its checksum, which a router may have changed, is not verified (RFC 1812 §4.3.2.3).
    /// </summary>
    public static DropReason TryParseQuoted(ReadOnlySpan<byte> quote, out IpPacket parsed) =>
        TryParse(quote, int.MaxValue, quoted: true, out parsed);

    /// <summary>The flow as the node at the packet's destination sees it: local is the destination.</summary>
    public Flow FlowAtDestination() => new(Protocol, new(Destination, DestinationPort, Source, SourcePort));

    /// <summary>The flow as the node at the packet's source sees it: local is the source. For packets quoted by ICMP errors.</summary>
    public Flow FlowAtSource() => new(Protocol, new(Source, SourcePort, Destination, DestinationPort));

    /// <summary>The transport header and payload in <paramref name="packet"/>, which must be what was parsed.</summary>
    public ReadOnlySpan<byte> Payload(ReadOnlySpan<byte> packet) => packet[HeaderLength..TotalLength];

    internal static DropReason TryParse(ReadOnlySpan<byte> bytes, int available, bool quoted, out IpPacket parsed)
    {
        if (bytes.IsEmpty)
        {
            parsed = default;
            return DropReason.Truncated;
        }

        switch (bytes[0] >> 4)
        {
            case 4:
                return Ipv4Parser.TryParse(bytes, available, quoted, out parsed);
            case 6:
                return Ipv6Parser.TryParse(bytes, available, out parsed);
            default:
                parsed = default;
                return DropReason.IpBadVersion;
        }
    }
}
