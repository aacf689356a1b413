using Baton.Wire;

namespace Baton.Scenarios.Script;

/// <summary>Reads the part of a packet line behind its direction.</summary>
internal static class PacketReader
{
    /// <summary>The flags, and the digits of the ACE field of RFC 9768.</summary>
    private const string FlagLetters = "SFRPUEWA.01234567";

    /// <summary>Headers around the packet that the interpreter does not build.</summary>
    private static readonly string[] Encapsulations = ["ipv4", "ipv6", "gre", "GREv0", "mpls", "encap"];

    /// <summary>Reads a packet; false names a construct that is none of ours.</summary>
    public static bool TryRead(ref Cursor cursor, bool inbound, out PacketSpec packet, out string construct)
    {
        packet = null!;
        cursor.SkipSpace();
        construct = "packet " + cursor.Rest.Trim();
        if (!IpFieldReader.TryRead(ref cursor, inbound, out var ip) || IsEncapsulated(ref cursor))
        {
            return false;
        }

        if (cursor.TryTakeWord("udp"))
        {
            packet = ReadDatagram(ref cursor);
        }
        else if (cursor.TryTakeWord("icmp"))
        {
            if (!IcmpReader.TryRead(ref cursor, out var message))
            {
                return false;
            }

            packet = message;
        }
        else if (TryReadSegment(ref cursor, inbound, out var segment))
        {
            packet = segment;
        }
        else
        {
            return false;
        }

        packet = packet with { Ip = ip };
        cursor.SkipSpace();
        return cursor.Rest.Length == 0 ? true : throw cursor.Error($"'{cursor.Rest}' behind a packet");
    }

    /// <summary>Reads <c>start:end(length)</c>.</summary>
    public static (uint Start, int Length) ReadSequence(ref Cursor cursor)
    {
        uint start = cursor.TakeUInt32();
        cursor.Expect(':');
        uint end = cursor.TakeUInt32();
        cursor.Expect('(');
        int length = cursor.TakeUInt16();
        cursor.Expect(')');
        return end == start + (uint)length ? (start, length) : throw cursor.Error("sequence numbers and length do not agree");
    }

    private static bool IsEncapsulated(ref Cursor cursor)
    {
        foreach (string word in Encapsulations)
        {
            if (cursor.TryTakeWord(word))
            {
                return true;
            }
        }

        return false;
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

        if (flags.Any(char.IsAsciiDigit) && flags.Any(c => c is 'E' or 'W' or 'A'))
        {
            throw cursor.Error("flags E, W and A are the bits of the ACE field: one or the other");
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
}
