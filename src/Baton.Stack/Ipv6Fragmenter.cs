using System.Buffers.Binary;
using Baton.Wire;

namespace Baton.Stack;

/// <summary>
/// Cuts an IPv6 packet of ours into fragments (RFC 8200 §4.5). It has no extension headers, so the IPv6 header alone goes
/// into each.
/// </summary>
internal ref struct Ipv6Fragmenter
{
    /// <summary>Bytes of the fragment header.</summary>
    public const int HeaderLength = 8;

    private const byte FragmentHeader = 44;

    private readonly ReadOnlySpan<byte> _packet;
    private readonly int _payloadStep;
    private readonly uint _identification;
    private int _offset;

    public Ipv6Fragmenter(ReadOnlySpan<byte> packet, int mtu, uint identification)
    {
        _packet = packet;
        _payloadStep = (mtu - Ipv6Header.Length - HeaderLength) & ~7;
        _identification = identification;
    }

    /// <summary>Bytes of the next fragment; 0 when there is none.</summary>
    public readonly int NextLength
    {
        get
        {
            int rest = _packet.Length - Ipv6Header.Length - _offset;
            return rest > 0 ? Ipv6Header.Length + HeaderLength + Math.Min(rest, _payloadStep) : 0;
        }
    }

    public void WriteNext(Span<byte> fragment)
    {
        int payload = NextLength - Ipv6Header.Length - HeaderLength;
        bool last = Ipv6Header.Length + _offset + payload == _packet.Length;
        _packet[..Ipv6Header.Length].CopyTo(fragment);
        BinaryPrimitives.WriteUInt16BigEndian(fragment[4..], (ushort)(HeaderLength + payload));
        fragment[6] = FragmentHeader;
        var header = fragment[Ipv6Header.Length..];
        header[0] = _packet[6];
        header[1] = 0;
        BinaryPrimitives.WriteUInt16BigEndian(header[2..], (ushort)(_offset | (last ? 0 : 1)));
        BinaryPrimitives.WriteUInt32BigEndian(header[4..], _identification);
        _packet.Slice(Ipv6Header.Length + _offset, payload).CopyTo(header[HeaderLength..]);
        _offset += payload;
    }
}
