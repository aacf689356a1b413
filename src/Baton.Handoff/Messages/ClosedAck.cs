using Baton.Wire;

namespace Baton.Handoff.Messages;

/// <summary>H→owner: CLOSED of this flow, epoch and endpoint arrived; there is no such entry any more.</summary>
internal readonly record struct ClosedAck(MessageHeader Header, EndpointId Endpoint)
{
    public static byte[] Write(in MessageHeader header, EndpointId endpoint)
    {
        var message = (header with { Kind = MessageKind.ClosedAck }).Allocate(8, out var body);
        body.UInt64(endpoint.Value);
        body.End();
        return message;
    }

    public static bool TryRead(in MessageHeader header, MessageReader body, out ClosedAck message)
    {
        message = new(header, new EndpointId(body.UInt64()));
        return body.IsExact;
    }
}
