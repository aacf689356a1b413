using System.Buffers.Binary;

namespace Baton.Wire;

/// <summary>A Router Solicitation or Router Advertisement (RFC 4861 §4.1, §4.2), as far as a host with configured addresses needs it.</summary>
public readonly record struct RouterMessage
{
    private const int FixedLength = 8;

    /// <summary>Whether a router tells of itself, rather than a host asks.</summary>
    public bool IsAdvertisement { get; init; }

    /// <summary>The sender's link address; null where it is left out.</summary>
    public MacAddress? LinkAddress { get; init; }

    /// <summary>Advertisements: seconds for which the sender is a default router; 0: it is none.</summary>
    public ushort Lifetime { get; init; }

    /// <summary>Advertisements: the hop limit to use; 0: not said.</summary>
    public byte HopLimit { get; init; }

    /// <summary>Advertisements: milliseconds for which a neighbour is taken as reachable after it was heard; 0: not said.</summary>
    public uint ReachableTime { get; init; }

    /// <summary>Advertisements: milliseconds between solicitations; 0: not said.</summary>
    public uint RetransmissionTime { get; init; }

    /// <summary>Advertisements: the link's MTU, or null.</summary>
    public uint? Mtu { get; init; }

    /// <summary>Advertisements: prefixes told of, which are not used: addresses are configured.</summary>
    public int Prefixes { get; init; }

    /// <summary>Bytes of a solicitation on the wire, from the ICMPv6 header on.</summary>
    public int Length => IcmpMessage.HeaderLength
        + (IsAdvertisement ? FixedLength : 0)
        + (LinkAddress is null ? 0 : NeighbourOptions.LinkAddressLength)
        + (IsAdvertisement && Mtu is not null ? 8 : 0);

    /// <summary>Reads a message whose ICMPv6 checksum has been verified, and checks what RFC 4861 §6.1 asks.</summary>
    public static DropReason TryParse(in IpPacket packet, in IcmpMessage message, out RouterMessage parsed)
    {
        parsed = default;
        bool advertisement = message.Type == IcmpV6Type.RouterAdvertisement;
        int start = advertisement ? FixedLength : 0;
        if (packet.Ttl != 255 || message.Code != 0 || message.Body.Length < start
            || !NeighbourOptions.TryRead(message.Body[start..], NeighbourOptions.SourceLinkAddress, out var options))
        {
            return DropReason.NeighbourDiscoveryMalformed;
        }

        // RFC 4861 §6.1.1: who has no address names no link address; §6.1.2: routers speak from their link-local address.
        if (advertisement ? packet.Source.IsV4 || !packet.Source.IsLinkLocal : packet.Source.IsUnspecified && options.LinkAddress is not null)
        {
            return DropReason.NeighbourDiscoveryMalformed;
        }

        parsed = new RouterMessage
        {
            IsAdvertisement = advertisement,
            LinkAddress = options.LinkAddress,
            HopLimit = advertisement ? (byte)(message.Rest >> 24) : (byte)0,
            Lifetime = advertisement ? (ushort)message.Rest : (ushort)0,
            ReachableTime = advertisement ? BinaryPrimitives.ReadUInt32BigEndian(message.Body) : 0,
            RetransmissionTime = advertisement ? BinaryPrimitives.ReadUInt32BigEndian(message.Body[4..]) : 0,
            Mtu = options.Mtu,
            Prefixes = options.Prefixes,
        };
        return DropReason.None;
    }

    /// <summary>Writes <see cref="Length"/> bytes with the ICMPv6 checksum between the two addresses, and returns that length.</summary>
    public int Write(Span<byte> destination, InetAddress source, InetAddress target)
    {
        Span<byte> body = stackalloc byte[FixedLength + NeighbourOptions.LinkAddressLength + 8];
        body.Clear();
        int at = 0;
        uint rest = 0;
        if (IsAdvertisement)
        {
            rest = (uint)HopLimit << 24 | Lifetime;
            BinaryPrimitives.WriteUInt32BigEndian(body, ReachableTime);
            BinaryPrimitives.WriteUInt32BigEndian(body[4..], RetransmissionTime);
            at = FixedLength;
        }

        if (LinkAddress is { } address)
        {
            NeighbourOptions.WriteLinkAddress(body[at..], NeighbourOptions.SourceLinkAddress, address);
            at += NeighbourOptions.LinkAddressLength;
        }

        if (IsAdvertisement && Mtu is { } mtu)
        {
            body[at] = NeighbourOptions.LinkMtu;
            body[at + 1] = 1;
            BinaryPrimitives.WriteUInt32BigEndian(body[(at + 4)..], mtu);
            at += 8;
        }

        byte type = IsAdvertisement ? IcmpV6Type.RouterAdvertisement : IcmpV6Type.RouterSolicitation;
        return new IcmpMessage(AddressFamily.V6, type, 0, rest, body[..at]).Write(destination, source, target);
    }
}
