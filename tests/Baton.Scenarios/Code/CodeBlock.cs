namespace Baton.Scenarios.Code;

/// <summary>What a name in a block of code stands for: a field of <c>tcp_info</c>, a constant, or a variable of the script.</summary>
internal delegate double NameValue(string name);

/// <summary>The value of an expression.</summary>
internal delegate double CodeValue(NameValue names);

/// <summary>A statement of a block of code: <c>assert</c>, an assignment, or one that prints.</summary>
/// <param name="Text">The expression as written.</param>
/// <param name="Target">The variable that an assignment sets, or null: the value must not be zero.</param>
/// <param name="Value">The expression.</param>
/// <param name="Names">The names in it.</param>
internal sealed record CodeStatement(string Text, string? Target, CodeValue Value, IReadOnlyList<string> Names);

/// <summary>
/// A block of code in <c>%{ }%</c>: packetdrill gives it to Python, of which this is what assertions use: numbers, names,
/// arithmetic, bits, comparisons (also in chains), <c>and or not</c>, <c>abs min max int</c>, assignments, and
/// <c>print</c>, which has no effect here.
/// </summary>
internal sealed class CodeBlock
{
    private CodeBlock(IReadOnlyList<CodeStatement> statements) => Statements = statements;

    public IReadOnlyList<CodeStatement> Statements { get; }

    /// <summary>Reads a block; the statement that is not understood comes back in <paramref name="unknown"/>.</summary>
    public static CodeBlock? TryRead(string code, out string unknown)
    {
        unknown = code;
        if (CodeToken.Of(code) is not { } tokens)
        {
            return null;
        }

        var statements = new List<CodeStatement>();
        for (int start = 0; start < tokens.Count;)
        {
            int end = tokens.FindIndex(start, t => t.Kind == CodeTokenKind.EndOfStatement);
            if (end > start)
            {
                string text = code[tokens[start].Position..tokens[end].Position].Trim();
                var parser = new CodeParser(code, tokens[start..(end + 1)]);
                if (!parser.TryReadStatement(out var statement))
                {
                    unknown = text;
                    return null;
                }

                if (statement is not null)
                {
                    statements.Add(statement);
                }
            }

            start = end + 1;
        }

        return new(statements);
    }
}
