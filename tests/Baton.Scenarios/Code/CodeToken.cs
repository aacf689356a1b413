using System.Globalization;
using System.Text.RegularExpressions;

namespace Baton.Scenarios.Code;

/// <summary>What a token is.</summary>
internal enum CodeTokenKind
{
    Number,
    Name,
    Text,
    Symbol,
    EndOfStatement,
}

/// <summary>One word of a block of code.</summary>
internal readonly partial record struct CodeToken(CodeTokenKind Kind, string Text, int Position)
{
    /// <summary>The value of a number.</summary>
    public double Value => Text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
        ? long.Parse(Text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)
        : double.Parse(Text, NumberStyles.Float, CultureInfo.InvariantCulture);

    /// <summary>Cuts code into tokens; null where a character belongs to none.</summary>
    public static List<CodeToken>? Of(string code)
    {
        var tokens = new List<CodeToken>();
        int depth = 0;
        for (int at = 0; at < code.Length;)
        {
            var match = Pattern().Match(code, at);
            if (!match.Success)
            {
                return null;
            }

            at += match.Length;
            if (match.Groups["end"].Success)
            {
                // Within brackets a line goes on (Python, "implicit line joining").
                if (depth == 0 || match.Value == ";")
                {
                    tokens.Add(new(CodeTokenKind.EndOfStatement, match.Value, match.Index));
                }
            }
            else if (!match.Groups["skip"].Success)
            {
                var kind = match.Groups["number"].Success ? CodeTokenKind.Number
                    : match.Groups["name"].Success ? CodeTokenKind.Name
                    : match.Groups["text"].Success ? CodeTokenKind.Text
                    : CodeTokenKind.Symbol;
                depth += match.Value is "(" or "[" ? 1 : match.Value is ")" or "]" ? -1 : 0;
                tokens.Add(new(kind, match.Value, match.Index));
            }
        }

        tokens.Add(new(CodeTokenKind.EndOfStatement, "", code.Length));
        return tokens;
    }

    [GeneratedRegex("""
        \G(?:(?<skip>[ \t\r]+|\\\n|\#[^\n]*)
        |(?<end>\n|;)
        |(?<number>0[xX][0-9a-fA-F]+|(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?)
        |(?<name>[A-Za-z_]\w*)
        |(?<text>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
        |(?<symbol>\*\*|//|<<|>>|==|!=|<=|>=|\+=|-=|\*=|[-+*/%&|^~<>=(),:.]))
        """, RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Pattern();
}
