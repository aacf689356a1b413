namespace Baton.Scenarios.Code;

/// <summary>Reads one statement by recursive descent, with Python's precedence.</summary>
internal sealed class CodeParser(string code, List<CodeToken> tokens)
{
    /// <summary>Binary operators from the weakest to the strongest.</summary>
    private static readonly string[][] Levels = [["|"], ["^"], ["&"], ["<<", ">>"], ["+", "-"], ["*", "/", "//", "%"]];

    private readonly List<string> _names = [];
    private int _next;

    private CodeToken Peek => tokens[_next];

    /// <summary>Reads the statement; one without effect (<c>print</c>, <c>pass</c>) is null. False: it is none of ours.</summary>
    public bool TryReadStatement(out CodeStatement? statement)
    {
        statement = null;
        if (Peek is { Kind: CodeTokenKind.Name, Text: "pass" or "print" or "import" } word)
        {
            return word.Text != "import";
        }

        string? target = null;
        string? operation = null;
        if (TakeName("assert"))
        {
            // What is to be printed when it fails stands behind a comma.
        }
        else if (Peek.Kind == CodeTokenKind.Name && tokens[_next + 1].Text is "=" or "+=" or "-=" or "*=")
        {
            target = Peek.Text;
            operation = tokens[_next + 1].Text[..^1];
            _next += 2;
        }
        else
        {
            return false;
        }

        int start = Peek.Position;
        if (!TryReadOr(out var value) || Peek is not ({ Kind: CodeTokenKind.EndOfStatement } or { Text: "," } and { Kind: CodeTokenKind.Symbol }))
        {
            return false;
        }

        if (target is not null && operation is { Length: > 0 })
        {
            _names.Add(target);
            var right = value;
            value = names => Apply(operation, names(target), right(names));
        }

        statement = new(code[start..Peek.Position].Trim(), target, value, [.. _names.Distinct()]);
        return true;
    }

    private bool TryReadOr(out CodeValue value)
    {
        if (!TryReadAnd(out value))
        {
            return false;
        }

        while (TakeName("or"))
        {
            var left = value;
            if (!TryReadAnd(out var right))
            {
                return false;
            }

            value = names => left(names) is not 0 and var known ? known : right(names);
        }

        return true;
    }

    private bool TryReadAnd(out CodeValue value)
    {
        if (!TryReadNot(out value))
        {
            return false;
        }

        while (TakeName("and"))
        {
            var left = value;
            if (!TryReadNot(out var right))
            {
                return false;
            }

            value = names => left(names) == 0 ? 0 : right(names);
        }

        return true;
    }

    private bool TryReadNot(out CodeValue value)
    {
        if (!TakeName("not"))
        {
            return TryReadComparison(out value);
        }

        bool read = TryReadNot(out var inner);
        value = names => inner(names) == 0 ? 1 : 0;
        return read;
    }

    /// <summary>Comparisons, in chains too: <c>a &lt;= b &lt;= c</c>.</summary>
    private bool TryReadComparison(out CodeValue value)
    {
        if (!TryReadBinary(0, out value))
        {
            return false;
        }

        var left = value;
        CodeValue? all = null;
        while (Peek.Kind == CodeTokenKind.Symbol && Peek.Text is "==" or "!=" or "<" or ">" or "<=" or ">=")
        {
            string comparison = tokens[_next++].Text;
            if (!TryReadBinary(0, out var right))
            {
                return false;
            }

            var (first, before) = (left, all);
            all = names => (before is null || before(names) != 0) && Holds(comparison, first(names), right(names)) ? 1 : 0;
            left = right;
        }

        value = all ?? value;
        return true;
    }

    private bool TryReadBinary(int level, out CodeValue value)
    {
        if (level == Levels.Length)
        {
            return TryReadUnary(out value);
        }

        if (!TryReadBinary(level + 1, out value))
        {
            return false;
        }

        while (Peek.Kind == CodeTokenKind.Symbol && Levels[level].Contains(Peek.Text))
        {
            string operation = tokens[_next++].Text;
            var left = value;
            if (!TryReadBinary(level + 1, out var right))
            {
                return false;
            }

            value = names => Apply(operation, left(names), right(names));
        }

        return true;
    }

    private bool TryReadUnary(out CodeValue value)
    {
        if (Peek is not { Kind: CodeTokenKind.Symbol, Text: "-" or "+" or "~" })
        {
            return TryReadPrimary(out value);
        }

        string sign = tokens[_next++].Text;
        bool read = TryReadUnary(out var inner);
        value = names => sign switch { "-" => -inner(names), "~" => ~(long)inner(names), _ => inner(names) };
        return read;
    }

    private bool TryReadPrimary(out CodeValue value)
    {
        var token = tokens[_next];
        value = _ => 0;
        switch (token.Kind)
        {
            case CodeTokenKind.Number:
                _next++;
                value = _ => token.Value;
                return true;
            case CodeTokenKind.Name when token.Text is "True" or "False":
                _next++;
                value = _ => token.Text == "True" ? 1 : 0;
                return true;
            case CodeTokenKind.Name when tokens[_next + 1].Text == "(":
                _next += 2;
                return TryReadCall(token.Text, out value);
            case CodeTokenKind.Name:
                _next++;
                _names.Add(token.Text);
                value = names => names(token.Text);
                return true;
            case CodeTokenKind.Symbol when token.Text == "(":
                _next++;
                return TryReadOr(out value) && TakeSymbol(")");
            default:
                return false;
        }
    }

    private bool TryReadCall(string function, out CodeValue value)
    {
        var arguments = new List<CodeValue>();
        value = _ => 0;
        do
        {
            if (!TryReadOr(out var argument))
            {
                return false;
            }

            arguments.Add(argument);
        }
        while (TakeSymbol(","));
        value = names => function switch
        {
            "min" => arguments.Min(a => a(names)),
            "max" => arguments.Max(a => a(names)),
            "abs" => Math.Abs(arguments[0](names)),
            "int" => Math.Truncate(arguments[0](names)),
            _ => Math.Round(arguments[0](names), MidpointRounding.ToEven),
        };
        return TakeSymbol(")") && function is "min" or "max" or "abs" or "int" or "round";
    }

    private static bool Holds(string comparison, double left, double right) => comparison switch
    {
        "==" => left == right,
        "!=" => left != right,
        "<" => left < right,
        ">" => left > right,
        "<=" => left <= right,
        _ => left >= right,
    };

    private static double Apply(string operation, double left, double right) => operation switch
    {
        "|" => (long)left | (long)right,
        "^" => (long)left ^ (long)right,
        "&" => (long)left & (long)right,
        "<<" => (long)left << (int)right,
        ">>" => (long)left >> (int)right,
        "+" => left + right,
        "-" => left - right,
        "*" => left * right,
        "/" => left / right,
        "//" => Math.Floor(left / right),
        _ => left - (right * Math.Floor(left / right)),
    };

    private bool TakeName(string word) => Take(CodeTokenKind.Name, word);

    private bool TakeSymbol(string symbol) => Take(CodeTokenKind.Symbol, symbol);

    private bool Take(CodeTokenKind kind, string text)
    {
        bool here = Peek.Kind == kind && Peek.Text == text;
        _next += here ? 1 : 0;
        return here;
    }
}
