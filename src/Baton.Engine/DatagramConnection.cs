using Baton.Wire;

namespace Baton.Engine;

/// <summary>An application's side of one UDP endpoint: the datagrams of one flow.</summary>
public sealed partial class DatagramConnection : IAsyncDisposable
{
    /// <summary>The endpoint at this node.</summary>
    public EndpointId Id => throw new NotSupportedException();

    /// <summary>Protocol and four-tuple.</summary>
    public Flow Flow => throw new NotSupportedException();

    /// <summary>The service the client uses.</summary>
    public string? Service => throw new NotSupportedException();

    /// <summary>The application's name.</summary>
    public string Application => throw new NotSupportedException();

    /// <inheritdoc cref="Connection.HandedOver"/>
    public bool HandedOver => throw new NotSupportedException();

    /// <inheritdoc cref="Connection.HandedOverFrom"/>
    public string? HandedOverFrom => throw new NotSupportedException();

    /// <inheritdoc cref="Connection.Context"/>
    public ReadOnlyMemory<byte> Context => throw new NotSupportedException();

    /// <inheritdoc cref="Connection.MoveRequested"/>
    public CancellationToken MoveRequested => throw new NotSupportedException();

    /// <inheritdoc cref="Connection.RequestedMove"/>
    public MoveRequest? RequestedMove => throw new NotSupportedException();

    /// <inheritdoc cref="Connection.Closed"/>
    public CancellationToken Closed => throw new NotSupportedException();

    /// <summary>Receives one datagram and gives its length; what does not fit is cut off.</summary>
    /// <exception cref="OperationCanceledException">Cancelled: nothing was consumed.</exception>
    /// <exception cref="EndpointLeftException">The endpoint moved or was detached: nothing was consumed.</exception>
    /// <exception cref="ConnectionClosedException">The endpoint was idle for too long.</exception>
    public ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>Sends one datagram.</summary>
    public ValueTask SendAsync(ReadOnlyMemory<byte> datagram, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <inheritdoc cref="Connection.HandOffAsync(string?, ReadOnlyMemory{byte}, CancellationToken)"/>
    public ValueTask<MoveResult> HandOffAsync(string? target, ReadOnlyMemory<byte> context = default, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <inheritdoc cref="Connection.HandOffAsync(HandOffRequest, CancellationToken)"/>
    public ValueTask<MoveResult> HandOffAsync(HandOffRequest request, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <inheritdoc cref="Connection.DetachAsync"/>
    public ValueTask<EndpointId> DetachAsync(ReadOnlyMemory<byte> context = default, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>The endpoint as of now.</summary>
    public ValueTask<EndpointDescription> DescribeAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>Ends the endpoint.</summary>
    public ValueTask DisposeAsync() => throw new NotSupportedException();
}
