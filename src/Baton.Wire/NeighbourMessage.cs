using System.Buffers.Binary;

namespace Baton.Wire;

/// <summary>A Neighbor Solicitation or Neighbor Advertisement (RFC 4861 §4.3, §4.4).</summary>
public readonly record struct NeighbourMessage
{
    private const uint RouterFlag = 0x8000_0000;
    private const uint SolicitedFlag = 0x4000_0000;
    private const uint OverrideFlag = 0x2000_0000;
    private const int TargetLength = 16;

    /// <summary>Whether this answers or announces, rather than asks.</summary>
    public bool IsAdvertisement { get; init; }

    /// <summary>The address that is asked for or told of; never a group.</summary>
    public InetAddress Target { get; init; }

    /// <summary>The link address of who asks, or of the target; null where it is left out.</summary>
    public MacAddress? LinkAddress { get; init; }

    /// <summary>Advertisements: the sender is a router.</summary>
    public bool IsRouter { get; init; }

    /// <summary>Advertisements: this answers a solicitation, so both directions work.</summary>
    public bool IsSolicited { get; init; }

    /// <summary>Advertisements: a link address that is known already gives way to this one.</summary>
    public bool Overrides { get; init; }

    /// <summary>Bytes on the wire, from the ICMPv6 header on.</summary>
    public int Length => IcmpMessage.HeaderLength + TargetLength + (LinkAddress is null ? 0 : NeighbourOptions.LinkAddressLength);

    /// <summary>
    /// Reads a message whose ICMPv6 checksum has been verified, and checks all that RFC 4861 §7.1 asks: hop limit 255,
    /// code 0, lengths, a target that is no group, and who may ask whom.
    /// </summary>
    public static DropReason TryParse(in IpPacket packet, in IcmpMessage message, out NeighbourMessage parsed)
    {
        parsed = default;
        bool advertisement = message.Type == IcmpV6Type.NeighbourAdvertisement;
        if (packet.Ttl != 255 || message.Code != 0 || message.Body.Length < TargetLength)
        {
            return DropReason.NeighbourDiscoveryMalformed;
        }

        var target = InetAddress.FromBytes(message.Body[..TargetLength]);
        byte wanted = advertisement ? NeighbourOptions.TargetLinkAddress : NeighbourOptions.SourceLinkAddress;
        if (target.IsMulticast || target.IsV4 || target.IsUnspecified
            || !NeighbourOptions.TryRead(message.Body[TargetLength..], wanted, out var options))
        {
            return DropReason.NeighbourDiscoveryMalformed;
        }

        bool solicited = advertisement && (message.Rest & SolicitedFlag) != 0;

        // RFC 4861 §7.1.1: who has no address yet asks the solicited-node group and names no link address.
        // RFC 4861 §7.1.2: an answer goes to one host.
        bool forbidden = advertisement
            ? solicited && packet.Destination.IsMulticast
            : packet.Source.IsUnspecified && (options.LinkAddress is not null || packet.Destination != target.SolicitedNode);
        if (forbidden)
        {
            return DropReason.NeighbourDiscoveryMalformed;
        }

        parsed = new NeighbourMessage
        {
            IsAdvertisement = advertisement,
            Target = target,
            LinkAddress = options.LinkAddress,
            IsRouter = advertisement && (message.Rest & RouterFlag) != 0,
            IsSolicited = solicited,
            Overrides = advertisement && (message.Rest & OverrideFlag) != 0,
        };
        return DropReason.None;
    }

    /// <summary>Writes <see cref="Length"/> bytes with the ICMPv6 checksum between the two addresses, and returns that length.</summary>
    public int Write(Span<byte> destination, InetAddress source, InetAddress target)
    {
        Span<byte> body = stackalloc byte[TargetLength + NeighbourOptions.LinkAddressLength];
        Target.CopyTo(body);
        if (LinkAddress is { } address)
        {
            byte type = IsAdvertisement ? NeighbourOptions.TargetLinkAddress : NeighbourOptions.SourceLinkAddress;
            NeighbourOptions.WriteLinkAddress(body[TargetLength..], type, address);
        }

        uint flags = (IsRouter ? RouterFlag : 0) | (IsSolicited ? SolicitedFlag : 0) | (Overrides ? OverrideFlag : 0);
        byte kind = IsAdvertisement ? IcmpV6Type.NeighbourAdvertisement : IcmpV6Type.NeighbourSolicitation;
        body = body[..(Length - IcmpMessage.HeaderLength)];
        return new IcmpMessage(AddressFamily.V6, kind, 0, IsAdvertisement ? flags : 0, body).Write(destination, source, target);
    }
}

/// <summary>The options of Neighbor Discovery's messages (RFC 4861 §4.6) that mean something to a host.</summary>
internal readonly record struct NeighbourOptions(MacAddress? LinkAddress, uint? Mtu, int Prefixes)
{
    public const byte SourceLinkAddress = 1;
    public const byte TargetLinkAddress = 2;
    public const byte PrefixInformation = 3;
    public const byte LinkMtu = 5;

    /// <summary>Bytes of a link address option for Ethernet.</summary>
    public const int LinkAddressLength = 8;

    /// <summary>Options that are walked before a message is refused.</summary>
    public const int MaxOptions = 32;

    /// <summary>
    /// Walks the options: one of length zero, or that goes beyond the message, makes the message invalid (RFC 4861
    /// §4.6); unknown ones are skipped. Of each kind the first counts.
    /// </summary>
    public static bool TryRead(ReadOnlySpan<byte> options, byte linkAddressType, out NeighbourOptions found)
    {
        found = default;
        MacAddress? link = null;
        uint? mtu = null;
        int prefixes = 0;
        for (int count = 0; !options.IsEmpty; count++)
        {
            int length = options.Length < 2 ? 0 : options[1] * 8;
            if (length == 0 || length > options.Length || count == MaxOptions)
            {
                return false;
            }

            if (options[0] == linkAddressType && length == LinkAddressLength)
            {
                var address = MacAddress.FromBytes(options[2..]);
                if (address.IsMulticast || address.Value == 0)
                {
                    return false;
                }

                link ??= address;
            }
            else if (options[0] == LinkMtu && length == 8)
            {
                mtu ??= BinaryPrimitives.ReadUInt32BigEndian(options[4..]);
            }
            else if (options[0] == PrefixInformation && length == 32)
            {
                prefixes++;
            }

            options = options[length..];
        }

        found = new NeighbourOptions(link, mtu, prefixes);
        return true;
    }

    public static void WriteLinkAddress(Span<byte> destination, byte type, MacAddress address)
    {
        destination[0] = type;
        destination[1] = 1;
        address.CopyTo(destination[2..]);
    }
}
