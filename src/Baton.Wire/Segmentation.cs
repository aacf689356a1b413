namespace Baton.Wire;

/// <summary>
/// Software segmentation offload: what a device would do with a super-segment or a partial checksum, by the same rules
/// as the kernel's.
/// </summary>
public static class Segmentation
{
    /// <summary>
    /// Prepares to cut a super-segment into packets. It may stand in up to three parts, as a link is given it; the first
    /// holds at least all headers.
    /// </summary>
    /// <param name="headers">Link header (of <paramref name="linkHeaderLength"/>), IP and transport header, and any payload.</param>
    /// <param name="payload">Payload that follows.</param>
    /// <param name="more">Payload that follows that.</param>
    /// <param name="offload">How it is to be cut; without GSO the one packet comes out with its checksum completed.</param>
    /// <param name="linkHeaderLength">Bytes before the IP header, repeated before each packet.</param>
    /// <param name="segments">The iterator.</param>
    public static DropReason TryStart(
        ReadOnlySpan<byte> headers,
        ReadOnlySpan<byte> payload,
        ReadOnlySpan<byte> more,
        FrameOffload offload,
        int linkHeaderLength,
        out SegmentIterator segments)
    {
        segments = default;
        if ((uint)linkHeaderLength > (uint)headers.Length)
        {
            return DropReason.Truncated;
        }

        var ip = headers[linkHeaderLength..];
        if (IpPacket.TryParse(ip, ip.Length + payload.Length + more.Length, quoted: false, out var packet) is not DropReason.None and var bad)
        {
            return bad;
        }

        bool cut = offload.Gso != GsoType.None;
        bool complete = cut || offload.Checksum == ChecksumState.Partial;
        int transport = complete ? TransportHeaderLength(in packet, ip) : 0;
        if (transport < 0 || (cut && (!Matches(offload.Gso, in packet) || offload.SegmentSize == 0)))
        {
            return DropReason.SegmentationFailed;
        }

        // The IP header was parsed from the first part and TransportHeaderLength looked no further, so the lead is in it.
        int lead = linkHeaderLength + packet.HeaderLength + transport;
        int payloadLength = packet.PayloadLength - transport;
        int inHeaders = Math.Min(headers.Length - lead, payloadLength);
        segments = new SegmentIterator(
            in packet,
            headers[..lead],
            headers.Slice(lead, inHeaders),
            payload,
            more,
            linkHeaderLength,
            payloadLength,
            cut ? offload.SegmentSize : Math.Max(payloadLength, 1),
            complete);
        return DropReason.None;
    }

    /// <summary>Prepares to cut a super-segment that stands in one piece, from its IP header on.</summary>
    public static DropReason TryStart(ReadOnlySpan<byte> packet, FrameOffload offload, out SegmentIterator segments) =>
        TryStart(packet, default, default, offload, 0, out segments);

    /// <summary>
    /// Completes the transport checksum of a packet whose state is <see cref="ChecksumState.Partial"/>, in place. What the
    /// field held is not trusted: the pseudo-header is summed anew.
    /// </summary>
    /// <param name="ipPacket">From the IP header on.</param>
    public static DropReason CompleteChecksum(Span<byte> ipPacket)
    {
        if (IpPacket.TryParse(ipPacket, out var packet) is not DropReason.None and var bad)
        {
            return bad;
        }

        if (TransportHeaderLength(in packet, ipPacket) < 0)
        {
            return DropReason.SegmentationFailed;
        }

        WriteTransportChecksum(in packet, ipPacket[packet.HeaderLength..packet.TotalLength]);
        return DropReason.None;
    }

    internal static void WriteTransportChecksum(in IpPacket packet, Span<byte> transport)
    {
        if (packet.Protocol == IpProtocol.Tcp)
        {
            TcpChecksum.Write(transport, 0);
            TcpChecksum.Write(transport, TcpChecksum.Compute(packet.Source, packet.Destination, transport));
        }
        else
        {
            UdpChecksum.Write(transport, 0);
            UdpChecksum.Write(transport, UdpChecksum.Compute(packet.Source, packet.Destination, transport));
        }
    }

    /// <summary>The length of a whole TCP or UDP header at its place, or -1.</summary>
    private static int TransportHeaderLength(in IpPacket packet, ReadOnlySpan<byte> ip)
    {
        int present = Math.Min(ip.Length, packet.TotalLength) - packet.HeaderLength;
        if (packet.IsFragment || !packet.HasPorts)
        {
            return -1;
        }

        if (packet.Protocol == IpProtocol.Udp)
        {
            return present >= UdpHeader.Length ? UdpHeader.Length : -1;
        }

        int length = present >= TcpHeader.MinLength ? (ip[packet.HeaderLength + 12] >> 4) * 4 : 0;
        return length >= TcpHeader.MinLength && length <= present ? length : -1;
    }

    private static bool Matches(GsoType gso, in IpPacket packet) => gso switch
    {
        GsoType.TcpV4 => packet is { Protocol: IpProtocol.Tcp, Family: AddressFamily.V4 },
        GsoType.TcpV6 => packet is { Protocol: IpProtocol.Tcp, Family: AddressFamily.V6 },
        GsoType.UdpL4 => packet.Protocol == IpProtocol.Udp,
        _ => false,
    };
}
