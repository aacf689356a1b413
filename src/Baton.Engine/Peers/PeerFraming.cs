using System.Buffers.Binary;
using Baton.Handoff;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>The form of a message on a peer channel: length of what follows (4 bytes), kind (1 byte), payload.</summary>
internal static class PeerFraming
{
    /// <summary>Bytes before the payload.</summary>
    public const int HeaderLength = 5;

    /// <summary>Bytes of a query's number before its request or answer.</summary>
    public const int NumberLength = 8;

    /// <summary>Bytes of a hello: major and minor version, node, incarnation.</summary>
    public const int HelloLength = 12;

    /// <summary>Most bytes of a hello of a higher minor version.</summary>
    public const int MaxHelloLength = 64;

    /// <summary>Longest payload of a kind.</summary>
    public static int MaxPayload(PeerMessageKind kind, EngineLimits limits) => kind switch
    {
        PeerMessageKind.Hello => MaxHelloLength,
        PeerMessageKind.Handoff or PeerMessageKind.Home => HandoffLimits.MaxMessageBytes,
        PeerMessageKind.Query or PeerMessageKind.Answer => NumberLength + 1 + limits.QueryBytes,
        _ => -1,
    };

    /// <summary>Writes the header.</summary>
    public static void WriteHeader(Span<byte> destination, PeerMessageKind kind, int payloadLength)
    {
        BinaryPrimitives.WriteInt32BigEndian(destination, payloadLength + 1);
        destination[4] = (byte)kind;
    }
    /// <summary>Writes a hello.</summary>
    public static void WriteHello(Span<byte> destination, NodeId node, ulong incarnation)
    {
        destination[0] = ProtocolVersion.Major;
        destination[1] = ProtocolVersion.Minor;
        BinaryPrimitives.WriteUInt16BigEndian(destination[2..], node.Value);
        BinaryPrimitives.WriteUInt64BigEndian(destination[4..], incarnation);
    }

    /// <summary>Reads a hello.</summary>
    public static DropReason ReadHello(ReadOnlySpan<byte> hello, out NodeId node, out ulong incarnation)
    {
        node = NodeId.None;
        incarnation = 0;
        if (hello.Length < 2)
        {
            return DropReason.MessageMalformed;
        }

        if (hello[0] != ProtocolVersion.Major)
        {
            return DropReason.MessageVersion;
        }

        if (!ProtocolVersion.Fits(hello[1], hello.Length, HelloLength))
        {
            return DropReason.MessageMalformed;
        }

        node = new NodeId(BinaryPrimitives.ReadUInt16BigEndian(hello[2..]));
        incarnation = BinaryPrimitives.ReadUInt64BigEndian(hello[4..]);
        return DropReason.None;
    }
}
