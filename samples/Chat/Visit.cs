using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;

namespace Chat;

/// <summary>What a visitor has heard, when the connection moves: the next node says the rest.</summary>
/// <param name="Since">From when on, in milliseconds since 1970.</param>
/// <param name="Heard">What was heard of all that was said since, and when it was said; also at the nodes before.</param>
internal sealed record VisitState(long Since, IReadOnlyDictionary<string, long> Heard);

/// <summary>Who serves a visit; the page shows it.</summary>
/// <param name="Node">The farm's node.</param>
/// <param name="Version">The program's.</param>
internal sealed record Host(string Node, string Version);

/// <summary>
/// One WebSocket in a room, at one node. All that is said in the room goes to it once and in the room's order, also while
/// it moves: the state carries what it has heard, and the next node's room knows what was said.
/// </summary>
internal sealed class Visit(WebSocket socket, Room room, string name, VisitState? before)
{
    private const int MaxWaiting = 1200, MaxText = 2000, Greeting = 20;

    /// <summary>Messages may reach the nodes so much apart.</summary>
    private const long Apart = 30_000;

    private readonly Queue<(string Id, long Time)> _heard = new(before?.Heard.Select(heard => (heard.Key, heard.Value)) ?? []);

    public VisitState State
    {
        get
        {
            // What was heard before the first of those that are remembered is not said again either.
            long since = Math.Max(Now - Apart, _heard.Count == MaxWaiting ? _heard.Peek().Time : 0);
            return new(since, _heard.Where(heard => heard.Time >= since).ToDictionary(heard => heard.Id, heard => heard.Time));
        }
    }

    private static long Now => DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();

    /// <summary>Talks until the client closes, or the connection is to move; all that was said until then has been sent.</summary>
    public async Task RunAsync(Host host)
    {
        var ears = Channel.CreateBounded<Message>(MaxWaiting);
        var writer = room.Enter(ears, Unheard());
        var sending = SendAsync(host, ears.Reader);
        try
        {
            await ListenAsync();
        }
        catch (WebSocketException)
        {
            // The client is gone without a word.
        }
        finally
        {
            room.Leave(writer);
        }

        await sending;
    }

    public async Task CloseAsync()
    {
        if (socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
        {
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, default);
        }
    }

    /// <summary>A new visitor hears the last few; one who comes from another node what was said since.</summary>
    private Func<Message, bool> Unheard()
    {
        if (before is null)
        {
            long since = Now - (Greeting * 1000);
            return message => message.Time >= since;
        }

        return message => message.Time >= before.Since;
    }

    private async Task ListenAsync()
    {
        byte[] buffer = new byte[4 * MaxText];
        int length = 0;
        while (true)
        {
            var got = await socket.ReceiveAsync(buffer.AsMemory(length), default);
            length += got.Count;
            if (got.MessageType == WebSocketMessageType.Close || length == buffer.Length)
            {
                return;
            }

            if (got.EndOfMessage)
            {
                room.Say(name, Encoding.UTF8.GetString(buffer, 0, length));
                length = 0;
            }
        }
    }

    private async Task SendAsync(Host host, ChannelReader<Message> ears)
    {
        try
        {
            await SendAsync(host);
            await foreach (var message in ears.ReadAllAsync())
            {
                // The backplane may bring what was said at the node before only now.
                if (!Hear(message))
                {
                    continue;
                }

                await SendAsync(new { message.From, message.Text, message.Time });
            }
        }
        catch (WebSocketException)
        {
            // The client is gone; listening ends by itself.
        }
    }

    private bool Hear(Message message)
    {
        if (before is not null && (message.Time < before.Since || before.Heard.ContainsKey(message.Id)))
        {
            return false;
        }

        _heard.Enqueue((message.Id, message.Time));
        if (_heard.Count > MaxWaiting)
        {
            _heard.Dequeue();
        }

        return true;
    }

    private async Task SendAsync<T>(T said) => await socket.SendAsync(
        JsonSerializer.SerializeToUtf8Bytes(said, JsonSerializerOptions.Web), WebSocketMessageType.Text, endOfMessage: true, default);
}
