using Baton.Wire;

namespace Baton.Stack;

/// <summary>Makes ICMP messages of both families: echo replies and errors, each at a bounded rate (RFC 792, RFC 1122 §3.2.2, RFC 4443).</summary>
internal sealed class IcmpSender
{
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

    /// <summary>
    /// Answers an echo request with its own data, from the address it was sent to (RFC 1122 §3.2.2.6, RFC 4443 §4.2); one
    /// to a group from the address that suits the asker.
    /// </summary>
    public DropReason Reply(Instant now, in IpPacket request, in IcmpMessage echo)
    {
        var source = request.Destination;
        if (source.IsMulticast && !_transmitter.Routes.TryChooseSource(request.Source, out source))
        {
            return Drop(DropReason.NoRoute);
        }

        if (!_echoLimit.TryTake(now))
        {
            return Drop(DropReason.RateLimited);
        }

        byte type = request.Family == AddressFamily.V4 ? IcmpType.EchoReply : IcmpV6Type.EchoReply;
        var reply = new IcmpMessage(request.Family, type, 0, echo.Rest, echo.Body);
        return Send(now, source, request.Source, reply, request.TrafficClass);
    }

    /// <summary>Tells the sender of a datagram that nobody listens on its port (RFC 1122 §4.1.3.1, RFC 4443 §3.1).</summary>
    public void PortUnreachable(Instant now, in IpPacket offending, ReadOnlySpan<byte> packet)
    {
        if (offending.Family == AddressFamily.V4)
        {
            Tell(now, offending, packet, IcmpType.DestinationUnreachable, 3, 0);
        }
        else
        {
            Tell(now, offending, packet, IcmpV6Type.DestinationUnreachable, 4, 0);
        }
    }

    /// <summary>Tells the sender that a protocol is not spoken here (RFC 1122 §3.2.2.1, RFC 8200 §4).</summary>
    public void ProtocolUnreachable(Instant now, in IpPacket offending, ReadOnlySpan<byte> packet)
    {
        if (offending.Family == AddressFamily.V4)
        {
            Tell(now, offending, packet, IcmpType.DestinationUnreachable, 2, 0);
        }
        else if (Ipv6Problem.TryFind(packet, out var problem))
        {
            ParameterProblem(now, offending, packet, problem);
        }
    }

    /// <summary>Tells the sender what in an IPv6 packet makes no sense (RFC 4443 §3.4).</summary>
    public void ParameterProblem(Instant now, in IpPacket offending, ReadOnlySpan<byte> packet, in Ipv6Problem problem) =>
        Tell(now, offending, packet, IcmpV6Type.ParameterProblem, problem.Code, problem.Pointer, problem.EvenToGroups);

    /// <summary>Tells the sender of a first fragment that the others did not come in time (RFC 1122 §3.3.2, RFC 8200 §4.5).</summary>
    public void ReassemblyTimeExceeded(Instant now, in IpPacket offending, ReadOnlySpan<byte> packet) =>
        Tell(now, offending, packet, offending.Family == AddressFamily.V4 ? IcmpType.TimeExceeded : IcmpV6Type.TimeExceeded, 1, 0);

    /// <summary>An error with a quote, where the RFCs allow one.</summary>
    private void Tell(Instant now, in IpPacket offending, ReadOnlySpan<byte> packet, byte type, byte code, uint rest, bool evenToGroups = false)
    {
        // RFC 1122 §3.2.2, RFC 4443 §2.4 (e): no error about an error, about a later fragment, to what is no single
        // host, or about what went to a group.
        var source = offending.Destination;
        bool toGroup = source.IsMulticast;
        if (offending.FragmentOffset != 0
            || MartianAddresses.IsNoHost(offending.Source)
            || (toGroup && !evenToGroups)
            || IsError(offending, packet)
            || (toGroup && !_transmitter.Routes.TryChooseSource(offending.Source, out source)))
        {
            return;
        }

        if (!_errorLimit.TryTake(now))
        {
            _drops.Count(DropReason.RateLimited);
            return;
        }

        // As much of the packet as fits: 576 bytes (RFC 1812 §4.3.2.3), 1280 over IPv6 (RFC 4443 §2.4 (c)).
        int most = offending.Family == AddressFamily.V4 ? IcmpMessage.MaxErrorPacketV4 : IcmpMessage.MaxErrorPacketV6;
        int room = most - IpHeader.Length(offending.Family) - IcmpMessage.HeaderLength;
        var quote = packet[..Math.Min(Math.Min(offending.TotalLength, packet.Length), room)];
        Send(now, source, offending.Source, new IcmpMessage(offending.Family, type, code, rest, quote));
    }

    private static bool IsError(in IpPacket packet, ReadOnlySpan<byte> bytes)
    {
        bool icmp = packet.Protocol == (packet.Family == AddressFamily.V4 ? IpProtocol.Icmp : IpProtocol.IcmpV6);
        return icmp
            && (packet.PayloadLength < IcmpMessage.HeaderLength
                || new IcmpMessage(packet.Family, bytes[packet.HeaderLength], 0, 0, default) is { IsError: true }
                || (packet.Family == AddressFamily.V6 && bytes[packet.HeaderLength] == IcmpV6Type.Redirect));
    }

    private DropReason Send(Instant now, InetAddress source, InetAddress destination, in IcmpMessage message, byte trafficClass = 0)
    {
        int headerLength = IpHeader.Length(destination);
        if (!_transmitter.TryRent(headerLength + message.Length, out var buffer))
        {
            return DropReason.SendQueueFull;
        }

        var packet = Transmitter.Packet(buffer);
        var protocol = destination.IsV4 ? IpProtocol.Icmp : IpProtocol.IcmpV6;
        IpHeader.Write(
            packet,
            source,
            destination,
            protocol,
            message.Length,
            trafficClass,
            identification: (ushort)_transmitter.NextIdentification(source, destination));
        message.Write(packet[headerLength..], source, destination);
        return _transmitter.Send(now, buffer, destination);
    }

    private DropReason Drop(DropReason reason)
    {
        _drops.Count(reason);
        return reason;
    }
}
