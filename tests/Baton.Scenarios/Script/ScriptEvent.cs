using Baton.Scenarios.Code;

namespace Baton.Scenarios.Script;

/// <summary>One line of a script: what happens, or must happen, and when.</summary>
/// <param name="Line">Line number in the file, from 1.</param>
/// <param name="Time">When.</param>
public abstract record ScriptEvent(int Line, EventTime Time);

/// <summary>A packet from the remote end: <c>&lt; S 0:0(0) win 1000</c>.</summary>
public sealed record InboundPacket(int Line, EventTime Time, PacketSpec Packet) : ScriptEvent(Line, Time);

/// <summary>A packet that must leave: <c>&gt; S. 0:0(0) ack 1</c>.</summary>
public sealed record OutboundPacket(int Line, EventTime Time, PacketSpec Packet) : ScriptEvent(Line, Time);

/// <summary>A socket call with the result it must have.</summary>
/// <param name="Line">Line number.</param>
/// <param name="Time">When the call is made.</param>
/// <param name="End">When a blocking call must return, counted from the same as <paramref name="Time"/>; null when it returns at once.</param>
/// <param name="Name">The call.</param>
/// <param name="Arguments">Its arguments as written; <c>...</c> where the script leaves one to the interpreter.</param>
/// <param name="Result">The number it must return.</param>
/// <param name="Error">The errno it must fail with, or null.</param>
public sealed record SocketCall(
    int Line, EventTime Time, TimeSpan? End, string Name, IReadOnlyList<string> Arguments, long Result, string? Error) : ScriptEvent(Line, Time);

/// <summary>A block of code: <c>%{ assert tcpi_snd_cwnd == 10 }%</c>.</summary>
internal sealed record CodeEvent(int Line, EventTime Time, CodeBlock Code) : ScriptEvent(Line, Time);

/// <summary>A construct that the interpreter does not have.</summary>
public sealed record Unsupported(int Line, EventTime Time, string Construct) : ScriptEvent(Line, Time);

/// <summary>When an event happens.</summary>
/// <param name="Kind">What the offset is counted from.</param>
/// <param name="Offset">Time from there.</param>
/// <param name="Latest">For a range, its end, counted from the same; otherwise equal to <paramref name="Offset"/>.</param>
public readonly record struct EventTime(TimeKind Kind, TimeSpan Offset, TimeSpan Latest)
{
    /// <summary>Whether what follows is counted from when the event really happened.</summary>
    public bool IsOpen => Kind == TimeKind.Any || Latest != Offset;
}

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
