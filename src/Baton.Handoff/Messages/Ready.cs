namespace Baton.Handoff.Messages;

/// <summary>T→S, when S asks after the channel was re-made: T has all it needs and has asked H. Only H decides from here on.</summary>
internal static class Ready
{
    public static byte[] Write(in MessageHeader header) => (header with { Kind = MessageKind.Ready }).Allocate(0, out _);

    public static bool TryRead(MessageReader body) => body.IsExact;
}
