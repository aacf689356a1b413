using Baton.Hosting;
using Baton.Kestrel;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.AspNetCore.Hosting;

/// <summary>Content placement: what a client says first decides which node serves its connection.</summary>
public static class ListenOptionsBatonPlacementExtensions
{
    /// <summary>
    /// Gives each new connection of the listener to the node that <paramref name="place"/> names by what the client says
    /// first, before Kestrel sees any of it. A connection whose node cannot take it is served here. Before
    /// <c>UseBatonTls</c> it sees the TLS handshake, which then happens at the node named; behind it the first request.
    /// </summary>
    /// <param name="listen">The listener. Connections that do not come over the farm are served here.</param>
    /// <param name="place">Names the node; null means this one. It may be called on several threads, and is not to wait.</param>
    public static ListenOptions UseBatonPlacement(this ListenOptions listen, Func<ClientOpening, string?> place)
    {
        ArgumentNullException.ThrowIfNull(listen);
        ArgumentNullException.ThrowIfNull(place);
        var node = new Lazy<BatonNode>(listen.ApplicationServices.GetRequiredService<BatonNode>);
        listen.Use(next => new PlacementMiddleware(next, place, () => node.Value.Engine.Self.Name).OnConnectionAsync);
        return listen;
    }
}
