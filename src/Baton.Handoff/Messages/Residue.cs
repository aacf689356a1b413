using Baton.Wire;

namespace Baton.Handoff.Messages;

/// <summary>
/// Owner→H: the connection of this flow and epoch is in TIME-WAIT at this endpoint; here is what answers for it until that ends.
/// Repeated until acknowledged, each time written anew. A member that does not know it drops it, and the owner keeps TIME-WAIT.
/// </summary>
internal readonly ref struct Residue(MessageHeader header, EndpointId endpoint, ReadOnlySpan<byte> bytes)
{
    public MessageHeader Header { get; } = header;

    public EndpointId Endpoint { get; } = endpoint;

    /// <summary>Opaque here; 1 to <see cref="HandoffLimits.MaxResidueBytes"/> bytes.</summary>
    public ReadOnlySpan<byte> Bytes { get; } = bytes;

    public static byte[] Write(in MessageHeader header, EndpointId endpoint, ReadOnlySpan<byte> bytes)
    {
        var message = header.Allocate(8 + 1 + bytes.Length, out var body);
        body.UInt64(endpoint.Value);
        body.Byte((byte)bytes.Length);
        body.Bytes(bytes);
        body.End();
        return message;
    }

    public static bool TryRead(in MessageHeader header, MessageReader body, out Residue message)
    {
        var endpoint = new EndpointId(body.UInt64());
        int length = body.Byte();
        message = new(header, endpoint, body.Take(length));
        return body.IsExact && length is > 0 and <= HandoffLimits.MaxResidueBytes && header.Flow.Protocol == IpProtocol.Tcp;
    }
}
