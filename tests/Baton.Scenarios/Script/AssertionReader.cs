using System.Text.RegularExpressions;

namespace Baton.Scenarios.Script;

/// <summary>Reads code blocks that assert: comparisons of two numbers or names, joined by <c>and</c>.</summary>
internal static partial class AssertionReader
{
    /// <summary>Reads a block; one with anything else in it is not supported.</summary>
    public static ScriptEvent Read(int line, EventTime time, string text)
    {
        string code = text.Trim().Trim('%').Trim('{', '}', ' ', '\n', '\t');
        var conditions = new List<Comparison>();
        foreach (string statement in code.Split(['\n', ';'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (!TryReadStatement(statement, conditions))
            {
                return new Unsupported(line, time, $"code '{statement}'");
            }
        }

        return new Assertion(line, time, conditions);
    }

    private static bool TryReadStatement(string statement, List<Comparison> conditions)
    {
        if (!statement.StartsWith("assert", StringComparison.Ordinal))
        {
            return false;
        }

        // Behind the comma stands what to print when it does not hold.
        string expression = statement["assert".Length..].Split(',')[0].Trim();
        foreach (string part in expression.Split(" and ", StringSplitOptions.TrimEntries))
        {
            var match = ComparisonPattern().Match(part);
            if (!match.Success)
            {
                return false;
            }

            conditions.Add(new(match.Groups[1].Value, match.Groups[2].Value, match.Groups[3].Value));
            if (match.Groups[4].Success)
            {
                // a <= b <= c, as Python has it.
                conditions.Add(new(match.Groups[3].Value, match.Groups[4].Value, match.Groups[5].Value));
            }
        }

        return true;
    }

    [GeneratedRegex(@"^\(?\s*(\w+)\s*(==|!=|<=|>=|<|>)\s*(\w+)\s*(?:(==|!=|<=|>=|<|>)\s*(\w+)\s*)?\)?$")]
    private static partial Regex ComparisonPattern();
}
