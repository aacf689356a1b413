using Baton.Wire;

namespace Baton.Director;

/// <summary>
/// Makes frames for the lan out of clients' packets: completes checksums and cuts super-segments first, encapsulates
/// each packet, and fragments on the outer layer what the lan's MTU is too small for. A shard has one. Usage:
/// <see cref="TryStart"/>, then <see cref="ForwardedFrames.TryNext"/> until there is none.
/// </summary>
public sealed class Forwarder
{
    /// <summary>Bytes of scratch that suffice for any packet.</summary>
    public const int ScratchLength = HeaderRoom + 65_536;

    internal const int HeaderRoom = EthernetHeader.Length + Encapsulation.MaxOverhead + FragmentHeaderLength;
    internal const int FragmentHeaderLength = 8;

    // RFC 791: every host takes packets of 576 bytes; below that an outer fragment would hold little but headers.
    private const int MinimumMtu = 576;

    private readonly int _lanMtu;

    /// <summary>A forwarder to a lan.</summary>
    /// <param name="lanMtu">The lan's MTU in bytes, at least 576.</param>
    /// <param name="firstIdentification">Where the identifications of outer fragments begin; any number.</param>
    public Forwarder(int lanMtu, uint firstIdentification)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(lanMtu, MinimumMtu);
        _lanMtu = lanMtu;
        Identification = firstIdentification;
    }

    /// <summary>Packets encapsulated.</summary>
    public long Packets { get; internal set; }

    /// <summary>Of these, packets that the lan's MTU was too small for.</summary>
    public long Fragmented { get; internal set; }

    internal uint Identification { get; set; }

    internal int LanMtu => _lanMtu;

    /// <summary>Begins to forward a client's packet or super-segment.</summary>
    /// <param name="layout">The packet's layout.</param>
    /// <param name="packet">From the IP header on; padding behind it does not matter.</param>
    /// <param name="offload">The offload state that it came with.</param>
    /// <param name="reference">The owner's reference.</param>
    /// <param name="hops">The hop count to write: <see cref="ReferenceCodec.InitialHops"/> at the home, <see cref="Encapsulation.NextHops"/> at a tombstone.</param>
    /// <param name="outer">From this node to the owner.</param>
    /// <param name="sourcePort">See <see cref="Encapsulation.SourcePort"/>.</param>
    /// <param name="scratch"><see cref="ScratchLength"/> bytes in which headers and cut packets are made.</param>
    /// <param name="frames">The frames, when <see cref="DropReason.None"/> is returned.</param>
    public DropReason TryStart(
        scoped in IpPacket layout,
        ReadOnlySpan<byte> packet,
        FrameOffload offload,
        scoped in EncodedReference reference,
        byte hops,
        scoped in OuterAddresses outer,
        ushort sourcePort,
        Span<byte> scratch,
        out ForwardedFrames frames)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(scratch.Length, ScratchLength);
        frames = default;
        var reason = Refuse(in layout, hops, outer.Destination);
        if (reason != DropReason.None)
        {
            return reason;
        }

        packet = packet[..layout.TotalLength];
        bool whole = offload.Gso == GsoType.None && offload.Checksum != ChecksumState.Partial;
        SegmentIterator segments = default;
        int longest = packet.Length;
        if (!whole)
        {
            reason = Segmentation.TryStart(packet, offload, out segments);
            if (reason != DropReason.None)
            {
                return reason;
            }

            longest = segments.MaxPacketLength;
        }

        if (longest > ushort.MaxValue - Encapsulation.MaxOverhead)
        {
            return DropReason.TooBig;
        }

        frames = new ForwardedFrames(this, whole ? packet : default, segments, in reference, hops, in outer, sourcePort, scratch);
        return DropReason.None;
    }

    private static DropReason Refuse(in IpPacket layout, byte hops, InetAddress owner) =>
        hops == 0 ? DropReason.HopsExhausted
        : Encapsulation.IsEncapsulated(in layout) ? DropReason.AlreadyEncapsulated
        : layout.IsFragment ? DropReason.IpBadFragment
        : owner == default ? DropReason.NeighbourUnresolved
        : DropReason.None;
}
