namespace Baton.Handoff.Messages;

/// <summary>T→S: the embryo is made, and T has this much of the precopied stream; STATE is awaited.</summary>
internal readonly record struct Prepared(MessageHeader Header, int PrecopiedBytes)
{
    public static byte[] Write(in MessageHeader header, int precopiedBytes)
    {
        var message = (header with { Kind = MessageKind.Prepared }).Allocate(4, out var body);
        body.UInt32((uint)precopiedBytes);
        body.End();
        return message;
    }

    public static bool TryRead(in MessageHeader header, MessageReader body, out Prepared message)
    {
        message = new(header, body.Int32(int.MaxValue));
        return body.IsExact;
    }
}
