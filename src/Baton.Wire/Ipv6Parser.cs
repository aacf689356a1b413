using System.Buffers.Binary;

namespace Baton.Wire;

/// <summary>Parses IPv6 headers and a bounded chain of extension headers (RFC 8200).</summary>
internal static class Ipv6Parser
{
    private const byte HopByHop = 0;
    private const byte Routing = 43;
    private const byte Fragment = 44;
    private const byte Authentication = 51;
    private const byte DestinationOptions = 60;
    private const byte NoNextHeader = 59;
    private const byte PadOne = 0;
    private const int PayloadLengthOffset = 4;

    private struct Chain
    {
        public byte NextHeader;
        public int NextHeaderOffset;
        public Ipv6Problem? Problem;
        public int Offset;
        public int FragmentHeaderOffset;
        public int FragmentOffset;
        public bool MoreFragments;
        public uint Identification;

        public readonly bool IsFragment => MoreFragments || FragmentOffset != 0;
    }

    public static DropReason TryParse(ReadOnlySpan<byte> bytes, int available, out IpPacket packet)
    {
        packet = default;
        if (bytes.Length < Ipv6Header.Length)
        {
            return DropReason.Truncated;
        }

        uint first = BinaryPrimitives.ReadUInt32BigEndian(bytes);
        int totalLength = Ipv6Header.Length + BinaryPrimitives.ReadUInt16BigEndian(bytes[4..]);
        if (totalLength > available)
        {
            return DropReason.Truncated;
        }

        var present = bytes[..Math.Min(totalLength, bytes.Length)];
        var chain = new Chain { NextHeader = bytes[6], NextHeaderOffset = 6, Offset = Ipv6Header.Length };
        if (WalkExtensionHeaders(present, totalLength, ref chain) is not DropReason.None and var bad)
        {
            return bad;
        }

        var source = InetAddress.FromBytes(bytes[8..24]);
        var destination = InetAddress.FromBytes(bytes[24..40]);
        if (source.IsV4 || destination.IsV4)
        {
            // IPv4-mapped addresses never stand on a wire (RFC 4291 §2.5.5.2); here they would name IPv4 flows.
            return DropReason.IpMartianSource;
        }

        var protocol = (IpProtocol)chain.NextHeader;
        if (!TransportPorts.TryRead(protocol, chain.FragmentOffset, present[chain.Offset..], out uint ports, out bool hasPorts))
        {
            return DropReason.Truncated;
        }

        packet = new IpPacket
        {
            Family = AddressFamily.V6,
            Protocol = protocol,
            Source = source,
            Destination = destination,
            HeaderLength = chain.Offset,
            TotalLength = totalLength,
            Ttl = bytes[7],
            TrafficClass = (byte)(first >> 20),
            DontFragment = true,
            MoreFragments = chain.MoreFragments,
            FragmentOffset = chain.FragmentOffset,
            Identification = chain.Identification,
            FragmentHeaderOffset = chain.FragmentHeaderOffset,
            HasPorts = hasPorts,
            SourcePort = (ushort)(ports >> 16),
            DestinationPort = (ushort)ports,
        };
        return DropReason.None;
    }

    /// <summary>See <see cref="Ipv6Problem.TryFind"/>.</summary>
    public static bool TryFindProblem(ReadOnlySpan<byte> bytes, out Ipv6Problem problem)
    {
        problem = default;
        if (bytes.Length < Ipv6Header.Length || bytes[0] >> 4 != 6)
        {
            return false;
        }

        int totalLength = Ipv6Header.Length + BinaryPrimitives.ReadUInt16BigEndian(bytes[PayloadLengthOffset..]);
        if (totalLength > bytes.Length)
        {
            return false;
        }

        var present = bytes[..totalLength];
        var chain = new Chain { NextHeader = bytes[6], NextHeaderOffset = 6, Offset = Ipv6Header.Length };
        if (WalkExtensionHeaders(present, totalLength, ref chain) != DropReason.None)
        {
            problem = chain.Problem.GetValueOrDefault();
            return chain.Problem is not null;
        }

        if (!TransportPorts.TryRead((IpProtocol)chain.NextHeader, chain.FragmentOffset, present[chain.Offset..], out _, out _))
        {
            // RFC 7112 §5: the first fragment must hold the whole chain, the transport header included.
            problem = new Ipv6Problem(Ipv6Problem.IncompleteChain, 0);
            return chain.IsFragment;
        }

        // RFC 8200 §4: the pointer names the field that told of the header; "no next header" (§4.7) is no error.
        problem = new Ipv6Problem(Ipv6Problem.UnknownNextHeader, (uint)chain.NextHeaderOffset);
        return chain.NextHeader != NoNextHeader && !chain.IsFragment;
    }

    private static DropReason WalkExtensionHeaders(ReadOnlySpan<byte> packet, int totalLength, ref Chain chain)
    {
        for (int headers = 0; chain.NextHeader is HopByHop or Routing or Fragment or Authentication or DestinationOptions; headers++)
        {
            if (headers == IpPacket.MaxExtensionHeaders)
            {
                return DropReason.IpTooManyExtensionHeaders;
            }

            if (packet.Length - chain.Offset < 8)
            {
                return DropReason.Truncated;
            }

            var header = packet[chain.Offset..];
            if (chain.NextHeader == Fragment)
            {
                if (TakeFragmentHeader(header, totalLength, ref chain) is not DropReason.None and var bad)
                {
                    return bad;
                }

                if (chain.IsFragment)
                {
                    return DropReason.None;
                }

                continue;
            }

            if (chain.NextHeader == HopByHop && chain.Offset != Ipv6Header.Length)
            {
                // RFC 8200 §4.1: hop-by-hop options stand directly after the IPv6 header or not at all.
                chain.Problem = new Ipv6Problem(Ipv6Problem.UnknownNextHeader, (uint)chain.NextHeaderOffset);
                return DropReason.IpBadOptions;
            }

            if (chain.NextHeader == Routing && header[3] != 0)
            {
                // RFC 8200 §4.4 and RFC 5095: segments left at a host that is not a router of the path.
                chain.Problem = new Ipv6Problem(Ipv6Problem.BadField, (uint)chain.Offset + 2);
                return DropReason.IpSourceRoute;
            }

            // RFC 4302 §2.2: AH counts in 32-bit words less two, the others in 64-bit words less one.
            int length = chain.NextHeader == Authentication ? (header[1] + 2) * 4 : (header[1] + 1) * 8;
            if (length > header.Length)
            {
                return DropReason.Truncated;
            }

            if (chain.NextHeader is HopByHop or DestinationOptions && !CheckOptions(header[..length], ref chain))
            {
                return DropReason.IpBadOptions;
            }

            chain.NextHeader = header[0];
            chain.NextHeaderOffset = chain.Offset;
            chain.Offset += length;
        }

        return DropReason.None;
    }

    /// <summary>RFC 8200 §4.2: the two highest bits of an option's type say what is done by who does not know it.</summary>
    private static bool CheckOptions(ReadOnlySpan<byte> header, ref Chain chain)
    {
        for (int at = 2; at < header.Length;)
        {
            byte type = header[at];
            if (type == PadOne)
            {
                at++;
                continue;
            }

            if (header.Length - at < 2 || header.Length - at < 2 + header[at + 1])
            {
                chain.Problem = new Ipv6Problem(Ipv6Problem.BadField, (uint)(chain.Offset + at));
                return false;
            }

            int action = type >> 6;
            if (action != 0)
            {
                // 01: silence; 10: tell always; 11: tell unless it went to a group.
                chain.Problem = action == 1 ? null : new Ipv6Problem(Ipv6Problem.UnknownOption, (uint)(chain.Offset + at), action == 2);
                return false;
            }

            at += 2 + header[at + 1];
        }

        return true;
    }

    private static DropReason TakeFragmentHeader(ReadOnlySpan<byte> header, int totalLength, ref Chain chain)
    {
        if (chain.FragmentHeaderOffset != 0)
        {
            return DropReason.IpBadFragment;
        }

        ushort field = BinaryPrimitives.ReadUInt16BigEndian(header[2..]);
        chain.FragmentHeaderOffset = chain.Offset;
        chain.FragmentOffset = field & 0xFFF8;
        chain.MoreFragments = (field & 1) != 0;
        chain.Identification = BinaryPrimitives.ReadUInt32BigEndian(header[4..]);
        int at = chain.Offset;
        chain.NextHeader = header[0];
        chain.NextHeaderOffset = at;
        chain.Offset += 8;

        // RFC 8200 §4.5: all fragments but the last are multiples of eight, and none ends beyond 65,535 bytes.
        int length = totalLength - chain.Offset;
        if (chain.MoreFragments && (length & 7) != 0)
        {
            chain.Problem = new Ipv6Problem(Ipv6Problem.BadField, PayloadLengthOffset);
            return DropReason.IpBadFragment;
        }

        if (chain.FragmentOffset + length > ushort.MaxValue)
        {
            chain.Problem = new Ipv6Problem(Ipv6Problem.BadField, (uint)at + 2);
            return DropReason.IpBadFragment;
        }

        return DropReason.None;
    }
}
