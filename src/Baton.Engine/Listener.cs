namespace Baton.Engine;

/// <summary>How an application listens.</summary>
public sealed record ListenerOptions
{
    /// <summary>Connections that wait to be accepted; beyond it endpoints stay unattached.</summary>
    public int Backlog { get; init; } = 1024;

    /// <summary>
    /// The application keeps nothing of its own between operations, so that the engine may move its endpoints by itself:
    /// outstanding operations then end with <see cref="EndpointLeftException"/>.
    /// </summary>
    public bool TransparentMoves { get; init; }

    /// <summary>
    /// Whether the application gets a connection only when the client has sent something or closed (TCP_DEFER_ACCEPT). Until then
    /// it is unattached, and goes after <see cref="EngineLimits.UnattachedTimeout"/>.
    /// </summary>
    public bool DeferAccept { get; init; }

    /// <summary>What the connections do otherwise than by default from the time on that the application has them; null for nothing.</summary>
    public ConnectionOptions? Connections { get; init; }

    /// <summary>
    /// Where whoever awaits <see cref="Listener.AcceptAsync"/> goes on: inline spares a handed-over connection a change of threads,
    /// and is only for one that never waits there for anything.
    /// </summary>
    public ContinuationScheduling Accepting { get; init; }

    /// <summary>Whether small writes go at once, although earlier ones are not acknowledged (no Nagle, RFC 1122 §4.2.3.4).</summary>
    public bool NoDelay { get; init; }
}

/// <summary>An application bound to a TCP service: it accepts the service's endpoints that are placed at or handed to this node.</summary>
public sealed class Listener : IAsyncDisposable
{
    private readonly AcceptQueue _queue;

    internal Listener(AcceptQueue queue) => _queue = queue;

    /// <summary>What it is bound to.</summary>
    public BatonEndPoint EndPoint => _queue.Binding.EndPoint;

    /// <summary>The application's name.</summary>
    public string Application => _queue.Binding.Application;

    /// <summary>The next connection.</summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The listener was disposed.</exception>
    public async ValueTask<Connection> AcceptAsync(CancellationToken cancellationToken = default) =>
        new(await _queue.AcceptAsync(cancellationToken).ConfigureAwait(false));

    /// <summary>Stops listening. Connections that nobody accepted become unattached; accepted ones stay.</summary>
    public ValueTask DisposeAsync() => _queue.DisposeAsync();
}

/// <summary>An application bound to a UDP service.</summary>
public sealed class DatagramListener : IAsyncDisposable
{
    private readonly AcceptQueue _queue;

    internal DatagramListener(AcceptQueue queue) => _queue = queue;

    /// <summary>What it is bound to.</summary>
    public BatonEndPoint EndPoint => _queue.Binding.EndPoint;

    /// <summary>The application's name.</summary>
    public string Application => _queue.Binding.Application;

    /// <summary>The next flow.</summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The listener was disposed.</exception>
    public async ValueTask<DatagramConnection> AcceptAsync(CancellationToken cancellationToken = default) =>
        new(await _queue.AcceptAsync(cancellationToken).ConfigureAwait(false));

    /// <summary>Stops listening. Flows that nobody accepted become unattached; accepted ones stay.</summary>
    public ValueTask DisposeAsync() => _queue.DisposeAsync();
}
