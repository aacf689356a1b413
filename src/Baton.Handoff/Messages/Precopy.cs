namespace Baton.Handoff.Messages;

/// <summary>S→T, while S serves: bytes of the precopied stream from an offset on. They never change.</summary>
internal readonly ref struct Precopy(int offset, ReadOnlySpan<byte> bytes)
{
    public int Offset { get; } = offset;

    public ReadOnlySpan<byte> Bytes { get; } = bytes;

    /// <summary>The message up to its bytes, which follow it.</summary>
    public static byte[] WriteHead(in MessageHeader header, int offset)
    {
        var message = (header with { Kind = MessageKind.Precopy }).Allocate(4, out var body);
        body.UInt32((uint)offset);
        body.End();
        return message;
    }

    public static bool TryRead(MessageReader body, out Precopy message)
    {
        int offset = body.Int32(int.MaxValue);
        message = new(offset, body.Rest());
        return body.IsExact && message.Bytes.Length is > 0 and <= HandoffLimits.ChunkBytes;
    }
}
