using Baton.Wire;

namespace Baton.Scenarios.Script;

/// <summary>A packet as a script writes it.</summary>
/// <param name="SourcePort">The sender's port, or null: the flow that the script is about.</param>
/// <param name="DestinationPort">The receiver's port, or null.</param>
public abstract record PacketSpec(ushort? SourcePort, ushort? DestinationPort)
{
    /// <summary>What the script says of the IP header.</summary>
    public IpFields Ip { get; init; } = IpFields.Any;

    private protected string Ports => SourcePort is null ? "" : $"{SourcePort} > {DestinationPort} ";
}

/// <summary>Fields of the IP header in brackets before the flags; what is null may be any.</summary>
/// <param name="Ecn">The ECN field by its name: noecn, ect0, ect1, ce; ect01 and ecn stand for several.</param>
/// <param name="TrafficClass">All eight bits of TOS or traffic class.</param>
/// <param name="FlowLabel">The flow label of IPv6.</param>
/// <param name="Ttl">TTL or hop limit.</param>
public sealed record IpFields(string? Ecn = null, byte? TrafficClass = null, uint? FlowLabel = null, byte? Ttl = null)
{
    /// <summary>Nothing is said.</summary>
    public static IpFields Any { get; } = new();

    /// <summary>The fields in the script's language, with a space behind.</summary>
    public override string ToString()
    {
        string[] fields =
        [
            .. Ecn is null or "noecn" ? Array.Empty<string>() : [Ecn],
            .. TrafficClass is { } tos ? [$"tos 0x{tos:x}"] : Array.Empty<string>(),
            .. FlowLabel is { } label ? [$"flowlabel 0x{label:x}"] : Array.Empty<string>(),
            .. Ttl is { } ttl ? [$"ttl {ttl}"] : Array.Empty<string>(),
        ];
        return fields.Length == 0 ? "" : $"[{string.Join(',', fields)}] ";
    }
}

/// <summary>A TCP segment; sequence numbers are relative to each side's initial one.</summary>
/// <param name="SourcePort">The sender's port, or null.</param>
/// <param name="DestinationPort">The receiver's port, or null.</param>
/// <param name="Flags">Letters of RFC 9293's flags as packetdrill writes them: S F R P U E W A and <c>.</c> for ACK; a digit is the ACE field of RFC 9768.</param>
/// <param name="Start">First sequence number.</param>
/// <param name="Length">Payload bytes.</param>
/// <param name="Ack">Acknowledgment, or null without.</param>
/// <param name="Window">Window as it stands in the header, or null: any.</param>
/// <param name="Urgent">Urgent pointer; 0 where the script has none.</param>
/// <param name="Options">Options in order, or null: any.</param>
public sealed record SegmentSpec(
    ushort? SourcePort,
    ushort? DestinationPort,
    string Flags,
    uint Start,
    int Length,
    uint? Ack,
    ushort? Window,
    ushort Urgent,
    IReadOnlyList<OptionSpec>? Options) : PacketSpec(SourcePort, DestinationPort)
{
    /// <summary>Whether a flag's letter is among <see cref="Flags"/>.</summary>
    public bool Has(char flag) => Flags.Contains(flag, StringComparison.Ordinal);

    /// <summary>The segment in the script's language.</summary>
    public override string ToString()
    {
        string flags = Flags.Length > 0 ? Flags : "-";
        string ack = Ack is null ? "" : $" ack {Ack}";
        string window = Window is null ? "" : $" win {Window}";
        string urgent = Urgent == 0 ? "" : $" urg {Urgent}";
        string options = Options is null ? " <...>" : Options.Count == 0 ? "" : $" <{string.Join(',', Options)}>";
        return $"{Ip}{Ports}{flags} {Start}:{Start + (uint)Length}({Length}){ack}{window}{urgent}{options}";
    }
}

/// <summary>A UDP datagram: <c>udp (100)</c>.</summary>
/// <param name="SourcePort">The sender's port, or null.</param>
/// <param name="DestinationPort">The receiver's port, or null.</param>
/// <param name="Length">Payload bytes.</param>
public sealed record DatagramSpec(ushort? SourcePort, ushort? DestinationPort, int Length) : PacketSpec(SourcePort, DestinationPort)
{
    /// <summary>The datagram in the script's language.</summary>
    public override string ToString() => $"{Ip}udp {Ports}({Length})";
}

/// <summary>An ICMP message: <c>icmp unreachable frag_needed mtu 1200 [1:1461(1460)]</c> or <c>icmp echo_request id 7</c>.</summary>
/// <param name="Type">The type's name.</param>
/// <param name="Code">The code's name, or empty.</param>
/// <param name="Mtu">The next hop's MTU, or null.</param>
/// <param name="EchoId">The identifier of an echo, or 0.</param>
/// <param name="Quoted">The packet that the message quotes, or null.</param>
public sealed record IcmpSpec(string Type, string Code, uint? Mtu, ushort EchoId, QuotedPacket? Quoted) : PacketSpec(null, null)
{
    /// <summary>The message in the script's language.</summary>
    public override string ToString() =>
        $"{Ip}icmp {Type}{(Code.Length > 0 ? " " + Code : "")}{(Mtu is null ? "" : $" mtu {Mtu}")}{(EchoId == 0 ? "" : $" id {EchoId}")}{(Quoted is null ? "" : $" [{Quoted}]")}";
}

/// <summary>The packet that an ICMP error is about.</summary>
/// <param name="Protocol">TCP or UDP.</param>
/// <param name="Start">First sequence number of a segment.</param>
/// <param name="Length">Its payload bytes.</param>
public sealed record QuotedPacket(IpProtocol Protocol, uint Start, int Length)
{
    /// <inheritdoc/>
    public override string ToString() => Protocol == IpProtocol.Udp ? $"udp ({Length})" : $"{Start}:{Start + (uint)Length}({Length})";
}

/// <summary>One TCP option as a script writes it.</summary>
/// <param name="Name">mss, wscale, sackOK, TS, sack, nop, eol, md5, FO, FOEXP or ECN.</param>
/// <param name="Values">Its numbers; of ECN three: e0b, ceb and e1b, in the order they stand in.</param>
/// <param name="Text">What is no number: a cookie or digest in hexadecimal, the counters' names of ECN.</param>
public sealed record OptionSpec(string Name, IReadOnlyList<uint> Values, string Text = "")
{
    /// <summary>Whether two options say the same.</summary>
    public bool Equals(OptionSpec? other) => other is not null && Name == other.Name && Text == other.Text && Values.SequenceEqual(other.Values);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Name, Text, Values.Count);

    /// <summary>The option in the script's language.</summary>
    public override string ToString() => Name switch
    {
        "TS" => $"TS val {Values[0]} ecr {Values[1]}",
        "sack" => "sack" + string.Concat(Values.Chunk(2).Select(edges => $" {edges[0]}:{edges[1]}")),
        "ECN" => "ECN" + string.Concat(Text.Split(' ').Zip(Values, (counter, value) => $" {counter} {value}")),
        _ when Text.Length > 0 => $"{Name} {Text}",
        _ => string.Join(' ', [Name, .. Values]),
    };
}
