using System.Text.RegularExpressions;
using Baton.Scenarios.Code;

namespace Baton.Scenarios.Script;

/// <summary>A script that cannot be read.</summary>
public sealed class ScriptSyntaxException(int line, string message) : Exception($"line {line}: {message}")
{
    /// <summary>Line number, from 1.</summary>
    public int Line { get; } = line;
}

/// <summary>Reads scripts in the packetdrill language.</summary>
public static partial class ScriptReader
{
    /// <summary>The default tolerance of times, as packetdrill has it.</summary>
    public static readonly TimeSpan DefaultTolerance = TimeSpan.FromMilliseconds(4);

    /// <summary>Reads a whole script.</summary>
    /// <exception cref="ScriptSyntaxException">It is not one.</exception>
    public static ParsedScript Read(string text) => Read(text, ScenarioOptions.Default);

    /// <summary>Reads a whole script, with settings from outside, which go before the script's own, and defined words.</summary>
    /// <exception cref="ScriptSyntaxException">It is not one.</exception>
    public static ParsedScript Read(string text, ScenarioOptions options)
    {
        var events = new List<ScriptEvent>();
        var settings = new Dictionary<string, string>(StringComparer.Ordinal);
        var setUp = new List<SetUpCommand>();
        var defines = new Dictionary<string, string>(options.Defines, StringComparer.Ordinal);
        foreach (var (line, written) in ScriptLines.Of(text))
        {
            string content = Word().Replace(written, word => defines.GetValueOrDefault(word.Value, word.Value));
            if (content.StartsWith("--", StringComparison.Ordinal))
            {
                var (name, value) = SplitSetting(content[2..]);
                if (name == "define")
                {
                    var (defined, replacement) = SplitSetting(value);
                    defines[defined] = replacement.Trim('"', '`');
                }
                else
                {
                    settings[name] = value;
                }
            }
            else if (content.StartsWith('`'))
            {
                setUp.Add(new(line, content.Trim('`').Trim(), events.Count == 0));
            }
            else if (ReadEvent(line, content, setUp, atStart: !events.OfType<SocketCall>().Any()) is { } e)
            {
                events.Add(e);
            }
        }

        foreach (var (name, value) in options.Settings)
        {
            settings[name] = value;
        }

        return new(events, settings, setUp);
    }

    [GeneratedRegex(@"\b[A-Za-z_]\w*\b")]
    private static partial Regex Word();

    private static (string Name, string Value) SplitSetting(string text)
    {
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        return equals < 0 ? (text.Trim(), "1") : (text[..equals].Trim(), text[(equals + 1)..].Trim());
    }

    /// <summary>Reads an event; a command in backticks is none, and goes to the others.</summary>
    private static ScriptEvent? ReadEvent(int line, string content, List<SetUpCommand> setUp, bool atStart)
    {
        var cursor = new Cursor(line, content);
        var time = ReadTime(ref cursor, out var end);
        cursor.SkipSpace();
        switch (cursor.Peek)
        {
            case '<' or '>':
                bool inbound = cursor.Take() == '<';
                return PacketReader.TryRead(ref cursor, inbound, out var packet, out string construct)
                    ? inbound ? new InboundPacket(line, time, packet) : new OutboundPacket(line, time, packet)
                    : new Unsupported(line, time, construct);
            case '`':
                setUp.Add(new(line, cursor.Rest.Trim('`').Trim(), atStart));
                return null;
            case '%':
                return CodeBlock.TryRead(cursor.Rest.Trim().Trim('%').Trim('{', '}'), out string unknown) is { } block
                    ? new CodeEvent(line, time, block)
                    : new Unsupported(line, time, $"code '{unknown.Trim()}'");
            default:
                return CallReader.Read(ref cursor, time, end);
        }
    }

    /// <summary>Reads a time; <paramref name="end"/> is that of a blocking call, counted from the same (<c>+0...0.1</c>).</summary>
    private static EventTime ReadTime(ref Cursor cursor, out TimeSpan? end)
    {
        end = null;
        cursor.SkipSpace();
        if (cursor.TryTake('*'))
        {
            return new(TimeKind.Any, default, default);
        }

        var kind = cursor.TryTake('+') ? TimeKind.Relative : TimeKind.Absolute;
        cursor.SkipSpace();
        var offset = cursor.TakeSeconds();
        var latest = offset;
        cursor.SkipSpace();
        if (cursor.TryTake("..."))
        {
            cursor.SkipSpace();
            end = cursor.TakeSeconds();
        }
        else if (cursor.TryTake('~'))
        {
            cursor.TryTake('+');
            latest = cursor.TakeSeconds();
        }

        return latest >= offset ? new(kind, offset, latest) : throw cursor.Error("a range of time that goes backwards");
    }
}

/// <summary>A script in parts.</summary>
/// <param name="Events">What happens, in order.</param>
/// <param name="Settings">Lines that begin with <c>--</c>.</param>
/// <param name="SetUp">Set-up lines in backticks.</param>
public sealed record ParsedScript(
    IReadOnlyList<ScriptEvent> Events, IReadOnlyDictionary<string, string> Settings, IReadOnlyList<SetUpCommand> SetUp);

/// <summary>A command in backticks.</summary>
/// <param name="Line">Where it stands.</param>
/// <param name="Text">What it says.</param>
/// <param name="AtStart">Whether no socket call stands before it.</param>
public sealed record SetUpCommand(int Line, string Text, bool AtStart = true);
