using System.Buffers.Binary;

namespace Baton.Wire;

/// <summary>The fixed part of a Geneve header, version 0 (RFC 8926 §3.4).</summary>
/// <param name="OptionsLength">Bytes of options, 0 to 252, a multiple of four.</param>
/// <param name="Control">The O bit: a control message.</param>
/// <param name="Critical">The C bit: an option that must be understood is there.</param>
/// <param name="Protocol">EtherType of what follows.</param>
/// <param name="Vni">The virtual network, 24 bits.</param>
public readonly record struct GeneveHeader(int OptionsLength, bool Control, bool Critical, ushort Protocol, uint Vni)
{
    /// <summary>Bytes before the options.</summary>
    public const int Length = 8;

    /// <summary>The UDP port (IANA).</summary>
    public const ushort Port = 6081;

    /// <summary>Reads the header at the start of a UDP payload, which must hold all options.</summary>
    public static DropReason TryParse(ReadOnlySpan<byte> payload, out GeneveHeader header)
    {
        header = default;
        if (payload.Length < Length)
        {
            return DropReason.Truncated;
        }

        uint first = BinaryPrimitives.ReadUInt32BigEndian(payload);
        if (first >> 30 != 0)
        {
            // RFC 8926 §3.4: packets of an unknown version are dropped.
            return DropReason.GeneveMalformed;
        }

        int optionsLength = (int)(first >> 24) * 4;
        if (Length + optionsLength > payload.Length)
        {
            return DropReason.Truncated;
        }

        // Reserved bits are ignored on receipt (RFC 8926 §3.4).
        header = new(
            optionsLength,
            (first & 0x80_0000) != 0,
            (first & 0x40_0000) != 0,
            (ushort)first,
            BinaryPrimitives.ReadUInt32BigEndian(payload[4..]) >> 8);
        return DropReason.None;
    }

    /// <summary>Writes <see cref="Length"/> bytes and returns that length.</summary>
    public int Write(Span<byte> destination)
    {
        uint first = (uint)(OptionsLength / 4 & 0x3F) << 24 | (Control ? 0x80_0000u : 0) | (Critical ? 0x40_0000u : 0) | Protocol;
        BinaryPrimitives.WriteUInt32BigEndian(destination, first);
        BinaryPrimitives.WriteUInt32BigEndian(destination[4..], Vni << 8);
        return Length;
    }
}
