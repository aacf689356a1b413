using System.Buffers.Binary;
using Baton.Handoff;

namespace Baton.Engine;

/// <summary>The form of a message on a peer channel: length of what follows (4 bytes), kind (1 byte), payload.</summary>
internal static class PeerFraming
{
    /// <summary>Bytes before the payload.</summary>
    public const int HeaderLength = 5;

    /// <summary>Bytes of a query's number before its request or answer.</summary>
    public const int NumberLength = 8;

    /// <summary>Bytes of a hello: version, node, incarnation.</summary>
    public const int HelloLength = 11;

    /// <summary>The version in a hello.</summary>
    public const byte Version = 1;

    /// <summary>Longest payload of a kind.</summary>
    public static int MaxPayload(PeerMessageKind kind, EngineLimits limits) => kind switch
    {
        PeerMessageKind.Hello => HelloLength,
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
}
