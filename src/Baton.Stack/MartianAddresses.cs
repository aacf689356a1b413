using Baton.Wire;

namespace Baton.Stack;

/// <summary>Addresses that no packet on a wire may come from (RFC 1122 §3.2.1.3, RFC 6890).</summary>
internal static class MartianAddresses
{
    /// <summary>Whether the address names no single host: "this network", loopback, multicast, reserved, broadcast.</summary>
    public static bool IsNoHost(InetAddress address)
    {
        if (!address.IsV4)
        {
            // Unspecified, loopback and the other addresses of ::/96 (RFC 4291 §2.5.5.1), multicast; 6to4 and NAT64 forms
            // of addresses that IPv4 would refuse (RFC 3964 §5.1, RFC 6052 §5.1).
            return (address.High == 0 && address.Low >> 32 == 0)
                || address.IsMulticast
                || (address.High >> 48 == 0x2002 && IsNoHost(InetAddress.FromV4((uint)(address.High >> 16))))
                || (address.High == 0x0064_FF9B_0000_0000 && address.Low >> 32 == 0 && IsNoHost(InetAddress.FromV4((uint)address.Low)));
        }

        uint first = address.V4 >> 24;
        return first is 0 or 127 or >= 224;
    }
}
