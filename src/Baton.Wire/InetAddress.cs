using System.Buffers.Binary;
using System.Net;

namespace Baton.Wire;

/// <summary>The two Internet protocols' address families.</summary>
public enum AddressFamily : byte
{
    /// <summary>IPv4 (RFC 791): 4-byte addresses.</summary>
    V4 = 4,

    /// <summary>IPv6 (RFC 8200): 16-byte addresses.</summary>
    V6 = 6,
}

/// <summary>
/// An IPv4 or IPv6 address as plain data. IPv4 is kept in its IPv4-mapped form (RFC 4291 §2.5.5.2), so that equality and
/// hashing never ask for the family.
/// </summary>
public readonly record struct InetAddress
{
    private const ulong MappedPrefix = 0x0000_FFFF_0000_0000;

    private InetAddress(ulong high, ulong low)
    {
        High = high;
        Low = low;
    }

    /// <summary>The first eight bytes, as a big-endian number.</summary>
    public ulong High { get; }

    /// <summary>The last eight bytes, as a big-endian number.</summary>
    public ulong Low { get; }

    /// <summary>Whether this is an IPv4 address.</summary>
    public bool IsV4 => High == 0 && (Low & 0xFFFF_FFFF_0000_0000) == MappedPrefix;

    /// <summary>The address's family.</summary>
    public AddressFamily Family => IsV4 ? AddressFamily.V4 : AddressFamily.V6;

    /// <summary>The address's length on the wire in bytes: 4 or 16.</summary>
    public int Length => IsV4 ? 4 : 16;

    /// <summary>0.0.0.0.</summary>
    public static InetAddress AnyV4 => FromV4(0);

    /// <summary>::, the unspecified address (RFC 4291 §2.5.2).</summary>
    public static InetAddress AnyV6 => default;

    /// <summary>ff02::1, all nodes on a link (RFC 4291 §2.7.1).</summary>
    public static InetAddress AllNodes => new(0xFF02_0000_0000_0000, 1);

    /// <summary>ff02::2, all routers on a link (RFC 4291 §2.7.1).</summary>
    public static InetAddress AllRouters => new(0xFF02_0000_0000_0000, 2);

    /// <summary>Whether this is the family's address of no host: 0.0.0.0 or ::.</summary>
    public bool IsUnspecified => this == AnyV4 || this == AnyV6;

    /// <summary>Whether this names a group: 224.0.0.0/4 or ff00::/8.</summary>
    public bool IsMulticast => IsV4 ? V4 >> 28 == 0xE : High >> 56 == 0xFF;

    /// <summary>Whether this means something on one link only: 169.254.0.0/16 (RFC 3927) or fe80::/10 (RFC 4291 §2.5.6).</summary>
    public bool IsLinkLocal => IsV4 ? V4 >> 16 == 0xA9FE : High >> 54 == 0x3FA;

    /// <summary>The group at which an IPv6 address is asked for: ff02::1:ff00:0/104 and its last 24 bits (RFC 4291 §2.7.1).</summary>
    public InetAddress SolicitedNode => new(0xFF02_0000_0000_0000, 0x1_FF00_0000 | Low & 0xFF_FFFF);

    /// <summary>The unspecified address of a family.</summary>
    public static InetAddress Any(AddressFamily family) => family == AddressFamily.V4 ? AnyV4 : AnyV6;

    /// <summary>The link-local address made from an Ethernet address: fe80::/64 and its modified EUI-64 (RFC 4291 appendix A).</summary>
    public static InetAddress LinkLocalOf(MacAddress address)
    {
        ulong value = address.Value;
        ulong identifier = (value >> 24 ^ 0x02_0000) << 40 | 0xFF_FE00_0000 | value & 0xFF_FFFF;
        return new(0xFE80_0000_0000_0000, identifier);
    }

    /// <summary>The IPv4 address as a big-endian number; only meaningful when <see cref="IsV4"/>.</summary>
    public uint V4 => (uint)Low;

    /// <summary>The IPv4 address whose bytes are the big-endian bytes of <paramref name="address"/>.</summary>
    public static InetAddress FromV4(uint address) => new(0, MappedPrefix | address);

    /// <summary>The address in <paramref name="bytes"/>, which must be 4 or 16 long.</summary>
    /// <exception cref="ArgumentException">Another length.</exception>
    public static InetAddress FromBytes(ReadOnlySpan<byte> bytes) => bytes.Length switch
    {
        4 => FromV4(BinaryPrimitives.ReadUInt32BigEndian(bytes)),
        16 => new(BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..])),
        _ => throw new ArgumentException("An Internet address has 4 or 16 bytes.", nameof(bytes)),
    };

    /// <summary>Writes <see cref="Length"/> bytes in network order and returns that length.</summary>
    public int CopyTo(Span<byte> destination)
    {
        if (IsV4)
        {
            BinaryPrimitives.WriteUInt32BigEndian(destination, V4);
            return 4;
        }

        BinaryPrimitives.WriteUInt64BigEndian(destination, High);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], Low);
        return 16;
    }

    /// <summary>Parses dotted or colon notation.</summary>
    public static bool TryParse(string? text, out InetAddress address)
    {
        address = default;
        if (!IPAddress.TryParse(text, out var parsed))
        {
            return false;
        }

        address = FromIPAddress(parsed);
        return true;
    }

    /// <summary>Parses dotted or colon notation.</summary>
    /// <exception cref="FormatException">Not an address.</exception>
    public static InetAddress Parse(string text) =>
        TryParse(text, out var address) ? address : throw new FormatException($"'{text}' is not an IPv4 or IPv6 address.");

    /// <summary>The same address as .NET's type holds it.</summary>
    public static InetAddress FromIPAddress(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out int written);
        return FromBytes(bytes[..written]);
    }

    /// <summary>The same address as .NET's type holds it.</summary>
    public IPAddress ToIPAddress()
    {
        Span<byte> bytes = stackalloc byte[16];
        return new IPAddress(bytes[..CopyTo(bytes)]);
    }

    /// <summary>Whether the first <paramref name="prefixLength"/> bits (of the family's 32 or 128) equal those of <paramref name="network"/>.</summary>
    public bool IsIn(InetAddress network, int prefixLength)
    {
        if (network.IsV4 != IsV4)
        {
            return false;
        }

        int bits = IsV4 ? prefixLength + 96 : prefixLength;
        ulong highMask = bits >= 64 ? ulong.MaxValue : bits <= 0 ? 0 : ulong.MaxValue << (64 - bits);
        ulong lowMask = bits >= 128 ? ulong.MaxValue : bits <= 64 ? 0 : ulong.MaxValue << (128 - bits);
        return (High & highMask) == (network.High & highMask) && (Low & lowMask) == (network.Low & lowMask);
    }

    /// <inheritdoc/>
    public override string ToString() => ToIPAddress().ToString();
}
