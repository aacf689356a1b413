using Baton.Wire;

namespace Baton.Stack;

/// <summary>Makes ICMP messages: echo replies and errors, each at a bounded rate (RFC 792, RFC 1122 §3.2.2).</summary>
internal sealed class IcmpSender
{
    /// <summary>Code of "destination unreachable": port.</summary>
    public const byte PortUnreachable = 3;

    /// <summary>Code of "destination unreachable": protocol.</summary>
    public const byte ProtocolUnreachable = 2;

    private readonly Transmitter _transmitter;
    private readonly DropCounters _drops;
    private TokenBucket _errorLimit;
    private TokenBucket _echoLimit;

    public IcmpSender(StackLimits limits, Transmitter transmitter, DropCounters drops)
    {
        _transmitter = transmitter;
        _drops = drops;
        _errorLimit = new TokenBucket(limits.IcmpErrorsPerSecond, Math.Max(1, limits.IcmpErrorsPerSecond / 10));
        _echoLimit = new TokenBucket(limits.EchoRepliesPerSecond, Math.Max(1, limits.EchoRepliesPerSecond / 10));
    }

    /// <summary>Answers an echo request with its own data, from the address it was sent to (RFC 1122 §3.2.2.6).</summary>
    public DropReason Reply(Instant now, in IpPacket request, in IcmpMessage echo)
    {
        if (!_echoLimit.TryTake(now))
        {
            return Drop(DropReason.RateLimited);
        }

        var reply = new IcmpMessage(AddressFamily.V4, IcmpType.EchoReply, 0, echo.Rest, echo.Body);
        return Send(now, request.Destination, request.Source, reply, request.TrafficClass);
    }

    /// <summary>Tells the sender of <paramref name="offending"/> that it cannot be delivered, quoting it.</summary>
    public void Unreachable(Instant now, in IpPacket offending, ReadOnlySpan<byte> packet, byte code)
    {
        // RFC 1122 §3.2.2: no error about an error (the caller's check), a later fragment, or to what is no single host.
        if (offending.FragmentOffset != 0 || MartianAddresses.IsNoHost(offending.Source) || offending.Destination.V4 >= 0xE000_0000)
        {
            return;
        }

        if (!_errorLimit.TryTake(now))
        {
            _drops.Count(DropReason.RateLimited);
            return;
        }

        // RFC 1812 §4.3.2.3: as much of the packet as fits into 576 bytes.
        const int Room = IcmpMessage.MaxErrorPacketV4 - Ipv4Header.Length - IcmpMessage.HeaderLength;
        var quote = packet[..Math.Min(offending.TotalLength, Room)];
        Send(now, offending.Destination, offending.Source, new IcmpMessage(AddressFamily.V4, IcmpType.DestinationUnreachable, code, 0, quote));
    }

    private DropReason Send(Instant now, InetAddress source, InetAddress destination, in IcmpMessage message, byte trafficClass = 0)
    {
        int ipLength = Ipv4Header.Length + message.Length;
        if (!_transmitter.TryRent(ipLength, out var buffer))
        {
            return DropReason.SendQueueFull;
        }

        var packet = Transmitter.Packet(buffer);
        Ipv4Header.Write(
            packet, source, destination, IpProtocol.Icmp, ipLength, _transmitter.NextIdentification(), trafficClass, dontFragment: false);
        message.Write(packet[Ipv4Header.Length..], source, destination);
        return _transmitter.Send(now, buffer, destination);
    }

    private DropReason Drop(DropReason reason)
    {
        _drops.Count(reason);
        return reason;
    }
}
