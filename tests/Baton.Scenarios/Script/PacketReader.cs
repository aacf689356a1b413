namespace Baton.Scenarios.Script;

/// <summary>Reads the part of a packet line behind its direction.</summary>
internal static class PacketReader
{
    private const string FlagLetters = "SFRPUEWA.";

    /// <summary>Reads a TCP segment; false names a construct that is not one.</summary>
    public static bool TryRead(ref Cursor cursor, out PacketSpec packet, out string construct)
    {
        packet = null!;
        construct = "";
        cursor.SkipSpace();
        if (cursor.Peek == '[' || cursor.TryTakeWord("icmp") || cursor.TryTakeWord("udp") || cursor.TryTakeWord("ipv4") || cursor.TryTakeWord("ipv6"))
        {
            construct = "packet " + cursor.Rest.Trim();
            return false;
        }

        string flags = cursor.TakeWhile(c => FlagLetters.Contains(c, StringComparison.Ordinal));
        if (flags.Length == 0 && !cursor.TryTake('-'))
        {
            construct = "packet " + cursor.Rest.Trim();
            return false;
        }

        uint start = (uint)cursor.TakeNumber();
        cursor.Expect(':');
        uint end = (uint)cursor.TakeNumber();
        cursor.Expect('(');
        int length = (int)cursor.TakeNumber();
        cursor.Expect(')');
        uint? ack = cursor.TryTakeWord("ack") ? (uint)cursor.TakeNumber() : null;
        ushort? window = cursor.TryTakeWord("win") ? (ushort)cursor.TakeNumber() : null;
        ushort? urgent = cursor.TryTakeWord("urg") ? (ushort)cursor.TakeNumber() : null;
        cursor.SkipSpace();
        var options = cursor.Peek == '<' ? ReadOptions(ref cursor) : null;
        cursor.SkipSpace();
        if (cursor.Rest.Length > 0)
        {
            throw cursor.Error($"'{cursor.Rest}' behind a packet");
        }

        packet = new(flags, start, end, length, ack, window, urgent, options);
        return true;
    }

    /// <summary>Options in angle brackets; <c>&lt;...&gt;</c> stands for any, as does no list at all.</summary>
    private static List<OptionSpec>? ReadOptions(ref Cursor cursor)
    {
        cursor.Expect('<');
        var options = new List<OptionSpec>();
        if (cursor.TryTake("..."))
        {
            cursor.Expect('>');
            return null;
        }

        while (!cursor.TryTake('>'))
        {
            options.Add(ReadOption(ref cursor));
            cursor.SkipSpace();
            cursor.TryTake(',');
            cursor.SkipSpace();
        }

        return options;
    }

    private static OptionSpec ReadOption(ref Cursor cursor)
    {
        cursor.SkipSpace();
        string name = cursor.TakeWhile(char.IsLetterOrDigit);
        switch (name)
        {
            case "mss" or "wscale":
                return new(name, [(uint)cursor.TakeNumber()]);
            case "sackOK" or "nop" or "eol":
                return new(name, []);
            case "TS":
                if (!cursor.TryTakeWord("val"))
                {
                    throw cursor.Error("expected 'val' behind TS");
                }

                uint value = (uint)cursor.TakeNumber();
                if (!cursor.TryTakeWord("ecr"))
                {
                    throw cursor.Error("expected 'ecr' behind TS val");
                }

                return new(name, [value, (uint)cursor.TakeNumber()]);
            case "sack":
                var edges = new List<uint>();
                while (cursor.SkipSpaceAndPeekDigit())
                {
                    edges.Add((uint)cursor.TakeNumber());
                    cursor.Expect(':');
                    edges.Add((uint)cursor.TakeNumber());
                }

                return new(name, edges);
            default:
                throw cursor.Error($"no TCP option is called '{name}'");
        }
    }

    private static bool SkipSpaceAndPeekDigit(this ref Cursor cursor)
    {
        cursor.SkipSpace();
        return char.IsAsciiDigit(cursor.Peek);
    }
}
