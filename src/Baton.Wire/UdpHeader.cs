using System.Buffers.Binary;

namespace Baton.Wire;

/// <summary>A UDP header (RFC 768).</summary>
/// <param name="SourcePort">The sender's port.</param>
/// <param name="DestinationPort">The receiver's port.</param>
/// <param name="DatagramLength">Bytes of header and payload.</param>
/// <param name="Checksum">The field as it stands; 0 is "none" over IPv4.</param>
public readonly record struct UdpHeader(ushort SourcePort, ushort DestinationPort, ushort DatagramLength, ushort Checksum)
{
    /// <summary>Bytes on the wire.</summary>
    public const int Length = 8;

    /// <summary>Where the checksum field stands.</summary>
    public const int ChecksumOffset = 6;

    /// <summary>Reads the header at the start of an IP packet's payload; the checksum is not verified.</summary>
    public static DropReason TryParse(ReadOnlySpan<byte> datagram, out UdpHeader header)
    {
        header = default;
        if (datagram.Length < Length)
        {
            return DropReason.Truncated;
        }

        ulong first = BinaryPrimitives.ReadUInt64BigEndian(datagram);
        header = new((ushort)(first >> 48), (ushort)(first >> 32), (ushort)(first >> 16), (ushort)first);
        if (header.DatagramLength < Length || header.DatagramLength > datagram.Length)
        {
            header = default;
            return DropReason.UdpBadLength;
        }

        return DropReason.None;
    }

    /// <summary>Writes <see cref="Length"/> bytes and returns that length.</summary>
    public int Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(
            destination,
            (ulong)SourcePort << 48 | (ulong)DestinationPort << 32 | (ulong)DatagramLength << 16 | Checksum);
        return Length;
    }
}
