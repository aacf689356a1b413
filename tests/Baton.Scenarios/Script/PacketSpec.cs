namespace Baton.Scenarios.Script;

/// <summary>A packet as a script writes it.</summary>
/// <param name="SourcePort">The sender's port, or null: the flow that the script is about.</param>
/// <param name="DestinationPort">The receiver's port, or null.</param>
public abstract record PacketSpec(ushort? SourcePort, ushort? DestinationPort);

/// <summary>A TCP segment; sequence numbers are relative to each side's initial one.</summary>
/// <param name="SourcePort">The sender's port, or null.</param>
/// <param name="DestinationPort">The receiver's port, or null.</param>
/// <param name="Flags">Letters of RFC 9293's flags as packetdrill writes them: S F R P U E W and <c>.</c> for ACK.</param>
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
    /// <summary>The ECN field of the packet as packetdrill names it: noecn, ect0, ect1, ce; ecn: any but noecn; null: any.</summary>
    public string? Ecn { get; init; }

    /// <summary>Whether a flag's letter is among <see cref="Flags"/>.</summary>
    public bool Has(char flag) => Flags.Contains(flag, StringComparison.Ordinal);

    /// <summary>The segment in the script's language.</summary>
    public override string ToString()
    {
        string ports = SourcePort is null ? "" : $"{SourcePort} > {DestinationPort} ";
        string flags = Flags.Length > 0 ? Flags : "-";
        string ack = Ack is null ? "" : $" ack {Ack}";
        string window = Window is null ? "" : $" win {Window}";
        string urgent = Urgent == 0 ? "" : $" urg {Urgent}";
        string options = Options is null ? " <...>" : Options.Count == 0 ? "" : $" <{string.Join(',', Options)}>";
        string ecn = Ecn is null or "noecn" ? "" : $"[{Ecn}] ";
        return $"{ecn}{ports}{flags} {Start}:{Start + (uint)Length}({Length}){ack}{window}{urgent}{options}";
    }
}

/// <summary>A UDP datagram: <c>udp (100)</c>.</summary>
/// <param name="SourcePort">The sender's port, or null.</param>
/// <param name="DestinationPort">The receiver's port, or null.</param>
/// <param name="Length">Payload bytes.</param>
public sealed record DatagramSpec(ushort? SourcePort, ushort? DestinationPort, int Length) : PacketSpec(SourcePort, DestinationPort)
{
    /// <summary>The datagram in the script's language.</summary>
    public override string ToString() => $"udp {(SourcePort is null ? "" : $"{SourcePort} > {DestinationPort} ")}({Length})";
}

/// <summary>An ICMP error about a segment of ours: <c>icmp unreachable frag_needed mtu 1200 [1:1461(1460)]</c>.</summary>
/// <param name="Type">The type's name.</param>
/// <param name="Code">The code's name, or empty.</param>
/// <param name="Mtu">The next hop's MTU, or 0.</param>
/// <param name="Start">First sequence number of the segment quoted.</param>
/// <param name="Length">Its payload bytes.</param>
public sealed record IcmpErrorSpec(string Type, string Code, ushort Mtu, uint Start, int Length) : PacketSpec(null, null)
{
    /// <summary>The message in the script's language.</summary>
    public override string ToString() => $"icmp {Type} {Code} mtu {Mtu} [{Start}:{Start + (uint)Length}({Length})]";
}

/// <summary>One TCP option as a script writes it.</summary>
/// <param name="Name">mss, wscale, sackOK, TS, sack, nop or eol.</param>
/// <param name="Values">Its numbers.</param>
public sealed record OptionSpec(string Name, IReadOnlyList<uint> Values)
{
    /// <summary>The option in the script's language.</summary>
    public override string ToString() => Name switch
    {
        "TS" => $"TS val {Values[0]} ecr {Values[1]}",
        "sack" => "sack" + string.Concat(Values.Chunk(2).Select(edges => $" {edges[0]}:{edges[1]}")),
        _ => string.Join(' ', [Name, .. Values]),
    };
}
