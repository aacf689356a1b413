using System.Buffers.Binary;

namespace Baton.Wire;

/// <summary>EtherTypes (IANA ieee-802-numbers) that the farm understands.</summary>
public static class EtherType
{
    /// <summary>IPv4.</summary>
    public const ushort Ipv4 = 0x0800;

    /// <summary>ARP.</summary>
    public const ushort Arp = 0x0806;

    /// <summary>IPv6.</summary>
    public const ushort Ipv6 = 0x86DD;

    /// <summary>The type of a family's packets.</summary>
    public static ushort Of(AddressFamily family) => family == AddressFamily.V4 ? Ipv4 : Ipv6;
}

/// <summary>An Ethernet II header, untagged.</summary>
/// <param name="Destination">Where the frame goes.</param>
/// <param name="Source">The sending interface.</param>
/// <param name="EtherType">What the frame holds.</param>
public readonly record struct EthernetHeader(MacAddress Destination, MacAddress Source, ushort EtherType)
{
    /// <summary>Bytes on the wire.</summary>
    public const int Length = 14;

    /// <summary>Reads the header at the start of a frame.</summary>
    public static bool TryParse(ReadOnlySpan<byte> frame, out EthernetHeader header)
    {
        if (frame.Length < Length)
        {
            header = default;
            return false;
        }

        ulong first = BinaryPrimitives.ReadUInt64BigEndian(frame);
        ulong source = (first & 0xFFFF) << 32 | BinaryPrimitives.ReadUInt32BigEndian(frame[8..]);
        header = new(new(first >> 16), new(source), BinaryPrimitives.ReadUInt16BigEndian(frame[12..]));
        return true;
    }

    /// <summary>Writes <see cref="Length"/> bytes and returns that length.</summary>
    public int Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt16BigEndian(destination[12..], EtherType);
        BinaryPrimitives.WriteUInt32BigEndian(destination[8..], (uint)Source.Value);
        BinaryPrimitives.WriteUInt64BigEndian(destination, Destination.Value << 16 | (Source.Value >> 32 & 0xFFFF));
        return Length;
    }
}
