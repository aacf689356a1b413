using System.Runtime.InteropServices;

namespace Baton.Link;

/// <summary>
/// A route netlink message that sets an interface's transmit queue length. The ioctl of that name asks for the initial
/// user namespace's CAP_NET_ADMIN; this one is content with that of the network namespace's own, which an unprivileged
/// user can have.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct QueueLengthRequest
{
    private const ushort RTM_SETLINK = 19;
    private const ushort NLM_F_REQUEST = 1, NLM_F_ACK = 4;
    private const ushort IFLA_TXQLEN = 13;

    // struct nlmsghdr
    private uint _length;
    private ushort _type;
    private ushort _flags;
    private uint _sequence;
    private uint _port;

    // struct ifinfomsg
    private byte _family;
    private byte _padding;
    private ushort _deviceType;
    private int _index;
    private uint _deviceFlags;
    private uint _change;

    // struct rtattr and its value
    private ushort _attributeLength;
    private ushort _attribute;
    private uint _frames;

    public static QueueLengthRequest For(int index, int frames) => new()
    {
        _length = (uint)sizeof(QueueLengthRequest),
        _type = RTM_SETLINK,
        _flags = NLM_F_REQUEST | NLM_F_ACK,
        _index = index,
        _attributeLength = 8,
        _attribute = IFLA_TXQLEN,
        _frames = (uint)frames,
    };
}
