using Baton.Wire;

namespace Baton.Link;

/// <summary>Where the program that hands frames to an <see cref="XdpLink"/> runs.</summary>
public enum XdpPlace
{
    /// <summary>In the driver where it can, else behind it.</summary>
    Any,

    /// <summary>In the driver, before the kernel makes a packet of a frame.</summary>
    Native,

    /// <summary>Behind the driver: on every interface, and slower.</summary>
    Generic,
}

/// <summary>How an <see cref="XdpLink"/> is opened.</summary>
public sealed record XdpOptions
{
    /// <summary>The interface, which must exist and be up. Without <see cref="Nic"/> all its frames come here, the kernel sees none.</summary>
    public required string Name { get; init; }

    /// <summary>The network namespace of the interface, by name or path; null for the present one.</summary>
    public string? Namespace { get; init; }

    /// <summary>The receive queue of the interface whose frames come here.</summary>
    public int Queue { get; init; }

    /// <summary>Where the program runs.</summary>
    public XdpPlace Place { get; init; }

    /// <summary>
    /// The stack's Internet addresses. The link refuses to open where the kernel owns one of them: when the link closes,
    /// the kernel would answer the clients' segments with RST.
    /// </summary>
    public IReadOnlyList<InetAddress> Addresses { get; init; } = [];

    /// <summary>
    /// The NIC program's side of this interface: the program decides which frames come here, and leaves the kernel what is
    /// not the stack's. Null for a program that hands over all of them.
    /// </summary>
    public NicInterface? Nic { get; init; }

    /// <summary>
    /// How long the kernel looks for frames at the device itself when the link looks for some, instead of being interrupted
    /// (SO_PREFER_BUSY_POLL, <c>Documentation/networking/napi.rst</c>): up to <see cref="MostBusyPoll"/>. The device's
    /// interrupts have to be put off for it: <c>napi_defer_hard_irqs</c> and <c>gro_flush_timeout</c>. Zero for none.
    /// </summary>
    public TimeSpan BusyPoll { get; init; }

    /// <summary>The longest <see cref="BusyPoll"/>.</summary>
    public static TimeSpan MostBusyPoll { get; } = TimeSpan.FromMilliseconds(10);

    /// <summary>
    /// The VLAN (IEEE 802.1Q) that the link is on, 1 to 4094: only its frames come here, the others are the kernel's, and the stack
    /// sees none of its tags. 0 for frames as they are. A device that takes tags off by itself must leave them on
    /// (<c>ethtool -K DEVICE rxvlan off</c>).
    /// </summary>
    public int Vlan { get; init; }

    /// <summary>Frames that wait to be received, and as many to be sent: a power of two, 64 to 16384.</summary>
    public int RingLength { get; init; } = 2048;
}
