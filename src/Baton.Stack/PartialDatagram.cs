using System.Buffers.Binary;
using Baton.Wire;

namespace Baton.Stack;

/// <summary>One datagram in reassembly: its bytes in place, and which of them have come.</summary>
internal sealed class PartialDatagram
{
    private const int MaxRanges = 64;

    // Room for the first fragment's headers: the longest of IPv4, or IPv6's with a few extension headers.
    private const int HeaderRoom = 256;
    private const int FragmentHeaderLength = 8;
    private const byte AuthenticationHeader = 51;
    private const byte EcnMask = 3;

    private readonly InetAddress _source;
    private readonly InetAddress _destination;
    private readonly IpProtocol _protocol;
    private readonly uint _identification;
    private readonly List<(int Start, int End)> _ranges = [];
    private int _headerLength;
    private int _fragmentHeaderOffset;
    private int _firstLength;
    private int _total = -1;
    private int _start;
    private bool _congested;
    private bool _notCapable;

    public PartialDatagram(in IpPacket first, PooledBuffer buffer, Instant deadline)
    {
        _source = first.Source;
        _destination = first.Destination;
        _protocol = first.Protocol;
        _identification = first.Identification;
        Buffer = buffer;
        Deadline = deadline;
    }

    /// <summary>Bytes of buffer that any datagram needs.</summary>
    public static int BufferLength => HeaderRoom + ushort.MaxValue;

    public PooledBuffer Buffer { get; }

    public Instant Deadline { get; }

    public bool IsComplete => _headerLength > 0 && _ranges is [var only] && only.Start == 0 && only.End == _total;

    /// <summary>The first fragment as it came, or nothing when it has not.</summary>
    public ReadOnlySpan<byte> FirstFragment =>
        _headerLength == 0 ? default : Buffer.Span.Slice(HeaderRoom - _headerLength, _headerLength + _firstLength);

    /// <summary>The whole packet, once finished.</summary>
    public ReadOnlySpan<byte> Packet => Buffer.Span[_start..(HeaderRoom + _total)];

    public bool IsFrom(InetAddress source) => _source == source;

    /// <summary>IPv4 tells datagrams apart by protocol too (RFC 791 §3.2), IPv6 does not (RFC 8200 §4.5).</summary>
    public bool Matches(in IpPacket packet) =>
        packet.Identification == _identification && packet.Source == _source
        && packet.Destination == _destination && (packet.Family == AddressFamily.V6 || packet.Protocol == _protocol);

    public bool TryAdd(in IpPacket packet, ReadOnlySpan<byte> bytes)
    {
        int start = packet.FragmentOffset;
        int end = start + packet.PayloadLength;
        int length = packet.FragmentOffset == 0 ? packet.HeaderLength : Math.Max(_headerLength, IpHeader.Length(packet.Family));
        if (end == start || length > HeaderRoom || length + end > ushort.MaxValue || (_total >= 0 && end > _total))
        {
            return false;
        }

        if (!packet.MoreFragments)
        {
            // The end may be told once, and not before bytes that are there already.
            if ((_total >= 0 && _total != end) || (_ranges.Count > 0 && _ranges[^1].End > end))
            {
                return false;
            }

            _total = end;
        }

        var payload = packet.Payload(bytes);
        if (!TryInsert(start, end, payload, out bool duplicate))
        {
            return false;
        }

        if (duplicate)
        {
            return true;
        }

        int ecn = packet.TrafficClass & EcnMask;
        _congested |= ecn == EcnMask;
        _notCapable |= ecn == 0;
        payload.CopyTo(Buffer.Span[(HeaderRoom + start)..]);
        if (start == 0)
        {
            _headerLength = packet.HeaderLength;
            _fragmentHeaderOffset = packet.FragmentHeaderOffset;
            _firstLength = payload.Length;
            bytes[..packet.HeaderLength].CopyTo(Buffer.Span[(HeaderRoom - packet.HeaderLength)..]);
        }

        return true;
    }

    /// <summary>Makes the header that of the whole packet; false when that cannot be.</summary>
    public bool TryFinish()
    {
        // RFC 3168 §5.3: a mark on any fragment is one on the whole; together with a fragment that could not be marked it
        // is wrong, and the packet is dropped.
        if (_congested && _notCapable)
        {
            return false;
        }

        _start = HeaderRoom - _headerLength;
        var header = Buffer.Span[_start..HeaderRoom];
        return _fragmentHeaderOffset == 0 ? FinishV4(header) : FinishV6(header);
    }

    private bool FinishV4(Span<byte> header)
    {
        BinaryPrimitives.WriteUInt16BigEndian(header[2..], (ushort)(header.Length + _total));
        BinaryPrimitives.WriteUInt16BigEndian(header[6..], 0);
        header[1] |= _congested ? EcnMask : (byte)0;
        Ipv4Header.WriteChecksum(header);
        return true;
    }

    /// <summary>RFC 8200 §4.5: the fragment header goes, and the header before it names what followed it.</summary>
    private bool FinishV6(Span<byte> header)
    {
        byte next = header[_fragmentHeaderOffset];
        int field = 6;
        for (int at = Ipv6Header.Length; at < _fragmentHeaderOffset;)
        {
            int length = header[field] == AuthenticationHeader ? (header[at + 1] + 2) * 4 : (header[at + 1] + 1) * 8;
            field = at;
            at += length;
        }

        header[field] = next;
        header[1] |= _congested ? (byte)(EcnMask << 4) : (byte)0;
        int unfragmentable = _fragmentHeaderOffset;
        BinaryPrimitives.WriteUInt16BigEndian(header[4..], (ushort)(unfragmentable - Ipv6Header.Length + _total));
        header[..unfragmentable].CopyTo(header[FragmentHeaderLength..]);
        _start += FragmentHeaderLength;
        return true;
    }

    /// <summary>
    /// Adds a range to the ordered, disjoint, merged ranges; false when it overlaps one, or there are too many. Bytes that
    /// are all there already, and the same, are a duplicate.
    /// </summary>
    private bool TryInsert(int start, int end, ReadOnlySpan<byte> payload, out bool duplicate)
    {
        duplicate = false;
        int at = 0;
        while (at < _ranges.Count && _ranges[at].End < start)
        {
            at++;
        }

        if (at < _ranges.Count && start >= _ranges[at].Start && end <= _ranges[at].End)
        {
            duplicate = payload.SequenceEqual(Buffer.Span.Slice(HeaderRoom + start, end - start));
            return duplicate;
        }

        // _ranges[at] is the first that ends at or after start; touching ranges merge, overlapping ones are refused.
        bool joinsLeft = at < _ranges.Count && _ranges[at].End == start;
        int next = joinsLeft ? at + 1 : at;
        if (next < _ranges.Count && _ranges[next].Start < end)
        {
            return false;
        }

        bool joinsRight = next < _ranges.Count && _ranges[next].Start == end;
        switch (joinsLeft, joinsRight)
        {
            case (true, true):
                _ranges[at] = (_ranges[at].Start, _ranges[next].End);
                _ranges.RemoveAt(next);
                return true;
            case (true, false):
                _ranges[at] = (_ranges[at].Start, end);
                return true;
            case (false, true):
                _ranges[next] = (start, _ranges[next].End);
                return true;
            default:
                _ranges.Insert(at, (start, end));
                return _ranges.Count <= MaxRanges;
        }
    }
}
