using Baton.Wire;

namespace Baton.Handoff.Messages;

/// <summary>
/// Owner→H: the connection of this flow and epoch has ended. It names the owner's endpoint, whose id is never used
/// again: told late, it cannot end the next connection between the same ports. Repeated with each new channel until
/// acknowledged.
/// </summary>
internal readonly record struct Closed(MessageHeader Header, EndpointId Endpoint, byte Reason)
{
    public static byte[] Write(in Flow flow, Epoch epoch, EndpointId endpoint, byte reason)
    {
        var message = new MessageHeader(MessageKind.Closed, HandoffId.None, epoch, flow).Allocate(8 + 1, out var body);
        body.UInt64(endpoint.Value);
        body.Byte(reason);
        body.End();
        return message;
    }

    public static bool TryRead(in MessageHeader header, MessageReader body, out Closed message)
    {
        message = new(header, new EndpointId(body.UInt64()), body.Byte());
        return body.IsExact;
    }
}
