namespace Baton.Node.Demo;

/// <summary>The kind of the nodes' links in the demonstration.</summary>
internal enum DemoLink
{
    /// <summary>TAP devices that the nodes open.</summary>
    Tap,

    /// <summary>Cables, shared with the kernel by packet sockets.</summary>
    Packet,

    /// <summary>Cables, by XDP sockets, with the NIC program on them.</summary>
    Xdp,
}
