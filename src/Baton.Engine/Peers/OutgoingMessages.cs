using System.Buffers;
using Baton.Stack;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>
/// What a channel has to send and its connection has no room for yet. What there is room for goes from the caller's memory
/// into the connection's, without a copy between.
/// </summary>
internal sealed class OutgoingMessages
{
    private const int MaxKeptLength = 64 * 1024;
    private const int KeptArrays = 64;

    private readonly ArrayPool<byte> _pool = ArrayPool<byte>.Create(MaxKeptLength, KeptArrays);
    private readonly Queue<ArraySegment<byte>> _waiting = new();
    private int _sentOfFirst;

    /// <summary>Bytes that wait.</summary>
    public long Bytes { get; private set; }

    /// <summary>Sends a message in three parts: at once as far as there is room and nothing waits, the rest later.</summary>
    public void Send(TcpEndpoint endpoint, Instant now, ReadOnlySpan<byte> header, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        if (_waiting.Count == 0)
        {
            Write(endpoint, now, ref header);
            Write(endpoint, now, ref first);
            Write(endpoint, now, ref second);
        }

        int length = header.Length + first.Length + second.Length;
        if (length > 0)
        {
            byte[] rest = _pool.Rent(length);
            header.CopyTo(rest);
            first.CopyTo(rest.AsSpan(header.Length));
            second.CopyTo(rest.AsSpan(header.Length + first.Length));
            _waiting.Enqueue(new ArraySegment<byte>(rest, 0, length));
            Bytes += length;
        }
    }

    /// <summary>Sends what there is room for.</summary>
    public void Flush(TcpEndpoint endpoint, Instant now)
    {
        while (_waiting.TryPeek(out var message))
        {
            int written = endpoint.Write(now, message.AsSpan(_sentOfFirst));
            _sentOfFirst += written;
            Bytes -= written;
            if (_sentOfFirst < message.Count)
            {
                return;
            }

            DropFirst();
        }
    }

    /// <summary>Forgets what waits: its connection is gone.</summary>
    public void Clear()
    {
        while (_waiting.Count > 0)
        {
            DropFirst();
        }

        Bytes = 0;
    }

    // What is left of a part is only sent after it: with room for none of it the next parts find no room either.
    private static void Write(TcpEndpoint endpoint, Instant now, ref ReadOnlySpan<byte> part)
    {
        if (!part.IsEmpty)
        {
            part = part[endpoint.Write(now, part)..];
        }
    }

    private void DropFirst()
    {
        _sentOfFirst = 0;
        _pool.Return(_waiting.Dequeue().Array!);
    }
}
