namespace Baton.Handoff.Messages;

/// <summary>T→S: T will not take the flow in this handoff, now or later. Once STATE was sent S still asks H.</summary>
internal readonly record struct Reject(MessageHeader Header, HandoffReason Reason)
{
    public static byte[] Write(in MessageHeader header, HandoffReason reason)
    {
        var message = (header with { Kind = MessageKind.Reject }).Allocate(1, out var body);
        body.Byte((byte)reason);
        body.End();
        return message;
    }

    public static bool TryRead(in MessageHeader header, MessageReader body, out Reject message)
    {
        message = new(header, body.Reason());
        return body.IsExact && message.Reason != HandoffReason.None;
    }
}
