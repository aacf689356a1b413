using System.Runtime.InteropServices;
using System.Text;
using Baton.Wire;

namespace Baton.Link;

/// <summary>struct ifreq: an interface's name and one value, 40 bytes on 64-bit Linux.</summary>
[StructLayout(LayoutKind.Explicit, Size = 40)]
internal unsafe struct InterfaceRequest
{
    public const int NameLimit = 15;

    [FieldOffset(0)]
    private fixed byte _name[16];

    /// <summary>ifr_flags, with TUNSETIFF and SIOCGIFFLAGS.</summary>
    [FieldOffset(16)]
    public short Flags;

    /// <summary>ifr_mtu, ifr_ifindex.</summary>
    [FieldOffset(16)]
    public int Value;

    // ifr_hwaddr: two bytes of family, then the address.
    [FieldOffset(18)]
    private fixed byte _hardwareAddress[6];

    /// <summary>A request for the named interface; the name is at most <see cref="NameLimit"/> ASCII characters.</summary>
    public static InterfaceRequest For(string name)
    {
        var request = default(InterfaceRequest);
        Encoding.ASCII.GetBytes(name, new Span<byte>(request._name, NameLimit));
        return request;
    }

    /// <summary>ifr_hwaddr as an address.</summary>
    public MacAddress HardwareAddress
    {
        get
        {
            fixed (byte* bytes = _hardwareAddress)
            {
                return MacAddress.FromBytes(new ReadOnlySpan<byte>(bytes, MacAddress.Length));
            }
        }
    }
}
