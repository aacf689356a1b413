using System.Buffers.Binary;

namespace Baton.Wire;

/// <summary>Reads and writes the option part of a TCP header.</summary>
internal static class TcpOptionsCodec
{
    private const byte EndOfList = 0;
    private const byte NoOperation = 1;
    private const byte MaximumSegmentSize = 2;
    private const byte WindowScale = 3;
    private const byte SackPermitted = 4;
    private const byte Sack = 5;
    private const byte Timestamps = 8;
    private const byte FastOpen = 34;

    // NOP, NOP, timestamps of length 10 (RFC 7323 appendix A): nearly every segment of a connection begins so.
    private const uint AlignedTimestamps = 0x0101_080A;
    private const byte MaxWindowScale = 14;

    public static DropReason TryParse(ReadOnlySpan<byte> bytes, out TcpOptions options)
    {
        options = default;
        if (bytes.Length == 12 && BinaryPrimitives.ReadUInt32BigEndian(bytes) == AlignedTimestamps)
        {
            ReadTimestamps(bytes[4..], ref options);
            return DropReason.None;
        }

        while (!bytes.IsEmpty && bytes[0] != EndOfList)
        {
            if (bytes[0] == NoOperation)
            {
                bytes = bytes[1..];
                continue;
            }

            // RFC 9293 §3.2 MUST-7: an illegal length is survived, here by dropping the segment.
            if (bytes.Length < 2 || bytes[1] < 2 || bytes[1] > bytes.Length || !TryReadOption(bytes[0], bytes[2..bytes[1]], ref options))
            {
                return DropReason.TcpBadOptions;
            }

            bytes = bytes[bytes[1]..];
        }

        return DropReason.None;
    }

    public static void Write(Span<byte> destination, in TcpOptions options)
    {
        int at = 0;
        if (options.Mss is ushort mss)
        {
            BinaryPrimitives.WriteUInt32BigEndian(destination, (uint)MaximumSegmentSize << 24 | 4u << 16 | mss);
            at = 4;
        }

        if (options.HasTimestamps)
        {
            // SACK-permitted takes the place of the two NOPs before the timestamps.
            uint lead = options.SackPermitted ? (uint)SackPermitted << 24 | 2u << 16 | 0x080A : AlignedTimestamps;
            BinaryPrimitives.WriteUInt32BigEndian(destination[at..], lead);
            BinaryPrimitives.WriteUInt32BigEndian(destination[(at + 4)..], options.TimestampValue);
            BinaryPrimitives.WriteUInt32BigEndian(destination[(at + 8)..], options.TimestampEcho);
            at += 12;
        }
        else if (options.SackPermitted)
        {
            BinaryPrimitives.WriteUInt32BigEndian(destination[at..], 0x0101_0000u | SackPermitted << 8 | 2);
            at += 4;
        }

        if (options.WindowScale is byte scale)
        {
            BinaryPrimitives.WriteUInt32BigEndian(destination[at..], (uint)NoOperation << 24 | (uint)WindowScale << 16 | 3u << 8 | scale);
            at += 4;
        }

        if (options.HasFastOpen)
        {
            at += WriteFastOpen(destination[at..], options.FastOpen);
        }

        WriteSack(destination[at..], in options);
    }

    /// <summary>The cookie with NOPs behind it up to a whole word, as Linux places them; the bytes written.</summary>
    private static int WriteFastOpen(Span<byte> destination, FastOpenCookie cookie)
    {
        int length = 2 + cookie.Length;
        int padded = (length + 3) & ~3;
        (destination[0], destination[1]) = (FastOpen, (byte)length);
        cookie.CopyTo(destination[2..]);
        destination[length..padded].Fill(NoOperation);
        return padded;
    }

    private static void WriteSack(Span<byte> destination, in TcpOptions options)
    {
        int count = options.FittingSackBlocks;
        if (count == 0)
        {
            return;
        }

        BinaryPrimitives.WriteUInt32BigEndian(destination, 0x0101_0000u | Sack << 8 | (uint)(2 + (8 * count)));
        for (int i = 0; i < count; i++)
        {
            var block = options[i];
            BinaryPrimitives.WriteUInt32BigEndian(destination[(4 + (8 * i))..], block.Left.Value);
            BinaryPrimitives.WriteUInt32BigEndian(destination[(8 + (8 * i))..], block.Right.Value);
        }
    }

    private static bool TryReadOption(byte kind, ReadOnlySpan<byte> data, ref TcpOptions options)
    {
        switch (kind)
        {
            case MaximumSegmentSize when data.Length == 2:
                options.Mss = BinaryPrimitives.ReadUInt16BigEndian(data);
                return true;
            case WindowScale when data.Length == 1:
                // RFC 7323 §2.3: a larger shift count is used as 14.
                options.WindowScale = Math.Min(data[0], MaxWindowScale);
                return true;
            case SackPermitted when data.Length == 0:
                options.SackPermitted = true;
                return true;
            case Timestamps when data.Length == 8:
                ReadTimestamps(data, ref options);
                return true;
            case Sack when data.Length is 8 or 16 or 24 or 32:
                ReadSack(data, ref options);
                return true;
            case FastOpen:
                // RFC 7413 §4.1.1: a cookie of another length is ignored.
                options.HasFastOpen = FastOpenCookie.TryRead(data, out var cookie);
                options.FastOpen = cookie;
                return true;
            case MaximumSegmentSize or WindowScale or SackPermitted or Timestamps or Sack:
                return false;
            default:
                // RFC 9293 §3.2 MUST-6: unknown options are skipped by their length.
                return true;
        }
    }

    private static void ReadTimestamps(ReadOnlySpan<byte> data, ref TcpOptions options)
    {
        options.HasTimestamps = true;
        options.TimestampValue = BinaryPrimitives.ReadUInt32BigEndian(data);
        options.TimestampEcho = BinaryPrimitives.ReadUInt32BigEndian(data[4..]);
    }

    private static void ReadSack(ReadOnlySpan<byte> data, ref TcpOptions options)
    {
        options.ClearSack();
        for (; data.Length >= 8; data = data[8..])
        {
            options.TryAddSack(new(new(BinaryPrimitives.ReadUInt32BigEndian(data)), new(BinaryPrimitives.ReadUInt32BigEndian(data[4..]))));
        }
    }
}
