using System.Buffers.Binary;
using Baton.Scenarios.Script;
using Baton.Stack;
using Baton.Wire;

namespace Baton.Scenarios.Run;

/// <summary>Compares what left with what the script expects.</summary>
internal sealed class PacketComparison(ScriptSettings settings, FlowMaps flows, NetworkStack stack, ICollection<string> ignored)
{
    /// <summary>By the field's value (RFC 3168 §5).</summary>
    private static readonly string[] EcnNames = ["noecn", "ect1", "ect0", "ce"];

    /// <summary>
    /// Whether a line expects more bytes than this segment has, all but the last of them without PSH or FIN: then it means
    /// this one and those that follow, as on a host that cuts segments below.
    /// </summary>
    /// <param name="expected">The line's packet.</param>
    /// <param name="sent">What left.</param>
    /// <param name="rest">What the line expects behind this segment; <paramref name="first"/> is this segment's part.</param>
    /// <param name="first">What the line expects of this segment.</param>
    public bool TrySplit(PacketSpec expected, SentPacket sent, out PacketSpec first, out PacketSpec rest)
    {
        (first, rest) = (expected, expected);
        if (settings.StrictSegments
            || expected is not SegmentSpec spec
            || Describe(sent, flows.OfSent(sent), withPorts: false) is not SegmentSpec { Length: > 0 } actual
            || actual.Length >= spec.Length
            || actual.Flags != ".")
        {
            return false;
        }

        first = spec with { Length = actual.Length, Flags = "." };
        rest = spec with { Start = spec.Start + (uint)actual.Length, Length = spec.Length - actual.Length };
        return true;
    }

    /// <summary>What is different, or null; <paramref name="got"/> is the packet in the script's language.</summary>
    public string? Compare(PacketSpec expected, SentPacket sent, out string got, int line = 0)
    {
        var flow = flows.OfSent(sent);
        if (expected is SegmentSpec spec && spec.Has('S') && sent.Ip.Protocol == IpProtocol.Tcp
            && TcpHeader.TryParse(sent.Transport, out var header, out _) == DropReason.None && header.Has(TcpFlags.Syn))
        {
            flow.OnLocalSyn(spec.Start, header.Sequence, stack.Find(new Flow(IpProtocol.Tcp, flow.Tuple)));
        }

        var actual = Describe(sent, flow, withPorts: expected.SourcePort is not null || IsOther(flow));
        got = actual?.ToString() ?? $"a packet of protocol {sent.Ip.Protocol}";
        return (expected, actual) switch
        {
            (SegmentSpec e, SegmentSpec a) => CompareSegment(e, a, sent, flow, line),
            (DatagramSpec e, DatagramSpec a) => CompareDatagram(e, a, sent),
            (IcmpSpec e, IcmpSpec a) => CompareIcmp(e, a),
            _ => "kind of packet",
        } ?? CompareFields(expected.Ip, sent);
    }

    /// <summary>A packet in the script's language.</summary>
    public string Describe(SentPacket sent)
    {
        var flow = flows.OfSent(sent);
        return Describe(sent, flow, withPorts: IsOther(flow))?.ToString() ?? $"a packet of protocol {sent.Ip.Protocol}";
    }

    /// <summary>Whether a flow is another than that of packets without ports.</summary>
    private bool IsOther(FlowMap flow) => flow.Tuple != flows.Current.Tuple;

    private static PacketSpec? Describe(SentPacket sent, FlowMap flow, bool withPorts)
    {
        ushort? source = withPorts ? sent.Ip.SourcePort : null;
        ushort? destination = withPorts ? sent.Ip.DestinationPort : null;
        if (sent.Ip.Protocol == IpProtocol.Udp)
        {
            return new DatagramSpec(source, destination, sent.Ip.PayloadLength - UdpHeader.Length) { Ip = FieldsOf(sent) };
        }

        if (sent.Ip.Protocol is IpProtocol.Icmp or IpProtocol.IcmpV6)
        {
            return DescribeIcmp(sent);
        }

        if (sent.Ip.Protocol != IpProtocol.Tcp || TcpHeader.TryParse(sent.Transport, out var header, out int headerLength) != DropReason.None)
        {
            return null;
        }

        bool ack = header.Has(TcpFlags.Ack);
        return new SegmentSpec(
            source,
            destination,
            SegmentFlags.Text(header.Flags),
            flow.LocalToScript(header.Sequence),
            sent.Transport.Length - headerLength,
            ack ? FlowMap.RemoteToScript(header.Acknowledgment) : null,
            header.Window,
            header.UrgentPointer,
            OptionBytes.Read(sent.Transport[TcpHeader.MinLength..headerLength], flow))
        {
            Ip = FieldsOf(sent),
        };
    }

    private static IpFields FieldsOf(SentPacket sent) => new(Ecn: EcnNames[sent.Ip.TrafficClass & 3]);

    private static IcmpSpec? DescribeIcmp(SentPacket sent)
    {
        if (IcmpMessage.TryParse(sent.Ip, sent.Transport, out var message) != DropReason.None)
        {
            return null;
        }

        var family = sent.Ip.Family;
        bool tooBig = message.ErrorKind == IcmpErrorKind.PacketTooBig;
        return new IcmpSpec(
            IcmpNames.TypeName(family, message.Type),
            IcmpNames.CodeName(family, message.Type, message.Code),
            tooBig ? message.NextHopMtu : null,
            (ushort)(message.IsError ? 0 : message.Rest >> 16),
            message.IsError ? DescribeQuote(message.Body) : null) { Ip = FieldsOf(sent) };
    }

    /// <summary>The packet of the remote end that an error of ours quotes.</summary>
    private static QuotedPacket? DescribeQuote(ReadOnlySpan<byte> quote)
    {
        if (IpPacket.TryParseQuoted(quote, out var ip) != DropReason.None || !ip.HasPorts)
        {
            return null;
        }

        var transport = quote[ip.HeaderLength..];
        return ip.Protocol == IpProtocol.Udp ? new(IpProtocol.Udp, 0, ip.PayloadLength - UdpHeader.Length)
            : transport.Length < TcpHeader.MinLength ? null
            : new(
                IpProtocol.Tcp,
                FlowMap.RemoteToScript(new(BinaryPrimitives.ReadUInt32BigEndian(transport[4..]))),
                ip.PayloadLength - (transport[12] >> 4) * 4);
    }

    private static string? CompareIcmp(IcmpSpec expected, IcmpSpec actual) =>
        expected.Type != actual.Type || (expected.Code.Length > 0 && expected.Code != actual.Code) ? "type or code"
        : expected.Mtu is not null && expected.Mtu != actual.Mtu ? "MTU"
        : expected.EchoId != 0 && expected.EchoId != actual.EchoId ? "identifier"
        : expected.Quoted is not null && expected.Quoted != actual.Quoted ? "packet quoted"
        : null;

    private static string? CompareFields(IpFields expected, SentPacket sent)
    {
        string ecn = EcnNames[sent.Ip.TrafficClass & 3];
        bool sameEcn = expected.Ecn switch
        {
            null => true,
            "ecn" => ecn != "noecn",
            "ect01" => ecn is "ect0" or "ect1",
            _ => expected.Ecn == ecn,
        };
        uint label = sent.Ip.Family == AddressFamily.V6 ? BinaryPrimitives.ReadUInt32BigEndian(sent.Bytes) & 0xF_FFFF : 0;
        return !sameEcn ? "ECN field"
            : expected.TrafficClass is { } tos && tos != sent.Ip.TrafficClass ? "TOS"
            : expected.FlowLabel is { } flowLabel && flowLabel != label ? "flow label"
            : expected.Ttl is { } ttl && ttl != sent.Ip.Ttl ? "TTL"
            : null;
    }

    private string? CompareSegment(SegmentSpec expected, SegmentSpec actual, SentPacket sent, FlowMap flow, int line)
    {
        return (expected.SourcePort, expected.DestinationPort) != (actual.SourcePort, actual.DestinationPort) ? "ports"
            : !SameFlags(expected, actual, sent, line) ? "flags"
            : expected.Start != actual.Start ? "sequence number"
            : expected.Length != actual.Length ? "payload length"
            : expected.Ack.GetValueOrDefault() != actual.Ack.GetValueOrDefault() ? "acknowledgment"
            : expected.Window is not null && expected.Window != actual.Window ? "window"
            : expected.Urgent != actual.Urgent ? "urgent pointer"
            : expected.Options is not null && !SameOptions(expected.Options, actual.Options!, sent, flow) ? "options"
            : !TcpChecksum.Verify(sent.Ip, sent.Transport) ? "checksum"
            : StreamPattern.FirstDifference(sent.Transport[^actual.Length..], actual.Start - flow.LocalStart + (actual.Has('S') ? 1u : 0)) >= 0 ? "payload"
            : null;
    }

    /// <summary>
    /// RFC 9293 §3.9.1.2 wants PSH on the last segment of what is queued and leaves it to the sender before. Linux sets it
    /// where a buffer of its own ends: with its profile a difference there is noted and not counted.
    /// </summary>
    private bool SameFlags(SegmentSpec expected, SegmentSpec actual, SentPacket sent, int line)
    {
        var difference = SegmentFlags.Parse(expected.Flags) ^ SegmentFlags.Parse(actual.Flags);
        if (difference != TcpFlags.Psh || settings.Profile != ScenarioProfile.Linux || !sent.HasMoreBehind)
        {
            return difference == TcpFlags.None;
        }

        ignored.Add($"line {line}: PSH of {expected}");
        return true;
    }

    private static string? CompareDatagram(DatagramSpec expected, DatagramSpec actual, SentPacket sent)
    {
        return (expected.SourcePort, expected.DestinationPort) != (actual.SourcePort, actual.DestinationPort) ? "ports"
            : expected.Length != actual.Length ? "payload length"
            : !UdpChecksum.Verify(sent.Ip, sent.Transport) ? "checksum"
            : StreamPattern.FirstDifference(sent.Transport[UdpHeader.Length..], 0) >= 0 ? "payload"
            : null;
    }

    private bool SameOptions(IReadOnlyList<OptionSpec> expected, IReadOnlyList<OptionSpec> actual, SentPacket sent, FlowMap flow)
    {
        if (expected.Count != actual.Count)
        {
            return false;
        }

        for (int i = 0; i < expected.Count; i++)
        {
            bool same = expected[i].Name == "TS" && actual[i].Name == "TS"
                ? SameTimestamps(expected[i], actual[i], sent, flow)
                : expected[i].Equals(actual[i]);
            if (!same)
            {
                return false;
            }
        }

        return true;
    }

    private bool SameTimestamps(OptionSpec expected, OptionSpec actual, SentPacket sent, FlowMap flow)
    {
        TcpHeader.TryParse(sent.Transport, out var header, out _);
        uint live = header.Options.TimestampValue;
        bool due = flow.IsTimestampDue(expected.Values[0], live, settings.TimestampTick, settings.Tolerance);
        flow.OnTimestamp(expected.Values[0], live);
        return due && expected.Values[1] == actual.Values[1];
    }
}
