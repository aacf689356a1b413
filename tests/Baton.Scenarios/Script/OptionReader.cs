namespace Baton.Scenarios.Script;

/// <summary>Reads TCP options in angle brackets.</summary>
internal static class OptionReader
{
    /// <summary>Largest value of a counter of the AccECN option: 24 bits (RFC 9768 §3.2.3).</summary>
    private const uint LargestCounter = 0xFF_FFFF;

    /// <summary>Reads a list; <c>&lt;...&gt;</c>, which stands for any, is null.</summary>
    public static List<OptionSpec>? Read(ref Cursor cursor)
    {
        cursor.Expect('<');
        var options = new List<OptionSpec>();
        if (cursor.TryTake("..."))
        {
            cursor.Expect('>');
            return null;
        }

        do
        {
            options.Add(ReadOption(ref cursor));
            cursor.SkipSpace();
        }
        while (cursor.TryTake(','));
        cursor.Expect('>');
        return options;
    }

    private static OptionSpec ReadOption(ref Cursor cursor)
    {
        string name = cursor.TakeWord();
        return name switch
        {
            "mss" => new(name, [cursor.TakeUInt16()]),
            "wscale" => new(name, [cursor.TakeByte()]),
            "sackOK" or "nop" or "eol" => new(name, []),
            "TS" => ReadTimestamps(ref cursor),
            "sack" => new(name, ReadBlocks(ref cursor)),
            "md5" or "FO" or "FOEXP" => new(name, [], ReadBytes(ref cursor)),
            "ECN" => ReadCounters(ref cursor),
            _ => throw cursor.Error($"no TCP option is called '{name}'"),
        };
    }

    private static OptionSpec ReadTimestamps(ref Cursor cursor)
    {
        if (!cursor.TryTakeWord("val"))
        {
            throw cursor.Error("expected 'val' behind TS");
        }

        uint value = cursor.TakeUInt32();
        return cursor.TryTakeWord("ecr") ? new("TS", [value, cursor.TakeUInt32()]) : throw cursor.Error("expected 'ecr' behind TS val");
    }

    private static List<uint> ReadBlocks(ref Cursor cursor)
    {
        var edges = new List<uint>();
        for (cursor.SkipSpace(); char.IsAsciiDigit(cursor.Peek); cursor.SkipSpace())
        {
            edges.Add(cursor.TakeUInt32());
            cursor.Expect(':');
            edges.Add(cursor.TakeUInt32());
        }

        return edges;
    }

    /// <summary>Bytes in hexadecimal, of which a cookie may have none.</summary>
    private static string ReadBytes(ref Cursor cursor)
    {
        cursor.RefuseUndefined();
        string text = cursor.TakeWord();
        return text.All(char.IsAsciiHexDigit) && text.Length % 2 == 0
            ? text.ToUpperInvariant()
            : throw cursor.Error($"'{text}' is not bytes in hexadecimal");
    }

    /// <summary>The AccECN option (RFC 9768 §3.2.3): one to three counters, e0b or e1b first.</summary>
    private static OptionSpec ReadCounters(ref Cursor cursor)
    {
        var names = new List<string>();
        var values = new List<uint>();
        cursor.SkipSpace();
        while (char.IsAsciiLetter(cursor.Peek))
        {
            names.Add(cursor.TakeWord());
            values.Add(cursor.TakeUInt32());
            cursor.SkipSpace();
        }

        string text = string.Join(' ', names);
        bool known = "e0b ceb e1b".StartsWith(text, StringComparison.Ordinal) || "e1b ceb e0b".StartsWith(text, StringComparison.Ordinal);
        return known && names.Count > 0 && values.All(v => v <= LargestCounter)
            ? new("ECN", values, text)
            : throw cursor.Error($"'ECN {text}' is not a list of counters");
    }
}
