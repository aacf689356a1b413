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
            // Unspecified, loopback, multicast (RFC 4291 §2.4).
            return address.High == 0 && address.Low <= 1 || address.High >> 56 == 0xFF;
        }

        uint first = address.V4 >> 24;
        return first is 0 or 127 or >= 224;
    }
}
