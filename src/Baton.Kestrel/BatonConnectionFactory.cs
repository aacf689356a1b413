using System.Net;
using Baton.Engine;
using Baton.Hosting;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Baton.Kestrel;

/// <summary>Connections to elsewhere over the node's own stack.</summary>
internal sealed class BatonConnectionFactory(
    BatonNode node, IOptions<BatonTransportOptions> options, IMemoryPoolFactory<byte> pools, ILogger<BatonConnectionFactory> logger)
    : IConnectionFactory
{
    private static readonly BatonTransportOptions s_stays = new() { MoveConnections = false };
    private readonly TransportPipes _pipes = new(options.Value, options.Value.MemoryPoolFactory?.Invoke() ?? pools.Create());

    /// <inheritdoc/>
    /// <exception cref="NotSupportedException">The address is none of IP.</exception>
    public async ValueTask<ConnectionContext> ConnectAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var remote = endpoint as IPEndPoint ?? throw new NotSupportedException($"Only an IPEndPoint can be connected to, not {endpoint}.");
        var connections = options.Value.Connections ?? new ConnectionOptions();
        var connect = new ConnectOptions { Connection = connections with { NoDelay = connections.NoDelay ?? options.Value.NoDelay } };
        var connection = await node.Engine.ConnectAsync(remote, options.Value.Application, connect, cancellationToken);
        return new BatonConnection(
            connection, default, CarriedConnection.None, s_stays, _pipes, new Client(), logger);
    }

    /// <summary>The caller keeps it; it never moves.</summary>
    private sealed class Client : IConnectionOwner
    {
        public ContextSeal Seal => throw new NotSupportedException("The connection does not move.");

        public void Forget(BatonConnection connection)
        {
        }

        public void Readmit(Connection connection, ReadOnlyMemory<byte> unread, CarriedConnection carried) => connection.Abort();
    }
}
