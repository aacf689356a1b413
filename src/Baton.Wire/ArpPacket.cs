using System.Buffers.Binary;

namespace Baton.Wire;

/// <summary>What an ARP packet does (RFC 826).</summary>
public enum ArpOperation : ushort
{
    /// <summary>Asks who has the target address.</summary>
    Request = 1,

    /// <summary>Answers.</summary>
    Reply = 2,
}

/// <summary>An ARP packet for IPv4 over Ethernet (RFC 826).</summary>
/// <param name="Operation">Request or reply.</param>
/// <param name="SenderMac">The sender's Ethernet address.</param>
/// <param name="SenderAddress">The sender's IPv4 address; 0.0.0.0 in a probe (RFC 5227).</param>
/// <param name="TargetMac">The target's Ethernet address; zero in a request.</param>
/// <param name="TargetAddress">The IPv4 address asked for, or the asker's in a reply.</param>
public readonly record struct ArpPacket(
    ArpOperation Operation,
    MacAddress SenderMac,
    InetAddress SenderAddress,
    MacAddress TargetMac,
    InetAddress TargetAddress)
{
    /// <summary>Bytes on the wire, without Ethernet header.</summary>
    public const int Length = 28;

    // Hardware type Ethernet, protocol IPv4, address lengths 6 and 4.
    private const ulong Preamble = 0x0001_0800_0604;

    /// <summary>Reads what follows the Ethernet header.</summary>
    public static DropReason TryParse(ReadOnlySpan<byte> packet, out ArpPacket arp)
    {
        arp = default;
        if (packet.Length < Length)
        {
            return DropReason.Truncated;
        }

        ulong first = BinaryPrimitives.ReadUInt64BigEndian(packet);
        var operation = (ArpOperation)(ushort)first;
        if (first >> 16 != Preamble || operation is not (ArpOperation.Request or ArpOperation.Reply))
        {
            return DropReason.ArpMalformed;
        }

        arp = new(
            operation,
            MacAddress.FromBytes(packet[8..]),
            InetAddress.FromV4(BinaryPrimitives.ReadUInt32BigEndian(packet[14..])),
            MacAddress.FromBytes(packet[18..]),
            InetAddress.FromV4(BinaryPrimitives.ReadUInt32BigEndian(packet[24..])));
        return DropReason.None;
    }

    /// <summary>Writes <see cref="Length"/> bytes and returns that length.</summary>
    public int Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, Preamble << 16 | (ushort)Operation);
        SenderMac.CopyTo(destination[8..]);
        BinaryPrimitives.WriteUInt32BigEndian(destination[14..], SenderAddress.V4);
        TargetMac.CopyTo(destination[18..]);
        BinaryPrimitives.WriteUInt32BigEndian(destination[24..], TargetAddress.V4);
        return Length;
    }
}
