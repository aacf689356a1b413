using System.Buffers;
using System.Net.WebSockets;

namespace Baton.Kestrel.Hubs;

/// <summary>
/// A hub's WebSocket as SignalR sees it. At the node where it goes on, SignalR is first given the handshake that the client
/// has sent to the first node, and its answer is kept from the client; where it leaves, so is SignalR's good-bye.
/// </summary>
/// <param name="inner">The WebSocket.</param>
/// <param name="exchange">The request that became one.</param>
/// <param name="calls">Calls under way.</param>
internal sealed class HubSocket(WebSocket inner, HandoffExchange exchange, HubCalls calls) : WebSocket
{
    /// <summary>Bytes of a message that is looked at; a connection with longer ones stays.</summary>
    private const int MaxMessage = 1 << 20;

    private static ReadOnlySpan<byte> Accepted => "{}\u001E"u8;

    private readonly ArrayBufferWriter<byte> _received = new();
    private readonly ArrayBufferWriter<byte> _sending = new();
    private readonly bool _resumed = !exchange.Opening.IsEmpty;
    private ReadOnlyMemory<byte> _replay = exchange.Opening;
    private bool _isAnswered;
    private volatile bool _stays;
    private volatile bool _leaves;

    public override WebSocketCloseStatus? CloseStatus => inner.CloseStatus;

    public override string? CloseStatusDescription => inner.CloseStatusDescription;

    public override WebSocketState State => inner.State;

    public override string? SubProtocol => inner.SubProtocol;

    public override void Abort() => inner.Abort();

    public override Task CloseAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken) =>
        inner.CloseAsync(closeStatus, statusDescription, cancellationToken);

    public override Task CloseOutputAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken) =>
        inner.CloseOutputAsync(closeStatus, statusDescription, cancellationToken);

    public override void Dispose() => inner.Dispose();

    public override async Task<WebSocketReceiveResult> ReceiveAsync(ArraySegment<byte> buffer, CancellationToken cancellationToken)
    {
        var received = await ReceiveAsync(buffer.AsMemory(), cancellationToken);
        return new WebSocketReceiveResult(received.Count, received.MessageType, received.EndOfMessage, inner.CloseStatus, inner.CloseStatusDescription);
    }

    public override async ValueTask<ValueWebSocketReceiveResult> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (!_replay.IsEmpty)
        {
            int length = Math.Min(buffer.Length, _replay.Length);
            _replay[..length].CopyTo(buffer);
            _replay = _replay[length..];
            return new ValueWebSocketReceiveResult(length, WebSocketMessageType.Text, _replay.IsEmpty);
        }

        var received = await inner.ReceiveAsync(buffer, cancellationToken);
        if (received.MessageType == WebSocketMessageType.Close)
        {
            _leaves = exchange.Leaves;
        }
        else if (!_stays)
        {
            if (!exchange.Opening.IsEmpty)
            {
                calls.OnReceived(received.Count);
            }

            OnReceived(buffer.Span[..received.Count], received.EndOfMessage);
        }

        return received;
    }

    public override Task SendAsync(ArraySegment<byte> buffer, WebSocketMessageType messageType, bool endOfMessage, CancellationToken cancellationToken) =>
        SendAsync(buffer.AsMemory(), messageType, endOfMessage, cancellationToken).AsTask();

    public override async ValueTask SendAsync(
        ReadOnlyMemory<byte> buffer, WebSocketMessageType messageType, bool endOfMessage, CancellationToken cancellationToken)
    {
        // A message in pieces is looked at when it is whole.
        if (!_stays && !endOfMessage)
        {
            _sending.Write(buffer.Span);
            if (_sending.WrittenCount <= MaxMessage)
            {
                return;
            }

            Stay();
            buffer = default;
        }

        if (_sending.WrittenCount > 0)
        {
            _sending.Write(buffer.Span);
            buffer = _sending.WrittenSpan.ToArray();
            _sending.ResetWrittenCount();
        }

        var shown = _stays ? buffer : Withhold(buffer);

        // The client may have answered a question, and the connection be free to move, before the write returns.
        if (!_stays && !Each(shown.Span, calls.OnSending))
        {
            Stay();
        }

        if (!shown.IsEmpty || buffer.IsEmpty)
        {
            await inner.SendAsync(shown, messageType, endOfMessage, cancellationToken);
        }

        if (!_stays)
        {
            Each(shown.Span, calls.OnSent);
        }
    }

    private void OnReceived(ReadOnlySpan<byte> part, bool isEnd)
    {
        if (!isEnd || _received.WrittenCount > 0)
        {
            _received.Write(part);
            part = _received.WrittenSpan;
        }

        if (isEnd ? !TryTake(part) : part.Length > MaxMessage)
        {
            Stay();
        }

        if (isEnd)
        {
            _received.ResetWrittenCount();
        }
    }

    private bool TryTake(ReadOnlySpan<byte> message)
    {
        if (!exchange.Opening.IsEmpty)
        {
            return Each(message, calls.OnReceived);
        }

        if (!HubRecord.IsJsonHandshake(message))
        {
            return false;
        }

        exchange.Opening = message.ToArray();
        return true;
    }

    /// <summary>What of the hub's message is for the client.</summary>
    private ReadOnlyMemory<byte> Withhold(ReadOnlyMemory<byte> message)
    {
        if (_leaves)
        {
            return WithoutClose(message);
        }

        if (_isAnswered)
        {
            return message;
        }

        // What the hub sends first answers the handshake.
        _isAnswered = true;
        bool isAccepted = message.Span.StartsWith(Accepted);
        if (isAccepted)
        {
            calls.Open();
        }
        else if (_resumed)
        {
            exchange.Fail("the hub refuses the handshake that was accepted before");
            return default;
        }

        return _resumed ? message[Accepted.Length..] : message;
    }

    /// <summary>SignalR ends with a record by which it says so; nothing follows it.</summary>
    private static ReadOnlyMemory<byte> WithoutClose(ReadOnlyMemory<byte> message)
    {
        if (message.IsEmpty)
        {
            return message;
        }

        int last = message.Span[..^1].LastIndexOf(HubRecord.Separator) + 1;
        return HubRecord.Read(message.Span[last..^1]).Type == HubRecord.Close ? message[..last] : message;
    }

    /// <summary>Takes every record of a message.</summary>
    /// <returns>Whether the message consists of whole records.</returns>
    private static bool Each(ReadOnlySpan<byte> message, Action<HubRecord> take)
    {
        while (!message.IsEmpty)
        {
            int end = message.IndexOf(HubRecord.Separator);
            if (end < 0)
            {
                return false;
            }

            take(HubRecord.Read(message[..end]));
            message = message[(end + 1)..];
        }

        return true;
    }

    private void Stay()
    {
        _stays = true;
        calls.Stay();
    }
}
