using Baton.Wire;

namespace Baton.Stack;

/// <summary>Answers segments of no connection with RST (RFC 9293 §3.10.7.1), at a bounded rate: one for clients of services, one for the node's own addresses.</summary>
internal sealed class ResetSender
{
    private readonly Transmitter _transmitter;
    private readonly DropCounters _drops;
    private TokenBucket _limit;

    public ResetSender(StackLimits limits, Transmitter transmitter, DropCounters drops)
    {
        _transmitter = transmitter;
        _drops = drops;
        _limit = new TokenBucket(limits.ResetsPerSecond, Math.Max(1, limits.ResetsPerSecond / 10));
    }

    /// <summary>RSTs sent.</summary>
    public long Sent { get; private set; }

    /// <summary>Answers one segment.</summary>
    public DropReason Answer(Instant now, in IpPacket packet, in TcpHeader segment, int payloadLength)
    {
        // RFC 9293 §3.10.7.1: "An incoming segment containing a RST is discarded."
        if (segment.Has(TcpFlags.Rst))
        {
            return Drop(DropReason.UnknownFlow);
        }

        if (!_limit.TryTake(now))
        {
            return Drop(DropReason.RateLimited);
        }

        var reset = new TcpHeader { SourcePort = segment.DestinationPort, DestinationPort = segment.SourcePort };
        if (segment.Has(TcpFlags.Ack))
        {
            // "If the ACK bit is on, <SEQ=SEG.ACK><CTL=RST>"
            reset.Sequence = segment.Acknowledgment;
            reset.Flags = TcpFlags.Rst;
        }
        else
        {
            // "If the ACK bit is off, sequence number zero is used, <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>"
            int length = payloadLength + (segment.Has(TcpFlags.Syn) ? 1 : 0) + (segment.Has(TcpFlags.Fin) ? 1 : 0);
            reset.Acknowledgment = segment.Sequence + length;
            reset.Flags = TcpFlags.Rst | TcpFlags.Ack;
        }

        Send(now, packet.Destination, packet.Source, reset);
        return Drop(DropReason.UnknownFlow);
    }

    private void Send(Instant now, InetAddress source, InetAddress destination, in TcpHeader reset)
    {
        int ipHeader = IpHeader.Length(destination);
        if (!_transmitter.TryRent(ipHeader + reset.Length, out var buffer))
        {
            return;
        }

        var packet = Transmitter.Packet(buffer);
        IpHeader.Write(packet, source, destination, IpProtocol.Tcp, reset.Length);
        var header = packet[ipHeader..];
        reset.Write(header);
        TcpChecksum.Write(header, TcpChecksum.Compute(source, destination, header));
        if (_transmitter.Send(now, buffer, destination) == DropReason.None)
        {
            Sent++;
        }
    }

    private DropReason Drop(DropReason reason)
    {
        _drops.Count(reason);
        return reason;
    }
}
