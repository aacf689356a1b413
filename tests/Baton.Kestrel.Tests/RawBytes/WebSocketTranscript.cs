using System.Text;

namespace Baton.Kestrel.Tests.RawBytes;

/// <summary>What a WebSocket's server says, message by message, and whether it answers a last Ping (<c>open</c>).</summary>
internal sealed class WebSocketTranscript
{
    /// <summary>The Ping that asks whether the connection is open.</summary>
    public const string Probe = "open?";

    private readonly List<byte> _received = [];
    private readonly List<string> _parts = [];

    public void Add(byte[] bytes)
    {
        _received.AddRange(bytes);
        var all = _received.ToArray().AsSpan();
        while (WebSocketFrames.LengthOf(all[..Math.Min(all.Length, WebSocketFrames.MaxHeader)]) is > 0 and var length && all.Length >= length)
        {
            int header = all[1] switch { < 126 => 2, 126 => 4, _ => 10 };
            Add(all[0], all[header..(int)length]);
            all = all[(int)length..];
        }

        _received.Clear();
        _received.AddRange(all);
    }

    public void Close() => _parts.Add("closed");

    public override string ToString() => string.Join(' ', _parts);

    private void Add(int first, ReadOnlySpan<byte> payload)
    {
        string text = payload.Length > 40 ? $"({payload.Length})" : Encoding.Latin1.GetString(payload);
        _parts.Add((first & 0x0F, text) switch
        {
            (WebSocketFrame.Close, "") => "close",
            (WebSocketFrame.Close, _) => $"close {payload[0] << 8 | payload[1]}",
            (WebSocketFrame.Pong, Probe) => "open",
            (WebSocketFrame.Pong, _) => $"pong '{text}'",
            (WebSocketFrame.Text, _) => $"text '{text}'",
            (WebSocketFrame.Binary, _) => $"binary '{text}'",
            var other => $"{other}",
        });
    }
}
