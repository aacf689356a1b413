using System.Buffers.Binary;

namespace Baton.Wire;

/// <summary>
/// The packets of one super-segment, written one after the other into the caller's buffer. By the kernel's rules: the
/// IPv4 identification rises by one, TCP's sequence number by the payload before; FIN and PSH stay on the last packet
/// only, CWR on the first only (RFC 3168 §6.1.2); checksums are complete.
/// </summary>
public ref struct SegmentIterator
{
    private readonly IpPacket _packet;
    private readonly ReadOnlySpan<byte> _headers;
    private readonly ReadOnlySpan<byte> _first;
    private readonly ReadOnlySpan<byte> _second;
    private readonly ReadOnlySpan<byte> _third;
    private readonly int _linkHeaderLength;
    private readonly int _payloadLength;
    private readonly int _segmentSize;
    private readonly bool _complete;
    private int _sent;
    private int _index;

    internal SegmentIterator(
        scoped in IpPacket packet,
        ReadOnlySpan<byte> headers,
        ReadOnlySpan<byte> first,
        ReadOnlySpan<byte> second,
        ReadOnlySpan<byte> third,
        int linkHeaderLength,
        int payloadLength,
        int segmentSize,
        bool complete)
    {
        _packet = packet;
        _headers = headers;
        _first = first;
        _second = second;
        _third = third;
        _linkHeaderLength = linkHeaderLength;
        _payloadLength = payloadLength;
        _segmentSize = segmentSize;
        _complete = complete;
    }

    /// <summary>Packets in all.</summary>
    public readonly int Count => Math.Max(1, (_payloadLength + _segmentSize - 1) / _segmentSize);

    /// <summary>Bytes of the longest packet with its link header: what a buffer must hold.</summary>
    public readonly int MaxPacketLength => _headers.Length + Math.Min(_segmentSize, _payloadLength);

    /// <summary>Writes the next packet.</summary>
    /// <param name="destination">At least <see cref="MaxPacketLength"/> bytes.</param>
    /// <param name="written">Bytes written.</param>
    /// <returns>False when all packets have been written.</returns>
    public bool TryNext(Span<byte> destination, out int written)
    {
        if (_index == Count)
        {
            written = 0;
            return false;
        }

        int length = Math.Min(_segmentSize, _payloadLength - _sent);
        written = _headers.Length + length;
        var frame = destination[..written];
        _headers.CopyTo(frame);
        Gather(_sent, frame[_headers.Length..]);
        var ip = frame[_linkHeaderLength..];
        if (_complete)
        {
            WriteIpHeader(ip);
            var transport = ip[_packet.HeaderLength..];
            WriteTransportHeader(transport);
            Segmentation.WriteTransportChecksum(in _packet, transport);
        }

        _sent += length;
        _index++;
        return true;
    }

    private readonly void WriteIpHeader(Span<byte> ip)
    {
        if (_packet.Family == AddressFamily.V4)
        {
            BinaryPrimitives.WriteUInt16BigEndian(ip[2..], (ushort)ip.Length);
            BinaryPrimitives.WriteUInt16BigEndian(ip[4..], (ushort)(_packet.Identification + (uint)_index));
            Ipv4Header.WriteChecksum(ip[.._packet.HeaderLength]);
        }
        else
        {
            BinaryPrimitives.WriteUInt16BigEndian(ip[4..], (ushort)(ip.Length - Ipv6Header.Length));
        }
    }

    private readonly void WriteTransportHeader(Span<byte> transport)
    {
        if (_packet.Protocol == IpProtocol.Udp)
        {
            BinaryPrimitives.WriteUInt16BigEndian(transport[4..], (ushort)transport.Length);
            return;
        }

        uint sequence = BinaryPrimitives.ReadUInt32BigEndian(transport[4..]);
        BinaryPrimitives.WriteUInt32BigEndian(transport[4..], sequence + (uint)_sent);
        var cleared = TcpFlags.None;
        if (_index != 0)
        {
            cleared |= TcpFlags.Cwr;
        }

        if (_index != Count - 1)
        {
            cleared |= TcpFlags.Fin | TcpFlags.Psh;
        }

        transport[13] &= (byte)~cleared;
    }

    /// <summary>Copies payload from <paramref name="offset"/> on out of the three parts it stands in.</summary>
    private readonly void Gather(int offset, Span<byte> destination)
    {
        offset = Take(_first, offset, ref destination);
        offset = Take(_second, offset, ref destination);
        Take(_third, offset, ref destination);
    }

    private static int Take(ReadOnlySpan<byte> part, int offset, ref Span<byte> destination)
    {
        if (offset >= part.Length)
        {
            return offset - part.Length;
        }

        int count = Math.Min(part.Length - offset, destination.Length);
        part.Slice(offset, count).CopyTo(destination);
        destination = destination[count..];
        return 0;
    }
}
