using Baton.Scenarios.Run;

namespace Baton.Scenarios.Script;

/// <summary>Reads TCP options in angle brackets.</summary>
internal static class OptionReader
{
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
            "mss" or "wscale" => new(name, [cursor.TakeUInt32()]),
            "sackOK" or "nop" or "eol" => new(name, []),
            "TS" => ReadTimestamps(ref cursor),
            "sack" => new(name, ReadBlocks(ref cursor)),
            "md5" or "FO" or "FOEXP" or "ACCECN" => throw new UnsupportedConstructException(cursor.Line, $"TCP option {name}"),
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
}
