using System.Buffers.Binary;

namespace Baton.Wire;

/// <summary>The checksum of TCP segments (RFC 9293 §3.1).</summary>
public static class TcpChecksum
{
    /// <summary>Where the field stands in the TCP header.</summary>
    public const int Offset = 16;

    /// <summary>Whether <paramref name="segment"/> (the whole IP payload) has the right checksum.</summary>
    public static bool Verify(in IpPacket packet, ReadOnlySpan<byte> segment) =>
        Checksum.Fold(Checksum.Add(segment, Checksum.PseudoHeader(packet.Source, packet.Destination, IpProtocol.Tcp, segment.Length))) == 0;

    /// <summary>The checksum of a segment in up to three parts, whose field is zero.</summary>
    public static ushort Compute(
        InetAddress source,
        InetAddress destination,
        ReadOnlySpan<byte> header,
        ReadOnlySpan<byte> payload = default,
        ReadOnlySpan<byte> more = default)
    {
        uint sum = Checksum.PseudoHeader(source, destination, IpProtocol.Tcp, header.Length + payload.Length + more.Length);
        sum = Checksum.Add(header, sum);
        sum = Checksum.AddAt(payload, header.Length, sum);
        return Checksum.Fold(Checksum.AddAt(more, header.Length + payload.Length, sum));
    }

    /// <summary>What the field holds while the checksum is <see cref="ChecksumState.Partial"/>: the pseudo-header's sum, not complemented.</summary>
    public static ushort Partial(InetAddress source, InetAddress destination, int segmentLength) =>
        (ushort)~Checksum.Fold(Checksum.PseudoHeader(source, destination, IpProtocol.Tcp, segmentLength));

    /// <summary>Writes the field of a TCP header.</summary>
    public static void Write(Span<byte> header, ushort checksum) => BinaryPrimitives.WriteUInt16BigEndian(header[Offset..], checksum);
}

/// <summary>The checksum of UDP datagrams (RFC 768).</summary>
public static class UdpChecksum
{
    /// <summary>Whether <paramref name="datagram"/> (header and payload, cut to the header's length) has the right checksum, or none where that is allowed.</summary>
    public static bool Verify(in IpPacket packet, ReadOnlySpan<byte> datagram)
    {
        if (datagram.Length < UdpHeader.Length)
        {
            return false;
        }

        if (BinaryPrimitives.ReadUInt16BigEndian(datagram[UdpHeader.ChecksumOffset..]) == 0)
        {
            // RFC 768: none was computed; RFC 8200 §8.1: not allowed over IPv6.
            return packet.Family == AddressFamily.V4;
        }

        uint sum = Checksum.PseudoHeader(packet.Source, packet.Destination, IpProtocol.Udp, datagram.Length);
        return Checksum.Fold(Checksum.Add(datagram, sum)) == 0;
    }

    /// <summary>The checksum of a datagram in up to three parts, whose field is zero; never 0 (RFC 768).</summary>
    public static ushort Compute(
        InetAddress source,
        InetAddress destination,
        ReadOnlySpan<byte> header,
        ReadOnlySpan<byte> payload = default,
        ReadOnlySpan<byte> more = default)
    {
        uint sum = Checksum.PseudoHeader(source, destination, IpProtocol.Udp, header.Length + payload.Length + more.Length);
        sum = Checksum.Add(header, sum);
        sum = Checksum.AddAt(payload, header.Length, sum);
        ushort checksum = Checksum.Fold(Checksum.AddAt(more, header.Length + payload.Length, sum));
        return checksum == 0 ? ushort.MaxValue : checksum;
    }

    /// <summary>What the field holds while the checksum is <see cref="ChecksumState.Partial"/>: the pseudo-header's sum, not complemented.</summary>
    public static ushort Partial(InetAddress source, InetAddress destination, int datagramLength) =>
        (ushort)~Checksum.Fold(Checksum.PseudoHeader(source, destination, IpProtocol.Udp, datagramLength));

    /// <summary>Writes the field of a UDP header.</summary>
    public static void Write(Span<byte> header, ushort checksum) =>
        BinaryPrimitives.WriteUInt16BigEndian(header[UdpHeader.ChecksumOffset..], checksum);
}
