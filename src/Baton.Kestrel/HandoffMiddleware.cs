using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.SignalR;

namespace Baton.Kestrel;

/// <summary>Stands before the application's own middleware and tells the connection where its requests begin and end.</summary>
internal sealed class HandoffMiddleware(RequestDelegate next)
{
    private static readonly TimeSpan s_drainLimit = TimeSpan.FromSeconds(5);

    public Task InvokeAsync(HttpContext context)
    {
        if (context.Features.Get<BatonConnection>() is not { Input.Stage: not ConnectionStage.Opaque } connection)
        {
            return next(context);
        }

        return RunAsync(context, connection);
    }

    private async Task RunAsync(HttpContext context, BatonConnection connection)
    {
        var exchange = connection.Exchange;
        exchange.Begin(context);
        context.Features.Set<IHandoffFeature>(exchange);
        connection.Input.BeginRequest();
        if (context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } upgrade)
        {
            context.Features.Set<IHttpUpgradeFeature>(new Upgrade(upgrade, exchange));
        }

        try
        {
            await next(context);
        }
        finally
        {
            exchange.OnHandlerEnded();
        }

        if (IsTransportOfHub(context))
        {
            connection.Input.BeginOpaque();
        }
        else if (await ReadToEndAsync(context))
        {
            connection.Input.EndRequest();
        }
    }

    /// <summary>
    /// Whether the request belongs to a hub's connection that one node knows by its token: long polling, server-sent events
    /// and what a client sends beside them. Others follow on the same connection.
    /// </summary>
    private static bool IsTransportOfHub(HttpContext context) =>
        context.GetEndpoint()?.Metadata is { } metadata && metadata.GetMetadata<HubMetadata>() is not null
        && metadata.GetMetadata<NegotiateMetadata>() is null && !context.Response.Headers.Upgrade.Contains("websocket");

    /// <summary>Reads what the application left of the request's body, as Kestrel would: the next request is behind it.</summary>
    /// <returns>Whether the body is read to its end. If not, Kestrel closes the connection.</returns>
    private static async Task<bool> ReadToEndAsync(HttpContext context)
    {
        if (context.Features.Get<IHttpRequestBodyDetectionFeature>() is not { CanHaveBody: true })
        {
            return true;
        }

        // Reading would ask the client for a body that it has not sent yet (RFC 9110 §10.1.1).
        if (context.Request.Headers.Expect.Count > 0)
        {
            return false;
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        limit.CancelAfter(s_drainLimit);
        try
        {
            await context.Request.Body.CopyToAsync(Stream.Null, limit.Token);
            return true;
        }
        catch (Exception failure) when (failure is IOException or OperationCanceledException or InvalidOperationException)
        {
            return false;
        }
    }

    private sealed class Upgrade(IHttpUpgradeFeature inner, HandoffExchange exchange) : IHttpUpgradeFeature
    {
        public bool IsUpgradableRequest => inner.IsUpgradableRequest;

        public Task<Stream> UpgradeAsync()
        {
            exchange.OnUpgrade();
            return inner.UpgradeAsync();
        }
    }
}

/// <summary>Puts <see cref="HandoffMiddleware"/> before everything else.</summary>
internal sealed class HandoffStartupFilter : IStartupFilter
{
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.UseMiddleware<HandoffMiddleware>();
        next(app);
    };
}
