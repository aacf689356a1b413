using Baton.Wire;

namespace Baton.Handoff.Messages;

/// <summary>Owner→H: the connection of this flow and epoch has ended. Repeated with each new channel until acknowledged.</summary>
internal readonly record struct Closed(MessageHeader Header, byte Reason)
{
    public static byte[] Write(in Flow flow, Epoch epoch, byte reason)
    {
        var message = new MessageHeader(MessageKind.Closed, HandoffId.None, epoch, flow).Allocate(1, out var body);
        body.Byte(reason);
        body.End();
        return message;
    }

    public static bool TryRead(in MessageHeader header, MessageReader body, out Closed message)
    {
        message = new(header, body.Byte());
        return body.IsExact;
    }
}
