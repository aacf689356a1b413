using System.Buffers.Binary;

namespace Baton.Wire;

/// <summary>Writes IPv4 headers without options (RFC 791).</summary>
public static class Ipv4Header
{
    /// <summary>Bytes written.</summary>
    public const int Length = 20;

    /// <summary>The TTL of what the farm sends itself (RFC 1122 §3.2.1.7, IANA's value).</summary>
    public const byte DefaultTtl = 64;

    /// <summary>Writes a header with its checksum and returns <see cref="Length"/>.</summary>
    /// <param name="destination">At least <see cref="Length"/> bytes.</param>
    /// <param name="source">An IPv4 address.</param>
    /// <param name="target">An IPv4 address.</param>
    /// <param name="protocol">What follows.</param>
    /// <param name="totalLength">Bytes of header and payload, up to 65,535.</param>
    /// <param name="identification">Needed to be unique only where <paramref name="dontFragment"/> is false (RFC 6864).</param>
    /// <param name="trafficClass">DSCP and ECN.</param>
    /// <param name="ttl">Hops it may go.</param>
    /// <param name="dontFragment">The DF bit.</param>
    public static int Write(
        Span<byte> destination,
        InetAddress source,
        InetAddress target,
        IpProtocol protocol,
        int totalLength,
        ushort identification = 0,
        byte trafficClass = 0,
        byte ttl = DefaultTtl,
        bool dontFragment = true)
    {
        var header = destination[..Length];
        uint first = 0x4500_0000u | (uint)trafficClass << 16 | (ushort)totalLength;
        uint second = (uint)identification << 16 | (dontFragment ? 0x4000u : 0);
        uint third = (uint)ttl << 24 | (uint)protocol << 16;

        // The checksum is summed over the values: reading back what was just written would wait for the stores.
        ulong sum = (ulong)first + second + third + source.V4 + target.V4;
        BinaryPrimitives.WriteUInt32BigEndian(header, first);
        BinaryPrimitives.WriteUInt32BigEndian(header[4..], second);
        BinaryPrimitives.WriteUInt32BigEndian(header[8..], third | (ushort)~Checksum.Reduce(sum));
        BinaryPrimitives.WriteUInt32BigEndian(header[12..], source.V4);
        BinaryPrimitives.WriteUInt32BigEndian(header[16..], target.V4);
        return Length;
    }

    /// <summary>Computes and writes the checksum of a header, options included.</summary>
    public static void WriteChecksum(Span<byte> header)
    {
        BinaryPrimitives.WriteUInt16BigEndian(header[10..], 0);
        BinaryPrimitives.WriteUInt16BigEndian(header[10..], Checksum.Fold(Checksum.Add(header)));
    }
}

/// <summary>Writes IPv6 headers without extension headers (RFC 8200 §3).</summary>
public static class Ipv6Header
{
    /// <summary>Bytes written.</summary>
    public const int Length = 40;

    /// <summary>Writes a header and returns <see cref="Length"/>.</summary>
    /// <param name="destination">At least <see cref="Length"/> bytes.</param>
    /// <param name="source">An IPv6 address.</param>
    /// <param name="target">An IPv6 address.</param>
    /// <param name="protocol">What follows.</param>
    /// <param name="payloadLength">Bytes after this header, up to 65,535.</param>
    /// <param name="flowLabel">20 bits (RFC 6437).</param>
    /// <param name="trafficClass">DSCP and ECN.</param>
    /// <param name="hopLimit">Hops it may go.</param>
    public static int Write(
        Span<byte> destination,
        InetAddress source,
        InetAddress target,
        IpProtocol protocol,
        int payloadLength,
        uint flowLabel = 0,
        byte trafficClass = 0,
        byte hopLimit = Ipv4Header.DefaultTtl)
    {
        var header = destination[..Length];
        BinaryPrimitives.WriteUInt32BigEndian(header, 0x6000_0000u | (uint)trafficClass << 20 | flowLabel & 0xF_FFFF);
        BinaryPrimitives.WriteUInt32BigEndian(header[4..], (uint)(ushort)payloadLength << 16 | (uint)protocol << 8 | hopLimit);
        BinaryPrimitives.WriteUInt64BigEndian(header[8..], source.High);
        BinaryPrimitives.WriteUInt64BigEndian(header[16..], source.Low);
        BinaryPrimitives.WriteUInt64BigEndian(header[24..], target.High);
        BinaryPrimitives.WriteUInt64BigEndian(header[32..], target.Low);
        return Length;
    }
}
