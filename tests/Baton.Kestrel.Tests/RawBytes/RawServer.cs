using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using Baton.Engine;
using Baton.Engine.Tests;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace Baton.Kestrel.Tests.RawBytes;

/// <summary>How a case's bytes reach Kestrel.</summary>
public enum Way
{
    /// <summary>By Kestrel's own transport, over loopback.</summary>
    Sockets,

    /// <summary>By the farm's transport.</summary>
    Farm,

    /// <summary>By the farm's, and in the middle of the bytes the connection moves to another node.</summary>
    Handoff,
}

/// <summary>One application on two nodes, each with both transports; made once for all cases.</summary>
public sealed partial class RawServer : IAsyncLifetime
{
    private const int Http1 = 80;
    private const int Http2 = 81;
    private static readonly byte[] s_probe = Encoding.ASCII.GetBytes($"GET {RawApplication.Probe} HTTP/1.1\r\nHost: a\r\n\r\n");
    private static readonly byte[] s_ping = WebSocketFrame.Frame(WebSocketFrame.Ping, WebSocketTranscript.Probe);
    private WebFarm? _farm;
    private int _asked;
    private int _moved;

    /// <summary>What HTTP/1.1 answers to a case, raw but for the date, and in the spelling of the tables.</summary>
    internal async Task<(string Raw, string Spelled)> Http11Async(RawCase one, Way way)
    {
        using var client = await ConnectAsync(Http1, way);
        int head = one.Bytes.AsSpan().IndexOf("\r\n\r\n"u8);
        await SendAsync(client, way, one.Bytes, cut: (head < 0 ? one.Bytes.Length : head) / 2, one.End == CaseEnd.Probe ? s_probe : []);
        var received = new StringBuilder();
        string Spell() => string.Join(' ', Http11Words().Matches(received.ToString()).Select(match =>
            match.Value == "[probe]" ? "open" : match.Groups[1].Success ? match.Groups[1].Value : match.Value));
        bool ended = await ReceiveAsync(client, one, bytes => received.Append(Encoding.Latin1.GetString(bytes)), Spell);
        string spelled = Spell().Replace(" 200 open", " open", StringComparison.Ordinal);
        return (Date().Replace(received.ToString(), "Date: …"), $"{spelled} {(ended ? "closed" : string.Empty)}".Trim());
    }

    /// <summary>What HTTP/2 answers to a case, in the spelling of the tables.</summary>
    internal async Task<string> Http2Async(RawCase one, Way way)
    {
        using var client = await ConnectAsync(Http2, way);
        await SendAsync(client, way, one.Bytes, cut: 0, one.End == CaseEnd.Probe ? Http2Frame.Ping(Http2Transcript.Probe) : []);
        var transcript = new Http2Transcript();
        if (await ReceiveAsync(client, one, transcript.Add, transcript.ToString))
        {
            transcript.Close();
        }

        return transcript.ToString();
    }

    /// <summary>What a WebSocket answers to a case, in the spelling of the tables.</summary>
    internal async Task<string> WebSocketAsync(RawCase one, Way way)
    {
        using var client = await ConnectAsync(Http1, way);
        await client.SendAsync(Encoding.ASCII.GetBytes(HandshakeCases.Good));
        byte[] answer = new byte[1];
        var head = new StringBuilder();
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            Assert.Equal(1, await client.ReceiveAsync(answer, WebFarm.Patience()));
            head.Append((char)answer[0]);
        }

        await SendAsync(client, way, one.Bytes, cut: one.Bytes.Length / 2, one.End == CaseEnd.Probe ? s_ping : []);
        var transcript = new WebSocketTranscript();
        if (await ReceiveAsync(client, one, transcript.Add, transcript.ToString))
        {
            transcript.Close();
        }

        return transcript.ToString();
    }

    public async ValueTask InitializeAsync()
    {
        if (KernelNetwork.IsRoot)
        {
            _farm = await WebFarm.StartAsync(
                2,
                (app, _) => RawApplication.Map(app),
                kestrel: options =>
                {
                    options.Listen(new BatonEndPoint("h2"), listen => listen.Protocols = HttpProtocols.Http2);
                    options.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http1);
                    options.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2);
                });
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_farm is not null)
        {
            await _farm.DisposeAsync();
        }

        Assert.True(_moved >= _asked / 2, $"of {_asked} connections that were to move {_moved} did");
    }

    private async Task<Socket> ConnectAsync(int port, Way way)
    {
        if (way != Way.Sockets)
        {
            return (await _farm!.ConnectAsync(port)).Socket;
        }

        var addresses = _farm!.Nodes[0].Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
        int[] ports = [.. addresses.Where(address => address.Contains("127.0.0.1", StringComparison.Ordinal)).Select(address => new Uri(address).Port)];
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, ports[port - Http1], WebFarm.Patience());
        return socket;
    }

    /// <summary>Sends a case's bytes and what follows them, in one piece unless the connection moves amid them.</summary>
    private async Task SendAsync(Socket client, Way way, byte[] bytes, int cut, byte[] probe)
    {
        try
        {
            if (way == Way.Handoff)
            {
                await client.SendAsync(bytes.AsMemory(0, cut));
                await MoveAsync((IPEndPoint)client.LocalEndPoint!, (IPEndPoint)client.RemoteEndPoint!);
                bytes = bytes[cut..];
            }

            await client.SendAsync((byte[])[.. bytes, .. probe], WebFarm.Patience());
        }
        catch (SocketException)
        {
            // It was reset meanwhile: what had come before is still there to be received.
        }
    }

    private async Task MoveAsync(IPEndPoint from, IPEndPoint to)
    {
        var engine = _farm!.EngineOf(1);
        var endpoint = (await engine.EndpointsAsync()).SingleOrDefault(e =>
            e.Flow.Tuple.RemotePort == from.Port && e.Flow.Tuple.LocalPort == to.Port);
        if (endpoint is null)
        {
            return;
        }

        try
        {
            // In the middle of a message it waits for that to end.
            _asked++;
            var move = engine.MoveAsync(endpoint.Id, "n2", WebFarm.Patience()).AsTask();
            if (await Task.WhenAny(move, Task.Delay(50)) == move && (await move).Moved)
            {
                _moved++;
            }
        }
        catch (BatonException)
        {
        }
    }

    /// <summary>Receives until all is there that is expected, or the connection ends.</summary>
    /// <returns>Whether it has ended.</returns>
    private static async Task<bool> ReceiveAsync(Socket client, RawCase one, Action<byte[]> add, Func<string> spell)
    {
        byte[] buffer = new byte[16_384];
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        try
        {
            // Kestrel writes nothing more once the client has closed its direction: what can come before comes first.
            string before = one.IsCertain ? one.Expected.Replace("closed", string.Empty, StringComparison.Ordinal).Trim() : string.Empty;
            bool closes = one.End == CaseEnd.Fin;
            while (!IsOpen(spell(), one.Expected))
            {
                if (closes && spell() == before)
                {
                    client.Shutdown(SocketShutdown.Send);
                    closes = false;
                }

                int length = await client.ReceiveAsync(buffer, patience.Token);
                if (length == 0)
                {
                    return true;
                }

                add(buffer[..length]);
            }
        }
        catch (SocketException)
        {
            return true;
        }
        catch (OperationCanceledException)
        {
            // What there is will not be what is expected.
        }

        return false;
    }

    // Streams of HTTP/2 may answer behind the PING's acknowledgment.
    private static bool IsOpen(string spelled, string expected) =>
        spelled.EndsWith("open", StringComparison.Ordinal) && (!expected.EndsWith("open", StringComparison.Ordinal) || spelled.Length >= expected.Length);

    [GeneratedRegex(@"HTTP/1\.1 (\d{3})|\[[^\]]*\]")]
    private static partial Regex Http11Words();

    [GeneratedRegex("Date: [^\r]*")]
    private static partial Regex Date();
}
