using Baton.Scenarios.Script;
using Baton.Stack;
using Baton.Wire;

namespace Baton.Scenarios.Run;

/// <summary>Compares what left with what the script expects.</summary>
internal sealed class PacketComparison(ScriptSettings settings, FlowMaps flows, NetworkStack stack)
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
    public string? Compare(PacketSpec expected, SentPacket sent, out string got)
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
            (SegmentSpec e, SegmentSpec a) => CompareSegment(e, a, sent, flow),
            (DatagramSpec e, DatagramSpec a) => CompareDatagram(e, a, sent),
            _ => "kind of packet",
        };
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
            return new DatagramSpec(source, destination, sent.Ip.PayloadLength - UdpHeader.Length);
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
            Ecn = EcnNames[sent.Ip.TrafficClass & 3],
        };
    }

    private string? CompareSegment(SegmentSpec expected, SegmentSpec actual, SentPacket sent, FlowMap flow)
    {
        return (expected.SourcePort, expected.DestinationPort) != (actual.SourcePort, actual.DestinationPort) ? "ports"
            : SegmentFlags.Parse(expected.Flags) != SegmentFlags.Parse(actual.Flags) ? "flags"
            : expected.Start != actual.Start ? "sequence number"
            : expected.Length != actual.Length ? "payload length"
            : expected.Ack.GetValueOrDefault() != actual.Ack.GetValueOrDefault() ? "acknowledgment"
            : expected.Window is not null && expected.Window != actual.Window ? "window"
            : expected.Urgent != actual.Urgent ? "urgent pointer"
            : expected.Options is not null && !SameOptions(expected.Options, actual.Options!, sent, flow) ? "options"
            : expected.Ecn is not null && expected.Ecn != (expected.Ecn == "ecn" && actual.Ecn != "noecn" ? "ecn" : actual.Ecn) ? "ECN field"
            : !TcpChecksum.Verify(sent.Ip, sent.Transport) ? "checksum"
            : StreamPattern.FirstDifference(sent.Transport[^actual.Length..], actual.Start - flow.LocalStart) >= 0 ? "payload"
            : null;
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
            bool same = expected[i].Name == actual[i].Name
                && (expected[i].Name == "TS" ? SameTimestamps(expected[i], actual[i], sent, flow) : expected[i].Values.SequenceEqual(actual[i].Values));
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
