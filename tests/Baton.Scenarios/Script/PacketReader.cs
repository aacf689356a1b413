namespace Baton.Scenarios.Script;

/// <summary>Reads the part of a packet line behind its direction.</summary>
internal static class PacketReader
{
    private const string FlagLetters = "SFRPUEWA.";

    /// <summary>Reads a packet; false names a construct that is none of ours.</summary>
    public static bool TryRead(ref Cursor cursor, bool inbound, out PacketSpec packet, out string construct)
    {
        packet = null!;
        cursor.SkipSpace();
        construct = "packet " + cursor.Rest.Trim();
        string? ecn = ReadEcn(ref cursor);
        if (ecn is "")
        {
            return false;
        }

        if (cursor.TryTakeWord("udp"))
        {
            packet = ReadDatagram(ref cursor);
        }
        else if (cursor.TryTakeWord("icmp"))
        {
            if (!inbound)
            {
                return false;
            }

            packet = ReadIcmp(ref cursor);
        }
        else if (TryReadSegment(ref cursor, inbound, out var segment))
        {
            packet = segment with { Ecn = ecn };
        }
        else
        {
            return false;
        }

        cursor.SkipSpace();
        return cursor.Rest.Length == 0 ? true : throw cursor.Error($"'{cursor.Rest}' behind a packet");
    }

    /// <summary>The ECN field in brackets; null without, empty where something else stands in them.</summary>
    private static string? ReadEcn(ref Cursor cursor)
    {
        if (!cursor.TryTake('['))
        {
            return null;
        }

        string name = cursor.TakeWord();
        bool known = name is "noecn" or "ect0" or "ect1" or "ce" or "ecn" && cursor.TryTake(']');
        cursor.SkipSpace();
        return known ? name : "";
    }

    private static bool TryReadSegment(ref Cursor cursor, bool inbound, out SegmentSpec segment)
    {
        segment = null!;
        var (source, destination) = ReadPorts(ref cursor);
        string flags = cursor.TakeWhile(c => FlagLetters.Contains(c, StringComparison.Ordinal));
        if ((flags.Length == 0 && !cursor.TryTake('-')) || !char.IsWhiteSpace(cursor.Peek))
        {
            return false;
        }

        var (start, length) = ReadSequence(ref cursor);
        uint? ack = cursor.TryTakeWord("ack") ? cursor.TakeUInt32() : null;
        ushort? window = cursor.TryTakeWord("win") ? cursor.TakeUInt16() : null;
        ushort urgent = cursor.TryTakeWord("urg") ? cursor.TakeUInt16() : (ushort)0;
        if (inbound && window is null)
        {
            throw cursor.Error("an inbound segment needs a window");
        }

        cursor.SkipSpace();
        var options = cursor.Peek == '<' ? OptionReader.Read(ref cursor) : [];
        if (inbound && options is null)
        {
            throw cursor.Error("<...> can stand in outbound segments only");
        }

        segment = new(source, destination, flags, start, length, ack, window, urgent, options);
        return true;
    }

    private static DatagramSpec ReadDatagram(ref Cursor cursor)
    {
        cursor.SkipSpace();
        var (source, destination) = ReadPorts(ref cursor);
        cursor.Expect('(');
        int length = cursor.TakeUInt16();
        cursor.Expect(')');
        return new(source, destination, length);
    }

    private static IcmpErrorSpec ReadIcmp(ref Cursor cursor)
    {
        string type = cursor.TakeWord();
        string code = "";
        ushort mtu = 0;
        for (string word; (word = cursor.TakeWord()).Length > 0;)
        {
            if (word == "mtu")
            {
                mtu = cursor.TakeUInt16();
            }
            else
            {
                code = word;
            }
        }

        cursor.Expect('[');
        var (start, length) = ReadSequence(ref cursor);
        cursor.Expect(']');
        return new(type, code, mtu, start, length);
    }

    private static (ushort? Source, ushort? Destination) ReadPorts(ref Cursor cursor)
    {
        if (!char.IsAsciiDigit(cursor.Peek))
        {
            return (null, null);
        }

        ushort source = cursor.TakeUInt16();
        cursor.Expect('>');
        ushort destination = cursor.TakeUInt16();
        cursor.SkipSpace();
        return (source, destination);
    }

    private static (uint Start, int Length) ReadSequence(ref Cursor cursor)
    {
        uint start = cursor.TakeUInt32();
        cursor.Expect(':');
        uint end = cursor.TakeUInt32();
        cursor.Expect('(');
        int length = cursor.TakeUInt16();
        cursor.Expect(')');
        return end == start + (uint)length ? (start, length) : throw cursor.Error("sequence numbers and length do not agree");
    }
}
