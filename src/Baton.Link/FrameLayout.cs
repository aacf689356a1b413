using System.Buffers.Binary;
using Baton.Wire;

namespace Baton.Link;

/// <summary>
/// Where the outermost transport header of an Ethernet frame lies: what a device must be told to complete a checksum or
/// cut a frame. Works on the headers alone, so the payload may be elsewhere.
/// </summary>
/// <param name="Protocol">TCP or UDP.</param>
/// <param name="TransportOffset">Where the transport header starts, from the frame's start.</param>
/// <param name="HeadersLength">Where the transport payload starts.</param>
/// <param name="CongestionWindowReduced">The TCP flag CWR, which devices treat apart (RFC 3168 §6.1.2).</param>
internal readonly record struct FrameLayout(IpProtocol Protocol, int TransportOffset, int HeadersLength, bool CongestionWindowReduced)
{
    private const int TcpChecksumOffset = 16;
    private const int UdpChecksumOffset = 6;

    /// <summary>Where the checksum field lies, from the transport header's start.</summary>
    public int ChecksumOffset => Protocol == IpProtocol.Tcp ? TcpChecksumOffset : UdpChecksumOffset;

    /// <summary>The IP packet in a frame, padding included; empty when it carries none.</summary>
    public static Span<byte> IpPacketOf(Span<byte> frame) =>
        frame.Length > EthernetHeader.Length && BinaryPrimitives.ReadUInt16BigEndian(frame[12..]) is EtherType.Ipv4 or EtherType.Ipv6
            ? frame[EthernetHeader.Length..]
            : default;

    /// <summary>Completes a partial checksum in place; frames without one that can be completed are left alone.</summary>
    public static void CompleteChecksum(Span<byte> frame)
    {
        var packet = IpPacketOf(frame);
        if (packet.Length > 0)
        {
            _ = Segmentation.CompleteChecksum(packet);
        }
    }

    /// <summary>Finds the transport header.</summary>
    /// <returns>False when there is no complete TCP or UDP header at the start of an IP payload.</returns>
    public static bool TryFind(ReadOnlySpan<byte> headers, out FrameLayout layout)
    {
        layout = default;
        if (headers.Length < EthernetHeader.Length + 20)
        {
            return false;
        }

        ushort etherType = BinaryPrimitives.ReadUInt16BigEndian(headers[12..]);
        byte protocol;
        int transport;
        if (etherType == EtherType.Ipv4)
        {
            int headerLength = (headers[EthernetHeader.Length] & 0xF) * 4;
            bool laterFragment = (BinaryPrimitives.ReadUInt16BigEndian(headers[(EthernetHeader.Length + 6)..]) & 0x1FFF) != 0;
            if (headerLength < 20 || laterFragment)
            {
                return false;
            }

            protocol = headers[EthernetHeader.Length + 9];
            transport = EthernetHeader.Length + headerLength;
        }
        else if (etherType != EtherType.Ipv6 || !TrySkipExtensions(headers, out protocol, out transport))
        {
            return false;
        }

        return TryMeasure(headers, (IpProtocol)protocol, transport, out layout);
    }

    private static bool TryMeasure(ReadOnlySpan<byte> headers, IpProtocol protocol, int transport, out FrameLayout layout)
    {
        layout = default;
        if (protocol == IpProtocol.Udp && headers.Length >= transport + 8)
        {
            layout = new(protocol, transport, transport + 8, false);
            return true;
        }

        if (protocol != IpProtocol.Tcp || headers.Length < transport + 20)
        {
            return false;
        }

        int length = (headers[transport + 12] >> 4) * 4;
        bool cwr = (headers[transport + 13] & 0x80) != 0;
        layout = new(protocol, transport, transport + length, cwr);
        return length >= 20 && headers.Length >= transport + length;
    }

    /// <summary>RFC 8200 §4: hop-by-hop (0), routing (43) and destination options (60) stand before the transport header.</summary>
    private static bool TrySkipExtensions(ReadOnlySpan<byte> headers, out byte protocol, out int transport)
    {
        protocol = headers[EthernetHeader.Length + 6];
        transport = EthernetHeader.Length + 40;
        while (protocol is 0 or 43 or 60)
        {
            if (headers.Length < transport + 8)
            {
                return false;
            }

            protocol = headers[transport];
            transport += (headers[transport + 1] + 1) * 8;
        }

        return true;
    }
}
