namespace Baton.Scenarios.Script;

/// <summary>One line of a script: what happens, or must happen, and when.</summary>
/// <param name="Line">Line number in the file, from 1.</param>
/// <param name="Time">When.</param>
public abstract record ScriptEvent(int Line, EventTime Time);

/// <summary>A segment from the remote end: <c>&lt; S 0:0(0) win 1000</c>.</summary>
public sealed record InboundPacket(int Line, EventTime Time, PacketSpec Packet) : ScriptEvent(Line, Time);

/// <summary>A segment that must leave: <c>&gt; S. 0:0(0) ack 1</c>.</summary>
public sealed record OutboundPacket(int Line, EventTime Time, PacketSpec Packet) : ScriptEvent(Line, Time);

/// <summary>A socket call with the result it must have.</summary>
/// <param name="Line">Line number.</param>
/// <param name="Time">When the call is made.</param>
/// <param name="End">When a blocking call must return, or null when it returns at once.</param>
/// <param name="Name">The call.</param>
/// <param name="Arguments">Its arguments as written; <c>...</c> where the script leaves one to the interpreter.</param>
/// <param name="Result">The number it must return.</param>
/// <param name="Error">The errno it must fail with, or null.</param>
public sealed record SocketCall(
    int Line, EventTime Time, EventTime? End, string Name, IReadOnlyList<string> Arguments, long Result, string? Error) : ScriptEvent(Line, Time);

/// <summary>A condition on the connection: <c>%{ assert tcpi_snd_cwnd == 10 }%</c>.</summary>
public sealed record Assertion(int Line, EventTime Time, string Name, string Operator, long Value) : ScriptEvent(Line, Time);

/// <summary>A construct that the interpreter does not have.</summary>
public sealed record Unsupported(int Line, EventTime Time, string Construct) : ScriptEvent(Line, Time);

/// <summary>When an event happens.</summary>
/// <param name="Kind">What the offset is counted from.</param>
/// <param name="Offset">Time from there.</param>
/// <param name="Latest">For a range, its end, counted from the same; otherwise equal to <paramref name="Offset"/>.</param>
public readonly record struct EventTime(TimeKind Kind, TimeSpan Offset, TimeSpan Latest);

/// <summary>What a script's time is counted from.</summary>
public enum TimeKind
{
    /// <summary>The script's start.</summary>
    Absolute,

    /// <summary>The event before (<c>+</c>).</summary>
    Relative,

    /// <summary>Any time (<c>*</c>).</summary>
    Any,
}

/// <summary>A segment as a script writes it; sequence numbers are relative to each side's initial one.</summary>
/// <param name="Flags">Letters of RFC 9293's flags as packetdrill writes them: S F R P U E W and <c>.</c> for ACK.</param>
/// <param name="Start">First sequence number.</param>
/// <param name="End">One past the last.</param>
/// <param name="Length">Payload bytes.</param>
/// <param name="Ack">Acknowledgment, or null without.</param>
/// <param name="Window">Window as it stands in the header, or null: any.</param>
/// <param name="Urgent">Urgent pointer, or null.</param>
/// <param name="Options">Options in order, or null: any.</param>
public sealed record PacketSpec(
    string Flags, uint Start, uint End, int Length, uint? Ack, ushort? Window, ushort? Urgent, IReadOnlyList<OptionSpec>? Options);

/// <summary>One TCP option as a script writes it.</summary>
/// <param name="Name">mss, wscale, sackOK, TS, sack, nop or eol.</param>
/// <param name="Values">Its numbers.</param>
public sealed record OptionSpec(string Name, IReadOnlyList<uint> Values);
