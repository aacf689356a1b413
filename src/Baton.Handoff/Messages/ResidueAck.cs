using Baton.Wire;

namespace Baton.Handoff.Messages;

/// <summary>
/// H→owner: RESIDUE of this flow, epoch and endpoint arrived. Taken: the client's packets do not come to this endpoint any more.
/// Not taken: there is no room, and the owner keeps TIME-WAIT.
/// </summary>
internal readonly record struct ResidueAck(MessageHeader Header, EndpointId Endpoint, bool Taken)
{
    public static byte[] Write(in MessageHeader header, EndpointId endpoint, bool taken)
    {
        var message = header.Allocate(8 + 1, out var body);
        body.UInt64(endpoint.Value);
        body.Byte(taken ? (byte)1 : (byte)0);
        body.End();
        return message;
    }

    public static bool TryRead(in MessageHeader header, MessageReader body, out ResidueAck message)
    {
        message = new(header, new EndpointId(body.UInt64()), body.Flag());
        return body.IsExact;
    }
}
