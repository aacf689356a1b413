using System.Buffers.Binary;

namespace Baton.Wire;

/// <summary>The control bits of a TCP header (RFC 9293 §3.1), AE being RFC 9768's.</summary>
[Flags]
public enum TcpFlags : ushort
{
    /// <summary>No bit.</summary>
    None = 0,

    /// <summary>No more data from the sender.</summary>
    Fin = 1,

    /// <summary>Synchronise sequence numbers.</summary>
    Syn = 2,

    /// <summary>Reset.</summary>
    Rst = 4,

    /// <summary>Push.</summary>
    Psh = 8,

    /// <summary>The acknowledgment field counts.</summary>
    Ack = 16,

    /// <summary>The urgent pointer counts.</summary>
    Urg = 32,

    /// <summary>ECN echo (RFC 3168).</summary>
    Ece = 64,

    /// <summary>Congestion window reduced (RFC 3168).</summary>
    Cwr = 128,

    /// <summary>Accurate ECN (RFC 9768).</summary>
    Ae = 256,
}

/// <summary>A TCP header with its options (RFC 9293 §3.1), without the checksum.</summary>
public record struct TcpHeader
{
    /// <summary>Bytes of the header without options.</summary>
    public const int MinLength = 20;

    /// <summary>Bytes of the longest header.</summary>
    public const int MaxLength = 60;

    private TcpOptions _options;

    /// <summary>The sender's port.</summary>
    public ushort SourcePort { get; set; }

    /// <summary>The receiver's port.</summary>
    public ushort DestinationPort { get; set; }

    /// <summary>SEG.SEQ.</summary>
    public SeqNum Sequence { get; set; }

    /// <summary>SEG.ACK; counts only with <see cref="TcpFlags.Ack"/>.</summary>
    public SeqNum Acknowledgment { get; set; }

    /// <summary>The control bits.</summary>
    public TcpFlags Flags { get; set; }

    /// <summary>The window as it stands in the header, unscaled.</summary>
    public ushort Window { get; set; }

    /// <summary>The urgent pointer; counts only with <see cref="TcpFlags.Urg"/>.</summary>
    public ushort UrgentPointer { get; set; }

    /// <summary>The options.</summary>
    public TcpOptions Options { readonly get => _options; set => _options = value; }

    /// <summary>Bytes that <see cref="Write"/> writes: a multiple of four, 20 to 60.</summary>
    public readonly int Length => MinLength + _options.Length;

    /// <summary>Whether all of <paramref name="flags"/> are set.</summary>
    public readonly bool Has(TcpFlags flags) => (Flags & flags) == flags;

    /// <summary>Reads the header at the start of <paramref name="segment"/>; the checksum is not verified.</summary>
    public static DropReason TryParse(ReadOnlySpan<byte> segment, out TcpHeader header, out int headerLength)
    {
        header = default;
        headerLength = 0;
        if (segment.Length < MinLength)
        {
            return DropReason.Truncated;
        }

        ushort offsetAndFlags = BinaryPrimitives.ReadUInt16BigEndian(segment[12..]);
        int length = (offsetAndFlags >> 12) * 4;
        if (length < MinLength || length > segment.Length)
        {
            return DropReason.TcpBadHeaderLength;
        }

        if (length > MinLength && TcpOptionsCodec.TryParse(segment[MinLength..length], out header._options) is not DropReason.None and var reason)
        {
            header = default;
            return reason;
        }

        header.SourcePort = BinaryPrimitives.ReadUInt16BigEndian(segment);
        header.DestinationPort = BinaryPrimitives.ReadUInt16BigEndian(segment[2..]);
        header.Sequence = new(BinaryPrimitives.ReadUInt32BigEndian(segment[4..]));
        header.Acknowledgment = new(BinaryPrimitives.ReadUInt32BigEndian(segment[8..]));
        header.Flags = (TcpFlags)(offsetAndFlags & 0x1FF);
        header.Window = BinaryPrimitives.ReadUInt16BigEndian(segment[14..]);
        header.UrgentPointer = BinaryPrimitives.ReadUInt16BigEndian(segment[18..]);
        headerLength = length;
        return DropReason.None;
    }

    /// <summary>Writes <see cref="Length"/> bytes with a checksum field of zero, and returns that length.</summary>
    public readonly int Write(Span<byte> destination)
    {
        int length = Length;
        var header = destination[..length];
        BinaryPrimitives.WriteUInt16BigEndian(header, SourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(header[2..], DestinationPort);
        BinaryPrimitives.WriteUInt32BigEndian(header[4..], Sequence.Value);
        BinaryPrimitives.WriteUInt32BigEndian(header[8..], Acknowledgment.Value);
        BinaryPrimitives.WriteUInt16BigEndian(header[12..], (ushort)(length / 4 << 12 | (int)Flags & 0x1FF));
        BinaryPrimitives.WriteUInt16BigEndian(header[14..], Window);
        BinaryPrimitives.WriteUInt32BigEndian(header[16..], UrgentPointer);
        if (length > MinLength)
        {
            TcpOptionsCodec.Write(header[MinLength..], in _options);
        }

        return length;
    }
}
