using Baton.Link;
using Baton.Wire;

namespace Baton.RealPackets.Tests;

/// <summary>What tests ask of a capture.</summary>
internal static class CapturedPackets
{
    /// <summary>The packets of a flow, both ways, not those inside encapsulated ones.</summary>
    public static List<CapturedPacket> Of(this IEnumerable<CapturedPacket> packets, Flow flow) =>
        [.. packets.Where(p => (p.IsTcp || p.IsUdp) && (p.Ip.FlowAtDestination() == flow || p.Ip.FlowAtSource() == flow))];

    /// <summary>A flow's packets from the client.</summary>
    public static List<CapturedPacket> FromClient(this IEnumerable<CapturedPacket> packets, Flow flow) =>
        [.. packets.Of(flow).Where(p => p.Ip.FlowAtDestination() == flow)];

    /// <summary>A flow's packets to the client.</summary>
    public static List<CapturedPacket> ToClient(this IEnumerable<CapturedPacket> packets, Flow flow) =>
        [.. packets.Of(flow).Where(p => p.Ip.FlowAtSource() == flow)];

    /// <summary>A flow's packets that are forwarded, each inside an encapsulated one.</summary>
    public static List<CapturedPacket> Forwarded(this IEnumerable<CapturedPacket> packets, Flow flow) =>
        [.. packets.Where(p => p.IsEncapsulated && p.Reference.Flow == flow)];

    /// <summary>What a node received.</summary>
    public static List<CapturedPacket> In(this IEnumerable<CapturedPacket> packets) =>
        [.. packets.Where(p => p.Direction == CaptureDirection.Inbound)];

    /// <summary>What a node sent.</summary>
    public static List<CapturedPacket> Out(this IEnumerable<CapturedPacket> packets) =>
        [.. packets.Where(p => p.Direction == CaptureDirection.Outbound)];

    /// <summary>The sequence numbers that a flow's packets, all of them, leave an endpoint with.</summary>
    public static SequenceGroup Sequence(this IEnumerable<CapturedPacket> packets, Flow flow)
    {
        var all = packets.Of(flow);
        var syn = all.FromClient(flow).First(p => p.Has(TcpFlags.Syn)).Tcp;
        var synAck = all.ToClient(flow).First(p => p.Has(TcpFlags.Syn)).Tcp;
        return new SequenceGroup(
            synAck.Sequence,
            syn.Sequence,
            all.FromClient(flow).Where(p => p.Has(TcpFlags.Ack)).Select(p => p.Tcp.Acknowledgment).Aggregate(synAck.Sequence, SeqNum.Max),
            all.ToClient(flow).Select(End).Aggregate(SeqNum.Max),
            all.FromClient(flow).Select(End).Aggregate(SeqNum.Max));
    }

    /// <summary>The sequence number behind a segment.</summary>
    public static SeqNum End(this CapturedPacket packet) =>
        packet.Tcp.Sequence + packet.Payload.Length + (packet.Has(TcpFlags.Syn) ? 1 : 0) + (packet.Has(TcpFlags.Fin) ? 1 : 0);
}
