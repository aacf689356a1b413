using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Baton.Wire;

/// <summary>Internet protocol numbers (IANA) that the farm understands.</summary>
public enum IpProtocol : byte
{
    /// <summary>ICMP (RFC 792).</summary>
    Icmp = 1,

    /// <summary>TCP (RFC 9293).</summary>
    Tcp = 6,

    /// <summary>UDP (RFC 768).</summary>
    Udp = 17,

    /// <summary>ICMPv6 (RFC 4443).</summary>
    IcmpV6 = 58,
}

/// <summary>
/// Both ends of a flow as one node sees them: local is the farm's side, remote the client's. Without gaps, since every
/// connection has several.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 2)]
public readonly record struct FourTuple(InetAddress LocalAddress, ushort LocalPort, InetAddress RemoteAddress, ushort RemotePort)
{
    /// <summary>The same flow as the other end sees it.</summary>
    public FourTuple Reversed => new(RemoteAddress, RemotePort, LocalAddress, LocalPort);

    /// <inheritdoc/>
    public override string ToString() => $"{Text(RemoteAddress, RemotePort)} > {Text(LocalAddress, LocalPort)}";

    private static string Text(InetAddress address, ushort port) => address.IsV4 ? $"{address}:{port}" : $"[{address}]:{port}";
}

/// <summary>A flow: protocol and four-tuple. The directory's key.</summary>
public readonly record struct Flow(IpProtocol Protocol, FourTuple Tuple)
{
    /// <summary>
    /// A keyed hash, so that a client that does not know the key cannot choose ports that collide. The key comes from
    /// outside (pure layers make no random values).
    /// </summary>
    public ulong Hash(in HashKey key)
    {
        // Multiply-and-fold over 64x64->128 products keyed on both sides; the tuple is five words.
        ulong ports = (ulong)Tuple.LocalPort << 32 | (ulong)Tuple.RemotePort << 16 | (byte)Protocol;
        ulong h = Fold(Tuple.RemoteAddress.Low ^ key.First, ports ^ key.Second);
        h = Fold(h ^ Tuple.LocalAddress.Low, key.Second ^ 0x9E37_79B9_7F4A_7C15);
        return Fold(h ^ Tuple.RemoteAddress.High ^ key.First, Tuple.LocalAddress.High ^ key.Second);
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Protocol} {Tuple}".ToLowerInvariant();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Fold(ulong a, ulong b)
    {
        ulong high = Math.BigMul(a, b, out ulong low);
        return high ^ low;
    }
}

/// <summary>The secret of a keyed hash: 128 random bits given by the caller.</summary>
public readonly record struct HashKey(ulong First, ulong Second);
