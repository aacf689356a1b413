using Baton.Kestrel.Hubs;
using Microsoft.AspNetCore.Http.Connections;

namespace Microsoft.AspNetCore.Builder;

/// <summary>SignalR hubs whose connections move.</summary>
public static class HubEndpointBatonExtensions
{
    /// <summary>
    /// Lets the hub's WebSockets move to other nodes between calls. For the hub a connection that moves ends
    /// (<c>OnDisconnectedAsync</c>) and another begins at the next node (<c>OnConnectedAsync</c>): its id, groups and items are
    /// new. The client notices nothing. What is to be kept, a hub leaves and finds as the state of
    /// <see cref="Baton.Kestrel.IHandoffFeature"/>, among the features of <c>Context.GetHttpContext()</c>.
    /// </summary>
    /// <remarks>
    /// For clients of the JSON protocol; those of others, and long polling and server-sent events, stay. A connection moves when
    /// no call and no stream is under way in either direction. The negotiation's token is not looked at when a WebSocket
    /// comes, so that any node serves it; the client's <c>connectionId</c> is then not the server's.
    /// </remarks>
    public static HubEndpointConventionBuilder WithHandoff(this HubEndpointConventionBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Add(static endpoint =>
        {
            if (endpoint.RequestDelegate is { } inner && !endpoint.Metadata.OfType<NegotiateMetadata>().Any())
            {
                var hub = new MovingHub(inner);
                endpoint.Metadata.Add(hub);
                endpoint.RequestDelegate = hub.InvokeAsync;
            }
        });
        return builder;
    }
}
