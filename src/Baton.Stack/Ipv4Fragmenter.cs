using System.Buffers.Binary;
using Baton.Wire;

namespace Baton.Stack;

/// <summary>Cuts an IPv4 packet into fragments (RFC 791 §3.2). Options are copied into each, which is right for the padding that we send at most.</summary>
internal ref struct Ipv4Fragmenter
{
    private const ushort DontFragment = 0x4000;
    private const ushort MoreFragments = 0x2000;

    private readonly ReadOnlySpan<byte> _packet;
    private readonly int _headerLength;
    private readonly int _payloadStep;
    private int _offset;

    public Ipv4Fragmenter(ReadOnlySpan<byte> packet, int mtu)
    {
        _packet = packet;
        _headerLength = (packet[0] & 0xF) * 4;
        _payloadStep = (mtu - _headerLength) & ~7;
    }

    public static bool HasDontFragment(ReadOnlySpan<byte> packet) =>
        (BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) & DontFragment) != 0;

    /// <summary>Bytes of the next fragment; 0 when there is none.</summary>
    public readonly int NextLength
    {
        get
        {
            int rest = _packet.Length - _headerLength - _offset;
            return rest > 0 ? _headerLength + Math.Min(rest, _payloadStep) : 0;
        }
    }

    public void WriteNext(Span<byte> fragment)
    {
        int payload = NextLength - _headerLength;
        bool last = _headerLength + _offset + payload == _packet.Length;
        _packet[.._headerLength].CopyTo(fragment);
        _packet.Slice(_headerLength + _offset, payload).CopyTo(fragment[_headerLength..]);

        // A fragment may be cut again: its offset counts from, and its MF bit joins, what the packet already has.
        ushort field = BinaryPrimitives.ReadUInt16BigEndian(fragment[6..]);
        ushort more = (ushort)(last ? field & MoreFragments : MoreFragments);
        ushort offset = (ushort)((field & 0x1FFF) + _offset / 8);
        BinaryPrimitives.WriteUInt16BigEndian(fragment[2..], (ushort)(_headerLength + payload));
        BinaryPrimitives.WriteUInt16BigEndian(fragment[6..], (ushort)(more | offset));
        Ipv4Header.WriteChecksum(fragment[.._headerLength]);
        _offset += payload;
    }
}
