namespace Baton.Handoff.Messages;

/// <summary>
/// S→T: S goes on serving. A READY target obeys only when <see cref="Decided"/>: then the home granted the abort.
/// </summary>
internal readonly record struct Abort(MessageHeader Header, HandoffReason Reason, bool Decided)
{
    public static byte[] Write(in MessageHeader header, HandoffReason reason, bool decided)
    {
        var message = (header with { Kind = MessageKind.Abort }).Allocate(2, out var body);
        body.Byte((byte)reason);
        body.Flag(decided);
        body.End();
        return message;
    }

    public static bool TryRead(in MessageHeader header, MessageReader body, out Abort message)
    {
        message = new(header, body.Reason(), body.Flag());
        return body.IsExact && message.Reason != HandoffReason.None;
    }
}
