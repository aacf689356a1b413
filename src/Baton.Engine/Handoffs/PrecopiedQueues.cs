using System.Buffers.Binary;
using Baton.Tcp;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>
/// A connection's queues as they go ahead of its image, while it still serves. What is queued never changes, so that the
/// image needs only what came later: nothing to send, since the application is quiesced, and what the client has sent.
/// Position and length of what is to be sent, of what was received, then the bytes.
/// </summary>
internal static class PrecopiedQueues
{
    /// <summary>Shorter queues travel in the image: to send them takes less than to hear that they have arrived.</summary>
    public const int WorthWhile = 8 * 1024;

    private const int HeaderLength = 24;

    /// <summary>Bytes of a connection's queues, as <see cref="Copy"/> writes them.</summary>
    public static int Length(TcpSnapshot snapshot) => HeaderLength + snapshot.SendQueue.Length + snapshot.ReceiveQueue.Length;

    /// <summary>Copies the queues into <paramref name="bytes"/>, which has <see cref="Length"/> bytes or more.</summary>
    public static void Copy(TcpSnapshot snapshot, Span<byte> bytes)
    {
        var rest = bytes[HeaderLength..];
        Write(snapshot.SendQueue, bytes, ref rest);
        Write(snapshot.ReceiveQueue, bytes[(HeaderLength / 2)..], ref rest);
    }

    /// <summary>Reads what <see cref="Copy"/> made; no bytes at all are no queues.</summary>
    public static bool TryRead(ReadOnlyMemory<byte> bytes, out CopiedAhead ahead)
    {
        ahead = default;
        if (bytes.IsEmpty)
        {
            return true;
        }

        if (bytes.Length < HeaderLength)
        {
            return false;
        }

        var header = bytes.Span;
        int send = BinaryPrimitives.ReadInt32BigEndian(header[8..]);
        int receive = BinaryPrimitives.ReadInt32BigEndian(header[20..]);
        if (send < 0 || receive < 0 || (long)send + receive != bytes.Length - HeaderLength)
        {
            return false;
        }

        ahead = new CopiedAhead(
            new QueuedBytes(BinaryPrimitives.ReadInt64BigEndian(header), bytes.Slice(HeaderLength, send), default),
            new QueuedBytes(BinaryPrimitives.ReadInt64BigEndian(header[12..]), bytes[(HeaderLength + send)..], default));
        return true;
    }

    private static void Write(in QueuedBytes queue, Span<byte> header, ref Span<byte> rest)
    {
        BinaryPrimitives.WriteInt64BigEndian(header, queue.Position);
        BinaryPrimitives.WriteInt32BigEndian(header[8..], queue.Length);
        queue.First.Span.CopyTo(rest);
        queue.Second.Span.CopyTo(rest[queue.First.Length..]);
        rest = rest[queue.Length..];
    }
}
