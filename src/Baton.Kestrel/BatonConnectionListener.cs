using System.Collections.Concurrent;
using System.Net;
using System.Threading.Channels;
using Baton.Engine;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace Baton.Kestrel;

/// <summary>Connections of a service for Kestrel: new ones, those handed over, and those that were to leave and stay.</summary>
internal sealed class BatonConnectionListener : IConnectionListener, IConnectionOwner
{
    private readonly Listener _listener;
    private readonly BatonTransportOptions _options;
    private readonly TransportPipes _pipes;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _unbound = new();
    private readonly Task _accepting;

    // Kestrel refers to connections weakly; here they are kept alive.
    private readonly ConcurrentDictionary<BatonConnection, bool> _connections = new();
    private readonly Channel<BatonConnection> _accepted = Channel.CreateBounded<BatonConnection>(
        new BoundedChannelOptions(1) { SingleReader = true, AllowSynchronousContinuations = true });

    public BatonConnectionListener(Listener listener, BatonTransportOptions options, TransportPipes pipes, ContextSeal seal, ILogger logger)
    {
        Seal = seal;
        _listener = listener;
        _options = options;
        _pipes = pipes;
        _logger = logger;
        _accepting = AcceptAllAsync();
    }

    /// <inheritdoc/>
    public EndPoint EndPoint => _listener.EndPoint;

    /// <inheritdoc/>
    public ContextSeal Seal { get; }

    /// <summary>Connections that Kestrel has, or that are leaving.</summary>
    public int Connections => _connections.Count;

    /// <inheritdoc/>
    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            return await _accepted.Reader.ReadAsync(cancellationToken);
        }
        catch (ChannelClosedException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        await _unbound.CancelAsync();
        await _accepting;
        await _listener.DisposeAsync();
        _accepted.Writer.TryComplete();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await UnbindAsync();
        while (_accepted.Reader.TryRead(out var connection))
        {
            await connection.DisposeAsync();
        }
    }

    /// <inheritdoc/>
    public void Forget(BatonConnection connection) => _connections.TryRemove(connection, out _);

    /// <inheritdoc/>
    public void Readmit(Connection connection, ReadOnlyMemory<byte> unread, CarriedConnection carried) =>
        _ = AdmitAsync(connection, unread, carried);

    private async Task AcceptAllAsync()
    {
        try
        {
            while (true)
            {
                var connection = await _listener.AcceptAsync(_unbound.Token);
                if (!CarriedConnection.TryDecode(connection.Context, Seal, connection.Flow, out var carried))
                {
                    KestrelLog.CannotGoOn(_logger, connection.Id.ToString(), "what the last node left is not understood here");
                    connection.Abort();
                    continue;
                }

                await AdmitAsync(connection, default, carried);
            }
        }
        catch (Exception ended) when (ended is OperationCanceledException or ObjectDisposedException)
        {
        }
    }

    private async Task AdmitAsync(Connection connection, ReadOnlyMemory<byte> first, CarriedConnection carried)
    {
        var transport = new BatonConnection(connection, first, carried, _options, _pipes, this, _logger);
        _connections.TryAdd(transport, true);
        try
        {
            await _accepted.Writer.WriteAsync(transport, _unbound.Token);
        }
        catch (Exception ended) when (ended is OperationCanceledException or ChannelClosedException)
        {
            // Nobody serves it any more.
            await transport.DisposeAsync();
        }
    }
}
