namespace Baton.Wire;

/// <summary>What is known of, or still to be done to, a frame's transport checksum.</summary>
public enum ChecksumState : byte
{
    /// <summary>Nothing is known: the checksum in the frame is complete and, inwards, has to be verified.</summary>
    Complete,

    /// <summary>The field holds the pseudo-header's sum only; whoever puts the frame on a wire completes it.</summary>
    Partial,

    /// <summary>Inwards: verified already.</summary>
    Verified,
}

/// <summary>How a frame longer than the MTU is to be cut (generic segmentation offload).</summary>
public enum GsoType : byte
{
    /// <summary>One packet.</summary>
    None,

    /// <summary>TCP over IPv4.</summary>
    TcpV4,

    /// <summary>TCP over IPv6.</summary>
    TcpV6,

    /// <summary>Equal UDP datagrams (UDP_L4).</summary>
    UdpL4,
}

/// <summary>The offload state that travels beside a frame between link, stack and director, as virtio_net_hdr has it.</summary>
/// <param name="Checksum">State of the transport checksum.</param>
/// <param name="Gso">How the frame is to be cut.</param>
/// <param name="SegmentSize">Transport payload bytes of each packet it is cut into; 0 without GSO.</param>
public readonly record struct FrameOffload(ChecksumState Checksum, GsoType Gso, ushort SegmentSize)
{
    /// <summary>An ordinary frame.</summary>
    public static FrameOffload None => default;
}
