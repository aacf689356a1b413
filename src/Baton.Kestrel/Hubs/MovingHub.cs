using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.WebSockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Baton.Kestrel.Hubs;

/// <summary>A hub whose WebSockets move: the endpoint's metadata, and what stands before SignalR in it.</summary>
internal sealed class MovingHub(RequestDelegate next)
{
    /// <summary>The connection's token from the negotiation, which one node alone has made.</summary>
    private const string Token = "id";

    private WebSocketMiddleware? _sockets;

    public Task InvokeAsync(HttpContext context)
    {
        // SignalR's own would find the WebSocket accepted by it, behind which nothing of ours could stand.
        var sockets = _sockets ??= new WebSocketMiddleware(
            ServeAsync,
            context.RequestServices.GetRequiredService<IOptions<WebSocketOptions>>(),
            context.RequestServices.GetRequiredService<ILoggerFactory>());
        return sockets.Invoke(context);
    }

    private Task ServeAsync(HttpContext context)
    {
        if (context.Features.Get<IHttpWebSocketFeature>() is { IsWebSocketRequest: true } feature)
        {
            // Without a token SignalR begins a connection, wherever the negotiation has been.
            context.Request.QueryString = QueryString.Create(
                context.Request.Query.Where(pair => !string.Equals(pair.Key, Token, StringComparison.OrdinalIgnoreCase)));
            if (context.Features.Get<IHandoffFeature>() is HandoffExchange exchange)
            {
                var calls = exchange.TrackCalls();
                context.Features.Set(calls);
                context.Features.Set<IHttpWebSocketFeature>(new Sockets(feature, exchange, calls));
            }
        }

        return next(context);
    }

    private sealed class Sockets(IHttpWebSocketFeature inner, HandoffExchange exchange, HubCalls calls) : IHttpWebSocketFeature
    {
        public bool IsWebSocketRequest => inner.IsWebSocketRequest;

        public async Task<System.Net.WebSockets.WebSocket> AcceptAsync(WebSocketAcceptContext context) =>
            new HubSocket(await inner.AcceptAsync(context), exchange, calls);
    }
}
