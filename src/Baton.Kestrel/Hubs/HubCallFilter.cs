using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.SignalR;

namespace Baton.Kestrel.Hubs;

/// <summary>Tells a connection that may move what its hub does.</summary>
internal sealed class HubCallFilter : IHubFilter
{
    public Task OnConnectedAsync(HubLifetimeContext context, Func<HubLifetimeContext, Task> next)
    {
        // What was read until now is the handshake; the hub asks for its input when this is over.
        if (CallsOf(context.Context) is { } calls && context.Context.Features.Get<IConnectionTransportFeature>() is { } transport)
        {
            transport.Transport = new Watched(new HubInput(transport.Transport.Input, calls.OnConsumed), transport.Transport.Output);
        }

        return next(context);
    }

    public async ValueTask<object?> InvokeMethodAsync(HubInvocationContext invocationContext, Func<HubInvocationContext, ValueTask<object?>> next)
    {
        if (CallsOf(invocationContext.Context) is not { } calls)
        {
            return await next(invocationContext);
        }

        calls.BeginMethod();
        try
        {
            return await next(invocationContext);
        }
        finally
        {
            calls.EndMethod();
        }
    }

    private static HubCalls? CallsOf(HubCallerContext context) => context.GetHttpContext()?.Features.Get<HubCalls>();

    private sealed class Watched(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input => input;

        public PipeWriter Output => output;
    }
}
