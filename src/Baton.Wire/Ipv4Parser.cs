using System.Buffers.Binary;

namespace Baton.Wire;

/// <summary>Parses IPv4 headers (RFC 791, RFC 1122 §3.2.1).</summary>
internal static class Ipv4Parser
{
    private const byte EndOfList = 0;
    private const byte NoOperation = 1;
    private const byte LooseSourceRoute = 131;
    private const byte StrictSourceRoute = 137;

    public static DropReason TryParse(ReadOnlySpan<byte> bytes, int available, bool quoted, out IpPacket packet)
    {
        packet = default;
        if (bytes.Length < Ipv4Header.Length)
        {
            return DropReason.Truncated;
        }

        uint first = BinaryPrimitives.ReadUInt32BigEndian(bytes);
        uint second = BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]);
        uint third = BinaryPrimitives.ReadUInt32BigEndian(bytes[8..]);
        uint source = BinaryPrimitives.ReadUInt32BigEndian(bytes[12..]);
        uint destination = BinaryPrimitives.ReadUInt32BigEndian(bytes[16..]);
        int headerLength = (int)(first >> 24 & 0xF) * 4;
        int totalLength = (ushort)first;
        if (headerLength < Ipv4Header.Length || totalLength < headerLength)
        {
            return DropReason.IpBadHeaderLength;
        }

        if (headerLength > bytes.Length || totalLength > available)
        {
            return DropReason.Truncated;
        }

        var options = bytes[Ipv4Header.Length..headerLength];
        ulong sum = (ulong)first + second + third + source + destination + (options.IsEmpty ? 0 : Checksum.Add(options));
        if (!quoted && Checksum.Reduce(sum) != ushort.MaxValue)
        {
            return DropReason.IpBadChecksum;
        }

        if (!options.IsEmpty && CheckOptions(options) is not DropReason.None and var bad)
        {
            return bad;
        }

        int offset = (int)(second & 0x1FFF) * 8;
        bool more = (second & 0x2000) != 0;
        int payloadLength = totalLength - headerLength;
        if (offset + payloadLength > ushort.MaxValue - headerLength || (more && (payloadLength & 7) != 0))
        {
            return DropReason.IpBadFragment;
        }

        var protocol = (IpProtocol)(byte)(third >> 16);
        var payload = bytes[headerLength..Math.Min(totalLength, bytes.Length)];
        if (!TransportPorts.TryRead(protocol, offset, payload, out uint ports, out bool hasPorts))
        {
            return DropReason.Truncated;
        }

        packet = new IpPacket
        {
            Family = AddressFamily.V4,
            Protocol = protocol,
            Source = InetAddress.FromV4(source),
            Destination = InetAddress.FromV4(destination),
            HeaderLength = headerLength,
            TotalLength = totalLength,
            Ttl = (byte)(third >> 24),
            TrafficClass = (byte)(first >> 16),
            DontFragment = (second & 0x4000) != 0,
            MoreFragments = more,
            FragmentOffset = offset,
            Identification = second >> 16,
            HasPorts = hasPorts,
            SourcePort = (ushort)(ports >> 16),
            DestinationPort = (ushort)ports,
        };
        return DropReason.None;
    }

    private static DropReason CheckOptions(ReadOnlySpan<byte> options)
    {
        while (!options.IsEmpty && options[0] != EndOfList)
        {
            if (options[0] == NoOperation)
            {
                options = options[1..];
                continue;
            }

            if (options.Length < 2 || options[1] < 2 || options[1] > options.Length)
            {
                return DropReason.IpBadOptions;
            }

            if (options[0] is LooseSourceRoute or StrictSourceRoute)
            {
                // RFC 7126 §4.3 and §4.4: hosts and routers drop these by default.
                return DropReason.IpSourceRoute;
            }

            options = options[options[1]..];
        }

        return DropReason.None;
    }
}

/// <summary>Reads both ports of a TCP or UDP header.</summary>
internal static class TransportPorts
{
    /// <summary>False when the ports should be there and are not.</summary>
    public static bool TryRead(IpProtocol protocol, int fragmentOffset, ReadOnlySpan<byte> payload, out uint ports, out bool hasPorts)
    {
        ports = 0;
        hasPorts = protocol is IpProtocol.Tcp or IpProtocol.Udp && fragmentOffset == 0;
        return !hasPorts || BinaryPrimitives.TryReadUInt32BigEndian(payload, out ports);
    }
}
