using System.Buffers.Binary;
using Baton.Wire;

namespace Baton.Director;

/// <summary>A frame for the lan in two parts: headers in the scratch, payload there or where the client's packet is.</summary>
public readonly ref struct ForwardedFrame
{
    internal ForwardedFrame(ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload)
    {
        Headers = headers;
        Payload = payload;
    }

    /// <summary>The first part, from the Ethernet header on.</summary>
    public ReadOnlySpan<byte> Headers { get; }

    /// <summary>The second part.</summary>
    public ReadOnlySpan<byte> Payload { get; }
}

/// <summary>The frames that a client's packet becomes. Each is good until the next is taken.</summary>
public ref struct ForwardedFrames
{
    private readonly Forwarder _forwarder;
    private readonly EncodedReference _reference;
    private readonly OuterAddresses _outer;
    private readonly Span<byte> _scratch;
    private readonly byte _hops;
    private readonly ushort _sourcePort;
    private readonly bool _isCut;
    private SegmentIterator _segments;
    private ReadOnlySpan<byte> _whole;

    // While a packet goes out in fragments: what is left of it, and where that stands in the outer IP payload.
    private ReadOnlySpan<byte> _rest;
    private int _offset;

    internal ForwardedFrames(
        Forwarder forwarder,
        ReadOnlySpan<byte> whole,
        SegmentIterator segments,
        scoped in EncodedReference reference,
        byte hops,
        scoped in OuterAddresses outer,
        ushort sourcePort,
        Span<byte> scratch)
    {
        _forwarder = forwarder;
        _whole = whole;
        _isCut = whole.IsEmpty;
        _segments = segments;
        _reference = reference;
        _hops = hops;
        _outer = outer;
        _sourcePort = sourcePort;
        _scratch = scratch;
    }

    /// <summary>Makes the next frame; false when all have been made.</summary>
    public bool TryNext(out ForwardedFrame frame)
    {
        if (!_rest.IsEmpty)
        {
            frame = NextFragment();
            return true;
        }

        if (!TryNextPacket(out var packet))
        {
            frame = default;
            return false;
        }

        _forwarder.Packets++;
        if (Encapsulation.Overhead(in _reference, _outer.Destination) + packet.Length > _forwarder.LanMtu)
        {
            _forwarder.Fragmented++;
            frame = FirstFragment(packet);
            return true;
        }

        int length = Encapsulation.WriteHeaders(_scratch, in _reference, _hops, in _outer, packet, _sourcePort);
        frame = new ForwardedFrame(_scratch[..length], packet);
        return true;
    }

    private bool TryNextPacket(out ReadOnlySpan<byte> packet)
    {
        if (!_whole.IsEmpty)
        {
            packet = _whole;
            _whole = default;
            return true;
        }

        var room = _scratch[Forwarder.HeaderRoom..];
        if (_isCut && _segments.TryNext(room, out int written))
        {
            packet = room[..written];
            return true;
        }

        packet = default;
        return false;
    }

    // The first fragment has UDP's header and the reference, whose checksum covers the whole.
    private ForwardedFrame FirstFragment(ReadOnlySpan<byte> packet)
    {
        _forwarder.Identification++;
        int ip = IpLength;
        int lead = Encapsulation.WriteDatagramHeaders(
            _scratch[(EthernetHeader.Length + ip)..], in _reference, _hops, in _outer, packet, _sourcePort);
        int room = FragmentRoom;
        WriteFragmentHeaders(offset: 0, room, more: true);
        _rest = packet[(room - lead)..];
        _offset = room;
        return new ForwardedFrame(_scratch[..(EthernetHeader.Length + ip + lead)], packet[..(room - lead)]);
    }

    private ForwardedFrame NextFragment()
    {
        int length = Math.Min(FragmentRoom, _rest.Length);
        WriteFragmentHeaders(_offset, length, more: length < _rest.Length);
        var frame = new ForwardedFrame(_scratch[..(EthernetHeader.Length + IpLength)], _rest[..length]);
        _rest = _rest[length..];
        _offset += length;
        return frame;
    }

    private readonly int IpLength =>
        _outer.Destination.IsV4 ? Ipv4Header.Length : Ipv6Header.Length + Forwarder.FragmentHeaderLength;

    // RFC 791 §3.2, RFC 8200 §4.5: all fragments but the last hold a multiple of eight bytes.
    private readonly int FragmentRoom => (_forwarder.LanMtu - IpLength) & ~7;

    private readonly void WriteFragmentHeaders(int offset, int length, bool more)
    {
        int at = Encapsulation.WriteEthernetHeader(_scratch, in _outer);
        var ip = _scratch[at..];
        if (_outer.Destination.IsV4)
        {
            Ipv4Header.Write(
                ip, _outer.Source, _outer.Destination, IpProtocol.Udp, Ipv4Header.Length + length,
                (ushort)_forwarder.Identification, dontFragment: false);
            BinaryPrimitives.WriteUInt16BigEndian(ip[6..], (ushort)(offset / 8 | (more ? 0x2000 : 0)));
            Ipv4Header.WriteChecksum(ip[..Ipv4Header.Length]);
            return;
        }

        // RFC 8200 §4.5: next header 44, then the fragment header.
        const IpProtocol Fragment = (IpProtocol)44;
        Ipv6Header.Write(ip, _outer.Source, _outer.Destination, Fragment, Forwarder.FragmentHeaderLength + length);
        ip = ip[Ipv6Header.Length..];
        BinaryPrimitives.WriteUInt16BigEndian(ip, (ushort)((byte)IpProtocol.Udp << 8));
        BinaryPrimitives.WriteUInt16BigEndian(ip[2..], (ushort)(offset | (more ? 1 : 0)));
        BinaryPrimitives.WriteUInt32BigEndian(ip[4..], _forwarder.Identification);
    }
}
