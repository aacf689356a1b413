using System.Globalization;
using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Baton.Kestrel.Tests.RawBytes;

/// <summary>The application of the raw cases: it says what it was asked.</summary>
internal static class RawApplication
{
    /// <summary>The path that a client of HTTP/1.1 asks for to see whether the connection is open.</summary>
    public const string Probe = "/probe";

    public static void Map(WebApplication app)
    {
        app.UseWebSockets();
        app.Run(AnswerAsync);
    }

    private static async Task AnswerAsync(HttpContext context)
    {
        var response = context.Response;
        switch (context.Request.Path.Value)
        {
            case Probe:
                await SayAsync(response, "[probe]");
                break;
            case "/unread":
                await SayAsync(response, "[unread]");
                break;
            case "/fail":
                throw new InvalidOperationException("as it was asked to");
            case "/nothing":
                response.StatusCode = StatusCodes.Status204NoContent;
                break;
            case "/chunks":
                await response.WriteAsync("[one]");
                await response.Body.FlushAsync();
                await response.WriteAsync("[two]");
                break;
            case "/trailers":
                await response.WriteAsync("body");
                response.AppendTrailer("a", "b");
                break;
            case "/wait":
                await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
                break;
            case var _ when HttpMethods.IsConnect(context.Request.Method):
                response.StatusCode = StatusCodes.Status501NotImplemented;
                await SayAsync(response, "[CONNECT]");
                break;
            case "/ws" when context.WebSockets.IsWebSocketRequest:
                await EchoAsync(await context.WebSockets.AcceptWebSocketAsync());
                break;
            case "/ws":
                await SayAsync(response, "[no upgrade]");
                break;
            default:
                await SayWhatWasAskedAsync(context);
                break;
        }
    }

    private static async Task SayWhatWasAskedAsync(HttpContext context)
    {
        var request = context.Request;
        var body = new MemoryStream();
        await request.Body.CopyToAsync(body);
        string path = request.Path.Value + request.QueryString.Value;
        string text = body.Length > 40 ? body.Length.ToString(CultureInfo.InvariantCulture) : Encoding.Latin1.GetString(body.ToArray());
        string trailers = request.CheckTrailersAvailable() ? string.Concat(request.HttpContext.Features
            .Get<Microsoft.AspNetCore.Http.Features.IHttpRequestTrailersFeature>()!.Trailers.Select(field => $" {field.Key}={field.Value}")) : string.Empty;
        if (HttpProtocol.IsHttp2(request.Protocol))
        {
            await SayAsync(context.Response, $"{request.Method} {path}{(text.Length > 0 ? " " : string.Empty)}{text}{trailers}");
        }
        else
        {
            await SayAsync(context.Response, $"[{request.Method} {(path.Length > 40 ? $"({path.Length})" : path)} '{text}'{trailers}]");
        }
    }

    private static async Task SayAsync(HttpResponse response, string text)
    {
        response.ContentLength = text.Length;
        await response.Body.WriteAsync(Encoding.Latin1.GetBytes(text));
    }

    private static async Task EchoAsync(WebSocket socket)
    {
        byte[] buffer = new byte[128 * 1024];
        while (true)
        {
            int length = 0;
            ValueWebSocketReceiveResult part;
            do
            {
                part = await socket.ReceiveAsync(buffer.AsMemory(length), default);
                length += part.Count;
            }
            while (!part.EndOfMessage);

            if (part.MessageType == WebSocketMessageType.Close)
            {
                await socket.CloseAsync(socket.CloseStatus ?? WebSocketCloseStatus.Empty, null, default);
                return;
            }

            await socket.SendAsync(buffer.AsMemory(0, length), part.MessageType, endOfMessage: true, default);
        }
    }
}
