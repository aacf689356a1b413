using System.Buffers;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>An application's side of one UDP endpoint: the datagrams of one flow.</summary>
public sealed class DatagramConnection : IAsyncDisposable
{
    private readonly AsyncEndpoint _endpoint;
    private int _disposed;

    internal DatagramConnection(AsyncEndpoint endpoint) => _endpoint = endpoint;

    /// <summary>The endpoint at this node.</summary>
    public EndpointId Id => _endpoint.Facts.Id;

    /// <summary>Protocol and four-tuple.</summary>
    public Flow Flow => _endpoint.Facts.Flow;

    /// <summary>The service the client uses.</summary>
    public string? Service => _endpoint.Facts.Service;

    /// <summary>The application's name.</summary>
    public string Application => _endpoint.Facts.Application;

    /// <inheritdoc cref="Connection.HandedOver"/>
    public bool HandedOver => _endpoint.Facts.HandedOver;

    /// <inheritdoc cref="Connection.HandedOverFrom"/>
    public string? HandedOverFrom => _endpoint.Facts.HandedOverFrom;

    /// <inheritdoc cref="Connection.Context"/>
    public ReadOnlyMemory<byte> Context => _endpoint.Facts.Context;

    /// <inheritdoc cref="Connection.MoveRequested"/>
    public CancellationToken MoveRequested => _endpoint.MoveRequested;

    /// <inheritdoc cref="Connection.RequestedMove"/>
    public MoveRequest? RequestedMove => _endpoint.RequestedMove;

    /// <inheritdoc cref="Connection.Closed"/>
    public CancellationToken Closed => _endpoint.Closed;

    /// <summary>Receives one datagram and gives its length; what does not fit is cut off.</summary>
    /// <exception cref="OperationCanceledException">Cancelled: nothing was consumed.</exception>
    /// <exception cref="EndpointLeftException">The endpoint moved or was detached: nothing was consumed.</exception>
    /// <exception cref="ConnectionClosedException">The endpoint was idle for too long.</exception>
    public ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        _endpoint.Receive.ReceiveAsync(buffer, minimum: 1, peek: false, cancellationToken);

    /// <summary>Sends one datagram.</summary>
    public async ValueTask SendAsync(ReadOnlyMemory<byte> datagram, CancellationToken cancellationToken = default) =>
        await _endpoint.Send.SendAsync(new ReadOnlySequence<byte>(datagram), cancellationToken).ConfigureAwait(false);

    /// <inheritdoc cref="Connection.HandOffAsync(string?, ReadOnlyMemory{byte}, CancellationToken)"/>
    public ValueTask<MoveResult> HandOffAsync(
        string? target, ReadOnlyMemory<byte> context = default, CancellationToken cancellationToken = default) =>
        HandOffAsync(new HandOffRequest { Target = target, Context = context }, cancellationToken);

    /// <inheritdoc cref="Connection.HandOffAsync(HandOffRequest, CancellationToken)"/>
    public ValueTask<MoveResult> HandOffAsync(HandOffRequest request, CancellationToken cancellationToken = default) =>
        _endpoint.HandOffAsync(request, cancellationToken);

    /// <summary>Leaves the endpoint: it stays, without an application, until somebody attaches or the time is over.</summary>
    /// <param name="context">For whoever attaches next.</param>
    public async ValueTask<EndpointId> DetachAsync(ReadOnlyMemory<byte> context = default)
    {
        await _endpoint.Call(attachment => attachment.Detach(context)).ConfigureAwait(false);
        return Id;
    }

    /// <summary>The endpoint as of now.</summary>
    public ValueTask<EndpointDescription> DescribeAsync() => new(_endpoint.DescribeAsync());

    /// <summary>Ends the endpoint.</summary>
    public ValueTask DisposeAsync() => Interlocked.Exchange(ref _disposed, 1) == 0
        ? new(_endpoint.CallIfHere(static attachment => attachment.Close()))
        : default;
}
