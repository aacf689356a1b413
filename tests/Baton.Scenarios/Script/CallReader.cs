namespace Baton.Scenarios.Script;

/// <summary>Reads a socket call: <c>write(4, ..., 1000) = 1000</c> or <c>read(4, ..., 10) = -1 EAGAIN (…)</c>.</summary>
internal static class CallReader
{
    public static SocketCall Read(ref Cursor cursor, EventTime time, TimeSpan? end)
    {
        string name = cursor.TakeWord();
        if (name.Length == 0)
        {
            throw cursor.Error($"neither packet nor call: '{cursor.Rest}'");
        }

        cursor.Expect('(');
        var arguments = ReadArguments(ref cursor);
        cursor.Expect('=');
        long result = cursor.TakeNumber();
        cursor.SkipSpace();
        string error = cursor.TakeWhile(c => char.IsAsciiLetterUpper(c) || char.IsAsciiDigit(c));
        return new(cursor.Line, time, end, name, arguments, result, error.Length > 0 ? error : null);
    }

    /// <summary>Splits at commas that stand in no bracket of their own.</summary>
    private static List<string> ReadArguments(ref Cursor cursor)
    {
        var arguments = new List<string>();
        string current = "";
        int depth = 0;
        while (depth > 0 || cursor.Peek != ')')
        {
            if (cursor.Peek == '\0')
            {
                throw cursor.Error("a call without its closing bracket");
            }

            char c = cursor.Take();
            depth += c is '(' or '[' or '{' ? 1 : c is ')' or ']' or '}' ? -1 : 0;
            if (c == ',' && depth == 0)
            {
                arguments.Add(current.Trim());
                current = "";
            }
            else
            {
                current += c;
            }
        }

        cursor.Take();
        if (current.Trim().Length > 0 || arguments.Count > 0)
        {
            arguments.Add(current.Trim());
        }

        return arguments;
    }
}
