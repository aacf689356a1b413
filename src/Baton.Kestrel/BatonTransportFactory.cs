using System.Net;
using Baton.Engine;
using Baton.Hosting;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Baton.Kestrel;

/// <summary>Binds Kestrel to services of the farm. Other addresses are left to Kestrel's other transports.</summary>
internal sealed class BatonTransportFactory(
    BatonNode node, IOptions<BatonTransportOptions> options, IOptions<BatonOptions> farm, IMemoryPoolFactory<byte> pools, ILoggerFactory loggers)
    : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    /// <inheritdoc/>
    public bool CanBind(EndPoint endpoint) => endpoint is BatonEndPoint;

    /// <inheritdoc/>
    /// <exception cref="AddressInUseException">The application is bound to the service already.</exception>
    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var transport = options.Value;
        var listener = await node.Engine.BindAsync(
            (BatonEndPoint)endpoint,
            transport.Application,
            new ListenerOptions
            {
                Backlog = transport.Backlog,
                NoDelay = transport.NoDelay,
                Connections = transport.Connections,
                Accepting = ContinuationScheduling.Inline,
            },
            cancellationToken);
        var pipes = new TransportPipes(transport, transport.MemoryPoolFactory?.Invoke() ?? pools.Create());
        return new BatonConnectionListener(listener, transport, pipes, new ContextSeal(farm.Value.Secret), loggers.CreateLogger<BatonConnectionListener>());
    }
}
