using Baton.Wire;

namespace Baton.Handoff.Messages;

/// <summary>
/// The home said yes: T's reference, to forward with, and its epoch. T→S when T has activated; S→T when S hears it from a home
/// that is a third node, which may be lost before T hears.
/// </summary>
internal readonly record struct Done(MessageHeader Header, Epoch NewEpoch, EncodedReference Reference)
{
    public static byte[] Write(in MessageHeader header, Epoch newEpoch, in EncodedReference reference)
    {
        var message = (header with { Kind = MessageKind.Done }).Allocate(4 + 1 + reference.Length, out var body);
        body.UInt32(newEpoch.Value);
        body.Reference(reference);
        body.End();
        return message;
    }

    public static bool TryRead(in MessageHeader header, MessageReader body, out Done message)
    {
        message = new(header, new(body.UInt32()), body.Reference());
        return body.IsExact && message.Reference.Length > 0 && message.NewEpoch > header.Epoch;
    }
}
