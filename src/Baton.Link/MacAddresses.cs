using System.Security.Cryptography;
using Baton.Wire;

namespace Baton.Link;

/// <summary>Makes Ethernet addresses.</summary>
internal static class MacAddresses
{
    /// <summary>Individual and locally administered (IEEE 802-2014 §8.4).</summary>
    public static MacAddress Random()
    {
        Span<byte> bytes = stackalloc byte[MacAddress.Length];
        RandomNumberGenerator.Fill(bytes);
        bytes[0] = (byte)(bytes[0] & 0xFC | 0x02);
        return MacAddress.FromBytes(bytes);
    }
}
