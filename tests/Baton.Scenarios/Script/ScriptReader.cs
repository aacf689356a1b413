using System.Text.RegularExpressions;

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
    public static ParsedScript Read(string text)
    {
        var events = new List<ScriptEvent>();
        var settings = new Dictionary<string, string>(StringComparer.Ordinal);
        var ignored = new List<SetUpCommand>();
        var defines = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (line, written) in LogicalLines(text))
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
                ignored.Add(new(line, content.Trim('`').Trim()));
            }
            else
            {
                events.Add(ReadEvent(line, content, ignored));
            }
        }

        events.RemoveAll(e => e is Unsupported { Construct: "" });
        return new(events, settings, ignored);
    }

    [GeneratedRegex(@"\b[A-Za-z_]\w*\b")]
    private static partial Regex Word();

    private static (string Name, string Value) SplitSetting(string text)
    {
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        return equals < 0 ? (text.Trim(), "1") : (text[..equals].Trim(), text[(equals + 1)..].Trim());
    }

    private static ScriptEvent ReadEvent(int line, string content, List<SetUpCommand> ignored)
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
                ignored.Add(new(line, cursor.Rest.Trim('`').Trim()));
                return new Unsupported(line, time, "");
            case '%':
                return AssertionReader.Read(line, time, cursor.Rest);
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

    /// <summary>Lines without comments; a call or code block that goes over several lines becomes one.</summary>
    private static IEnumerable<(int Line, string Content)> LogicalLines(string text)
    {
        string[] lines = StripBlockComments(text).Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            int first = i;
            string content = StripLineComment(lines[i]).Trim();
            while (IsOpen(content) && i + 1 < lines.Length)
            {
                content += "\n" + StripLineComment(lines[++i]).Trim();
            }

            if (content.Length > 0)
            {
                yield return (first + 1, content);
            }
        }
    }

    private static bool IsOpen(string content) =>
        content.Count(c => c == '(') > content.Count(c => c == ')')
        || (content.Contains("%{", StringComparison.Ordinal) && !content.Contains("}%", StringComparison.Ordinal))
        || content.Count(c => c == '`') % 2 == 1;

    private static string StripLineComment(string line)
    {
        int comment = line.IndexOf("//", StringComparison.Ordinal);
        line = comment < 0 ? line : line[..comment];
        return line.TrimStart().StartsWith('#') ? "" : line;
    }

    private static string StripBlockComments(string text)
    {
        for (int start; (start = text.IndexOf("/*", StringComparison.Ordinal)) >= 0;)
        {
            int end = text.IndexOf("*/", start, StringComparison.Ordinal);
            end = end < 0 ? text.Length : end + 2;
            text = text[..start] + new string('\n', text[start..end].Count(c => c == '\n')) + text[end..];
        }

        return text;
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
public sealed record SetUpCommand(int Line, string Text);
