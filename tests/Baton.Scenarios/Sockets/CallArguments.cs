using System.Globalization;
using System.Text.RegularExpressions;
using Baton.Scenarios.Run;
using Baton.Scenarios.Script;

namespace Baton.Scenarios.Sockets;

/// <summary>The arguments of socket calls as the script writes them.</summary>
internal static partial class CallArguments
{
    /// <summary>A number; one in brackets is what a pointer points to.</summary>
    public static long Number(SocketCall call, int index)
    {
        string text = Text(call, index).Trim('[', ']', ' ');
        bool hex = text.StartsWith("0x", StringComparison.Ordinal);
        return long.TryParse(hex ? text[2..] : text, hex ? NumberStyles.HexNumber : NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number)
            ? number
            : throw Unsupported(call, text);
    }

    /// <summary>An argument as written.</summary>
    public static string Text(SocketCall call, int index) =>
        index < call.Arguments.Count ? call.Arguments[index] : throw Unsupported(call, $"argument {index + 1} missing");

    /// <summary>The words of an argument such as <c>SOCK_STREAM|SOCK_NONBLOCK</c>; all of them must be known.</summary>
    public static HashSet<string> Words(SocketCall call, int index, params ReadOnlySpan<string> known)
    {
        var words = Text(call, index).Split('|', StringSplitOptions.TrimEntries).ToHashSet();
        words.Remove("0");
        foreach (string word in words)
        {
            if (!known.Contains(word))
            {
                throw Unsupported(call, word);
            }
        }

        return words;
    }

    /// <summary>The port in a socket address, or null where the script leaves it to the interpreter.</summary>
    public static ushort? Port(SocketCall call, int index)
    {
        string text = Text(call, index);
        var match = PortPattern().Match(text);
        return match.Success ? ushort.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)
            : text == "..." ? null
            : throw Unsupported(call, text);
    }

    /// <summary>The number behind a name in braces: <c>{onoff=1, linger=0}</c>.</summary>
    public static int Field(SocketCall call, int index, string name)
    {
        var match = Regex.Match(Text(call, index), $@"\b{name}\s*=\s*(-?\d+)");
        return match.Success ? int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) : throw Unsupported(call, Text(call, index));
    }

    /// <summary>The lengths of an I/O vector: <c>[{..., 1000}, {..., 2000}]</c>.</summary>
    public static int VectorLength(SocketCall call, int index) =>
        VectorPattern().Matches(Text(call, index)).Sum(m => int.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture));

    /// <summary>The lengths in the I/O vector of a message header without control data.</summary>
    public static int MessageLength(SocketCall call, int index)
    {
        string text = Text(call, index);
        return text.Contains("msg_control", StringComparison.Ordinal) || !text.Contains("msg_iov", StringComparison.Ordinal)
            ? throw Unsupported(call, "msg_control")
            : VectorLength(call, index);
    }

    public static UnsupportedConstructException Unsupported(SocketCall call, string what) => new(call.Line, $"{call.Name}: {what}");

    [GeneratedRegex(@"htons\((\d+)\)")]
    private static partial Regex PortPattern();

    [GeneratedRegex(@"\{\s*\.\.\.\s*,\s*(\d+)\s*\}")]
    private static partial Regex VectorPattern();
}
