namespace Baton.Handoff.Messages;

/// <summary>
/// S→T: one chunk of <see cref="StateBody"/>. Chunks follow one another in order; one at offset 0 begins STATE (anew,
/// when the channel broke in the middle).
/// </summary>
internal readonly ref struct State(int total, int offset, ReadOnlySpan<byte> bytes)
{
    /// <summary>Bytes of all chunks together.</summary>
    public int Total { get; } = total;

    public int Offset { get; } = offset;

    public ReadOnlySpan<byte> Bytes { get; } = bytes;

    /// <summary>The message up to its bytes, which follow it.</summary>
    public static byte[] WriteHead(in MessageHeader header, int total, int offset)
    {
        var message = (header with { Kind = MessageKind.State }).Allocate(8, out var body);
        body.UInt32((uint)total);
        body.UInt32((uint)offset);
        body.End();
        return message;
    }

    public static bool TryRead(MessageReader body, out State message)
    {
        int total = body.Int32(int.MaxValue);
        int offset = body.Int32(int.MaxValue);
        message = new(total, offset, body.Rest());
        return body.IsExact
            && message.Bytes.Length is > 0 and <= HandoffLimits.ChunkBytes
            && message.Bytes.Length <= total - offset;
    }
}
