namespace Baton.Handoff.Messages;

/// <summary>S→T, while S serves: bytes of the precopied stream from an offset on. They never change.</summary>
internal readonly ref struct Precopy(int offset, ReadOnlySpan<byte> bytes)
{
    public int Offset { get; } = offset;

    public ReadOnlySpan<byte> Bytes { get; } = bytes;

    public static byte[] Write(in MessageHeader header, int offset, ReadOnlySpan<byte> bytes)
    {
        var message = (header with { Kind = MessageKind.Precopy }).Allocate(4 + bytes.Length, out var body);
        body.UInt32((uint)offset);
        body.Bytes(bytes);
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
