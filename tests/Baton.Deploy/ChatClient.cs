using System.Diagnostics;
using System.Globalization;
using System.Net.Security;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;

namespace Baton.Deploy;

/// <summary>One WebSocket in a room of its own: says 0, 1, 2, … and must hear exactly that.</summary>
internal sealed class ChatClient(int number, string address, RemoteCertificateValidationCallback isOurs) : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly ClientWebSocket _socket = new();
    private readonly HashSet<long> _heard = [];
    private readonly Dictionary<long, long> _saidAt = [];
    private long _said, _next, _doubled, _reordered, _nodes, _longestMs;
    private string? _version, _failure;
    private volatile bool _closes;

    public Task ConnectAsync()
    {
        _socket.Options.RemoteCertificateValidationCallback = isOurs;
        var uri = string.Create(CultureInfo.InvariantCulture, $"ws{address["http".Length..]}/chat/room{number}?name=c{number}");
        return _socket.ConnectAsync(new Uri(uri), new CancellationTokenSource(s_patience).Token);
    }

    /// <summary>Talks until told to stop, then waits until all that was said was heard.</summary>
    public async Task TalkAsync(TimeSpan interval, CancellationToken stop)
    {
        var listening = ListenAsync();
        try
        {
            // Not all at the same moment.
            await Task.Delay(interval * (number % 97 / 97.0), CancellationToken.None);
            while (!stop.IsCancellationRequested && _failure is null)
            {
                long said = _said++;
                lock (_saidAt)
                {
                    _saidAt[said] = Stopwatch.GetTimestamp();
                }

                await _socket.SendAsync(Encoding.UTF8.GetBytes(said.ToString(CultureInfo.InvariantCulture)), WebSocketMessageType.Text, true, default);
                await Task.Delay(interval, CancellationToken.None);
            }

            long deadline = Stopwatch.GetTimestamp() + (Stopwatch.Frequency * (long)s_patience.TotalSeconds);
            while (Volatile.Read(ref _next) < _said && _failure is null && Stopwatch.GetTimestamp() < deadline)
            {
                await Task.Delay(20, CancellationToken.None);
            }

            if (_failure is null)
            {
                _closes = true;
                await _socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, new CancellationTokenSource(s_patience).Token);
            }
        }
        catch (Exception failed) when (failed is WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
            _failure ??= failed.Message;
        }

        await listening;
    }

    public void AddTo(Outcome outcome, int maxErrors)
    {
        outcome.Sent += _said;
        outcome.Lost += _said - _heard.Count;
        outcome.Doubled += _doubled;
        outcome.Reordered += _reordered;
        outcome.Moves += Math.Max(0, _nodes - 1);
        outcome.Disconnects += _failure is null ? 0 : 1;
        outcome.Old += _version == "1" ? 1 : 0;
        outcome.LongestWaitMs = Math.Max(outcome.LongestWaitMs, _longestMs);
        if (_failure is not null && outcome.Errors.Count < maxErrors)
        {
            outcome.Errors.Add($"client {number} of {address}, at message {_next} of {_said}: {_failure}");
        }
    }

    public void Dispose() => _socket.Dispose();

    private async Task ListenAsync()
    {
        byte[] buffer = new byte[4096];
        try
        {
            while (true)
            {
                var got = await _socket.ReceiveAsync(buffer, default);
                if (got.MessageType == WebSocketMessageType.Close)
                {
                    _failure ??= _closes && _socket.CloseStatus == WebSocketCloseStatus.NormalClosure
                        ? null : $"closed by the server with {_socket.CloseStatus}";
                    return;
                }

                Hear(JsonDocument.Parse(buffer.AsMemory(0, got.Count)).RootElement);
            }
        }
        catch (Exception failed) when (failed is WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
            _failure ??= failed.Message;
        }
    }

    private void Hear(JsonElement message)
    {
        if (message.TryGetProperty("node", out _))
        {
            _nodes++;
            _version = message.GetProperty("version").GetString();
            return;
        }

        long heard = long.Parse(message.GetProperty("text").GetString()!, CultureInfo.InvariantCulture);
        if (!_heard.Add(heard))
        {
            _doubled++;
            return;
        }

        lock (_saidAt)
        {
            _longestMs = Math.Max(_longestMs, (long)Stopwatch.GetElapsedTime(_saidAt[heard]).TotalMilliseconds);
            _saidAt.Remove(heard);
        }

        _reordered += heard < _next ? 1 : 0;
        Volatile.Write(ref _next, Math.Max(_next, heard + 1));
    }
}
