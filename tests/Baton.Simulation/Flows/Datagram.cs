using System.Buffers.Binary;

namespace Baton.Simulation;

/// <summary>
/// The datagrams of a run: each is named by its last bytes, so that it is known wherever it comes by, encapsulated or as
/// the last fragment, and its content follows from its name.
/// </summary>
/// <param name="Flow">The flow's number.</param>
/// <param name="FromClient">The direction.</param>
/// <param name="Number">Its number in that direction.</param>
internal readonly record struct Datagram(int Flow, bool FromClient, uint Number)
{
    /// <summary>Bytes of the name.</summary>
    public const int NameLength = 12;

    private const uint Mark = 0xBA70_DA7A;

    /// <summary>Content and name, over the whole of <paramref name="payload"/>.</summary>
    public void Write(Span<byte> payload, ulong key)
    {
        new Pattern(key).Fill(payload[..^NameLength], (long)Number << 16);
        var name = payload[^NameLength..];
        BinaryPrimitives.WriteUInt32BigEndian(name, Mark);
        BinaryPrimitives.WriteUInt32BigEndian(name[4..], (uint)(Flow << 1) | (FromClient ? 1u : 0));
        BinaryPrimitives.WriteUInt32BigEndian(name[8..], Number);
    }

    /// <summary>Whether bytes end with a name.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out Datagram datagram)
    {
        datagram = default;
        if (bytes.Length < NameLength || BinaryPrimitives.ReadUInt32BigEndian(bytes[^NameLength..]) != Mark)
        {
            return false;
        }

        uint flow = BinaryPrimitives.ReadUInt32BigEndian(bytes[^8..]);
        datagram = new((int)(flow >> 1), (flow & 1) != 0, BinaryPrimitives.ReadUInt32BigEndian(bytes[^4..]));
        return true;
    }

    /// <summary>Whether the content is the one of the name.</summary>
    public bool IsContent(ReadOnlySpan<byte> payload, ulong key) =>
        new Pattern(key).Mismatch(payload[..^NameLength], (long)Number << 16) < 0;
}
