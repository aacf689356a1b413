using System.Buffers.Binary;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>
/// What each of two members says when they agree on keys, over a stream that only they can read. Length of what follows
/// (2 bytes), mark, major and minor version, node, incarnation, session, secret.
/// </summary>
/// <param name="Node">Who says it.</param>
/// <param name="Incarnation">Its start.</param>
/// <param name="Session">The session's number: the one that whoever made the connection has chosen.</param>
/// <param name="Minor">Its minor version.</param>
internal readonly record struct KeyMessage(NodeId Node, ulong Incarnation, ulong Session, byte Minor)
{
    /// <summary>Bytes of the length.</summary>
    public const int PrefixLength = 2;

    /// <summary>Bytes after the length.</summary>
    public const int Length = SecretAt + PeerSession.SecretLength;

    /// <summary>Most bytes after the length that a higher minor version may have.</summary>
    public const int MaxLength = 1024;

    private const ushort Mark = 0xBA84;
    private const int SecretAt = 22;

    /// <summary>Writes message and secret; returns the length.</summary>
    public int Write(Span<byte> destination, ReadOnlySpan<byte> secret)
    {
        BinaryPrimitives.WriteUInt16BigEndian(destination, Length);
        var to = destination.Slice(PrefixLength, Length);
        BinaryPrimitives.WriteUInt16BigEndian(to, Mark);
        to[2] = ProtocolVersion.Major;
        to[3] = Minor;
        BinaryPrimitives.WriteUInt16BigEndian(to[4..], Node.Value);
        BinaryPrimitives.WriteUInt64BigEndian(to[6..], Incarnation);
        BinaryPrimitives.WriteUInt64BigEndian(to[14..], Session);
        secret.CopyTo(to[SecretAt..]);
        return PrefixLength + Length;
    }

    /// <summary>Reads what follows the length; null when all is well.</summary>
    public static PeerRefusal? TryRead(ReadOnlySpan<byte> bytes, out KeyMessage message, out ReadOnlySpan<byte> secret)
    {
        message = default;
        secret = default;
        if (bytes.Length < 4 || BinaryPrimitives.ReadUInt16BigEndian(bytes) != Mark)
        {
            return PeerRefusal.Malformed;
        }

        if (bytes[2] != ProtocolVersion.Major)
        {
            return PeerRefusal.Version;
        }

        if (bytes.Length > MaxLength || !ProtocolVersion.Fits(bytes[3], bytes.Length, Length))
        {
            return PeerRefusal.Malformed;
        }

        message = new(
            new NodeId(BinaryPrimitives.ReadUInt16BigEndian(bytes[4..])),
            BinaryPrimitives.ReadUInt64BigEndian(bytes[6..]),
            BinaryPrimitives.ReadUInt64BigEndian(bytes[14..]),
            bytes[3]);
        secret = bytes.Slice(SecretAt, PeerSession.SecretLength);
        return message.Incarnation != 0 && message.Session != 0 ? null : PeerRefusal.Malformed;
    }
}
