namespace Baton.Handoff.Messages;

/// <summary>H→owner: CLOSED of this flow and epoch arrived; there is no such entry any more.</summary>
internal static class ClosedAck
{
    public static byte[] Write(in MessageHeader header) => (header with { Kind = MessageKind.ClosedAck }).Allocate(0, out _);

    public static bool TryRead(MessageReader body) => body.IsExact;
}
