using System.Buffers.Binary;

namespace Baton.Engine;

/// <summary>
/// What travels with an endpoint besides its image, as the bytes that the protocol calls the application's context:
/// version, flags, unread bytes, and the application's own context.
/// </summary>
/// <param name="Unread">Bytes taken from the stream but not used: read first.</param>
/// <param name="Context">The application's own.</param>
/// <param name="Served">Whether an application has had the endpoint.</param>
/// <param name="Closing">Whether its application has closed it, so that it ends by itself.</param>
internal readonly record struct CarriedState(ReadOnlyMemory<byte> Unread, ReadOnlyMemory<byte> Context, bool Served, bool Closing)
{
    private const byte Version = 1;
    private const byte ServedFlag = 1;
    private const byte ClosingFlag = 2;
    private const int HeaderLength = 6;

    /// <summary>Bytes that <see cref="ToBytes"/> gives.</summary>
    public int Length => HeaderLength + Unread.Length + Context.Length;

    /// <summary>Encodes it.</summary>
    public byte[] ToBytes()
    {
        byte[] bytes = new byte[Length];
        bytes[0] = Version;
        bytes[1] = (byte)((Served ? ServedFlag : 0) | (Closing ? ClosingFlag : 0));
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(2), Unread.Length);
        Unread.Span.CopyTo(bytes.AsSpan(HeaderLength));
        Context.Span.CopyTo(bytes.AsSpan(HeaderLength + Unread.Length));
        return bytes;
    }

    /// <summary>Decodes what <see cref="ToBytes"/> made; nothing else is accepted.</summary>
    public static bool TryRead(ReadOnlyMemory<byte> bytes, out CarriedState state)
    {
        state = default;
        var span = bytes.Span;
        if (span.Length < HeaderLength || span[0] != Version || (span[1] & ~(ServedFlag | ClosingFlag)) != 0)
        {
            return false;
        }

        int unread = BinaryPrimitives.ReadInt32BigEndian(span[2..]);
        if (unread < 0 || unread > span.Length - HeaderLength)
        {
            return false;
        }

        state = new(
            bytes.Slice(HeaderLength, unread),
            bytes[(HeaderLength + unread)..],
            (span[1] & ServedFlag) != 0,
            (span[1] & ClosingFlag) != 0);
        return true;
    }
}
