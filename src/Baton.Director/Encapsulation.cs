using Baton.Wire;

namespace Baton.Director;

/// <summary>
/// Geneve (RFC 8926) over UDP with the reference as its one option: outer Ethernet, IP and UDP, the reference, and the
/// client's packet unchanged. <see cref="Forwarder"/> makes the frames; here are their headers and the way back.
/// </summary>
public static class Encapsulation
{
    /// <summary>The UDP port that encapsulated packets are sent to (RFC 8926 §3.3).</summary>
    public const ushort Port = GeneveHeader.Port;

    /// <summary>
    /// The most that encapsulation adds to a packet, Ethernet not counted: what a lan's MTU should have over the front's
    /// (and some more for headers to come).
    /// </summary>
    public const int MaxOverhead = Ipv6Header.Length + UdpHeader.Length + EncodedReference.MaxLength;

    /// <summary>Bytes of the outer IP header, UDP and the reference.</summary>
    public static int Overhead(in EncodedReference reference, InetAddress outerDestination) =>
        IpHeaderLength(outerDestination) + UdpHeader.Length + reference.Length;

    /// <summary>The outer UDP source port of a flow, 49152 to 65535: the flow's hash, so that paths and queues spread (RFC 8926 §3.3).</summary>
    public static ushort SourcePort(ulong flowHash) => (ushort)(49152 + (flowHash & 0x3FFF));

    /// <summary>The hop count that goes on when a tombstone forwards a packet that came with <paramref name="hops"/>; at 0 it is dropped.</summary>
    public static byte NextHops(byte hops) => (byte)Math.Max(0, hops - 1);

    /// <summary>Whether a client's packet claims to be encapsulated itself; it is not forwarded, however deep it would nest.</summary>
    public static bool IsEncapsulated(in IpPacket packet) =>
        packet is { Protocol: IpProtocol.Udp, HasPorts: true, DestinationPort: Port };

    /// <summary>Writes everything that stands in front of the client's packet in an unfragmented frame.</summary>
    /// <param name="destination">Room for Ethernet's header and <see cref="Overhead"/>.</param>
    /// <param name="reference">The owner's reference.</param>
    /// <param name="hops">The hop count to write.</param>
    /// <param name="outer">From this node to the owner.</param>
    /// <param name="packet">The client's packet.</param>
    /// <param name="sourcePort">See <see cref="SourcePort"/>.</param>
    /// <returns>Bytes written.</returns>
    public static int WriteHeaders(
        Span<byte> destination,
        in EncodedReference reference,
        byte hops,
        in OuterAddresses outer,
        ReadOnlySpan<byte> packet,
        ushort sourcePort)
    {
        int at = WriteEthernetHeader(destination, in outer);
        int length = UdpHeader.Length + reference.Length + packet.Length;
        at += outer.Destination.IsV4
            ? Ipv4Header.Write(destination[at..], outer.Source, outer.Destination, IpProtocol.Udp, Ipv4Header.Length + length)
            : Ipv6Header.Write(destination[at..], outer.Source, outer.Destination, IpProtocol.Udp, length);
        return at + WriteDatagramHeaders(destination[at..], in reference, hops, in outer, packet, sourcePort);
    }

    /// <summary>
    /// Takes the outer headers off a packet from the lan and checks all that can be checked without knowing the endpoint:
    /// that a member sent it, lengths, checksum, version, the critical option, the hop count, and that the packet inside
    /// is one of the flow that the reference names. The owner still compares the reference with what it issued.
    /// </summary>
    /// <param name="outer">The outer packet's layout.</param>
    /// <param name="packet">The outer packet, reassembled.</param>
    /// <param name="checksum">What is known of its UDP checksum.</param>
    /// <param name="member">The member at its source address, or none.</param>
    /// <param name="inner">What is inside, when <see cref="DropReason.None"/> is returned.</param>
    public static DropReason TryDecapsulate(
        in IpPacket outer, ReadOnlySpan<byte> packet, ChecksumState checksum, NodeId member, out Decapsulated inner)
    {
        inner = default;
        if (member == NodeId.None)
        {
            return DropReason.NotMember;
        }

        var reason = TryReadDatagram(in outer, packet, checksum, out var geneve);
        if (reason != DropReason.None)
        {
            return reason;
        }

        reason = ReferenceCodec.TryDecode(geneve, out var reference, out var flags, out byte hops, out int headerLength);
        if (reason != DropReason.None)
        {
            return reason;
        }

        if ((flags & ReferenceFlags.Forwarded) == 0)
        {
            return DropReason.ReferenceMalformed;
        }

        if (hops == 0)
        {
            return DropReason.HopsExhausted;
        }

        reason = TryReadInner(in reference, geneve[headerLength..], out var layout);
        if (reason == DropReason.None)
        {
            inner = new Decapsulated(reference, hops, geneve[..headerLength], layout, geneve[headerLength..]);
        }

        return reason;
    }

    internal static int IpHeaderLength(InetAddress address) => address.IsV4 ? Ipv4Header.Length : Ipv6Header.Length;

    internal static int WriteEthernetHeader(Span<byte> destination, in OuterAddresses outer) =>
        new EthernetHeader(outer.DestinationMac, outer.SourceMac, EtherType.Of(outer.Destination.Family)).Write(destination);

    /// <summary>Writes UDP's header and the reference.</summary>
    internal static int WriteDatagramHeaders(
        Span<byte> destination,
        in EncodedReference reference,
        byte hops,
        in OuterAddresses outer,
        ReadOnlySpan<byte> packet,
        ushort sourcePort)
    {
        var headers = destination[..(UdpHeader.Length + reference.Length)];
        new UdpHeader(sourcePort, Port, (ushort)(headers.Length + packet.Length), 0).Write(headers);
        reference.Span.CopyTo(headers[UdpHeader.Length..]);
        ReferenceCodec.WriteHops(headers[UdpHeader.Length..], hops);

        // RFC 8926 §3.3: the checksum may be zero over IPv4, where the client's packet has its own; over IPv6 it is
        // computed (RFC 8200 §8.1).
        if (!outer.Destination.IsV4)
        {
            UdpChecksum.Write(headers, UdpChecksum.Compute(outer.Source, outer.Destination, headers, packet));
        }

        return headers.Length;
    }

    private static DropReason TryReadDatagram(
        in IpPacket outer, ReadOnlySpan<byte> packet, ChecksumState checksum, out ReadOnlySpan<byte> geneve)
    {
        geneve = default;
        if (outer.IsFragment)
        {
            return DropReason.IpBadFragment;
        }

        if (!IsEncapsulated(in outer))
        {
            return DropReason.UnknownProtocol;
        }

        var payload = outer.Payload(packet);
        var reason = UdpHeader.TryParse(payload, out var udp);
        if (reason != DropReason.None)
        {
            return reason;
        }

        var datagram = payload[..udp.DatagramLength];
        geneve = datagram[UdpHeader.Length..];
        return checksum != ChecksumState.Complete || UdpChecksum.Verify(in outer, datagram)
            ? DropReason.None
            : DropReason.UdpBadChecksum;
    }

    private static DropReason TryReadInner(in Reference reference, ReadOnlySpan<byte> packet, out IpPacket layout)
    {
        var reason = IpPacket.TryParse(packet, out layout);
        if (reason != DropReason.None)
        {
            return reason;
        }

        if (layout.TotalLength != packet.Length)
        {
            return DropReason.GeneveMalformed;
        }

        if (IsEncapsulated(in layout))
        {
            return DropReason.AlreadyEncapsulated;
        }

        reason = PacketFlow.TryRead(in layout, packet, out var flow);
        return reason != DropReason.None ? reason
            : flow == reference.Flow ? DropReason.None
            : DropReason.ReferenceMismatch;
    }
}
