using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace Baton.Kestrel;

/// <summary>What is in the middle of an exchange when its connection moves.</summary>
internal enum ExchangeKind : byte
{
    /// <summary>An upgraded connection: a WebSocket between two messages.</summary>
    WebSocket = 1,

    /// <summary>A response that goes on.</summary>
    Response = 2,
}

/// <summary>
/// An exchange that goes on at the next node; in the context of the handoff (R32). A connection between two requests needs
/// none.
/// </summary>
/// <param name="Kind">What goes on.</param>
/// <param name="Status">The response's status, sent by the first node.</param>
/// <param name="IsChunked">Whether the response's body is chunked.</param>
/// <param name="Head">The request's head as the client sent it.</param>
/// <param name="State">The handler's state.</param>
/// <param name="Opening">The message by which the client of a hub has opened its connection; empty for others.</param>
internal sealed record CarriedExchange(
    ExchangeKind Kind, int Status, bool IsChunked, ReadOnlyMemory<byte> Head, ReadOnlyMemory<byte> State, ReadOnlyMemory<byte> Opening = default)
{
    private const byte Version = 2;
    private const int FixedLength = 1 + 1 + 2 + 1 + 4 + 4;

    /// <summary>The encoded form: version, kind, status, chunked, lengths of head and opening, head, opening, state.</summary>
    public byte[] Encode()
    {
        byte[] bytes = new byte[FixedLength + Head.Length + Opening.Length + State.Length];
        bytes[0] = Version;
        bytes[1] = (byte)Kind;
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), (ushort)Status);
        bytes[4] = IsChunked ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(5), Head.Length);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(9), Opening.Length);
        Head.CopyTo(bytes.AsMemory(FixedLength));
        Opening.CopyTo(bytes.AsMemory(FixedLength + Head.Length));
        State.CopyTo(bytes.AsMemory(FixedLength + Head.Length + Opening.Length));
        return bytes;
    }

    /// <summary>Reads what <see cref="Encode"/> wrote; anything else is refused.</summary>
    public static bool TryDecode(ReadOnlyMemory<byte> bytes, [NotNullWhen(true)] out CarriedExchange? exchange)
    {
        exchange = null;
        var span = bytes.Span;
        if (span.Length < FixedLength || span[0] != Version || span[1] is not (1 or 2) || span[4] > 1)
        {
            return false;
        }

        int head = BinaryPrimitives.ReadInt32BigEndian(span[5..]);
        int opening = BinaryPrimitives.ReadInt32BigEndian(span[9..]);
        if (head <= 0 || opening < 0 || (long)head + opening > span.Length - FixedLength)
        {
            return false;
        }

        exchange = new CarriedExchange(
            (ExchangeKind)span[1],
            BinaryPrimitives.ReadUInt16BigEndian(span[2..]),
            span[4] == 1,
            bytes.Slice(FixedLength, head),
            bytes[(FixedLength + head + opening)..],
            bytes.Slice(FixedLength + head, opening));
        return true;
    }
}
