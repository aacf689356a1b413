using Baton.Wire;

namespace Baton.Tcp;

/// <summary>
/// One segment to send, or a super-segment to be cut by whoever sends it. The payload stands in the connection's ring, in
/// two parts where it wraps; the spans are valid until the next call on the connection.
/// </summary>
public ref struct TcpEmission
{
    /// <summary>The header; its checksum is the caller's to fill.</summary>
    public TcpHeader Header;

    /// <summary>The payload's first part.</summary>
    public ReadOnlySpan<byte> Payload;

    /// <summary>The payload's second part, where the ring wraps; else empty.</summary>
    public ReadOnlySpan<byte> MorePayload;

    /// <summary>Payload bytes of each packet the segment is to be cut into; 0: it is one packet.</summary>
    public ushort SegmentSize;

    /// <summary>The ECN field of the packet, see <see cref="EcnCodepoint"/>.</summary>
    public byte Ecn;

    /// <summary>Payload bytes in both parts.</summary>
    public readonly int PayloadLength => Payload.Length + MorePayload.Length;
}
