using System.Buffers;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>Datagrams that were received together.</summary>
/// <param name="Length">Bytes of all of them.</param>
/// <param name="DatagramLength">Bytes of each but the last, which has what is left.</param>
public readonly record struct DatagramBatch(int Length, int DatagramLength);

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

    /// <summary>
    /// Receives the oldest datagram and those of its length that wait behind it, one after the other: as many as fit, the last
    /// perhaps shorter. For flows of many datagrams, of which several come at once (as UDP_GRO).
    /// </summary>
    /// <inheritdoc cref="ReceiveAsync" path="/exception"/>
    public async ValueTask<DatagramBatch> ReceiveBatchAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int length = await _endpoint.Receive.ReceiveBatchAsync(buffer, cancellationToken).ConfigureAwait(false);
        return new(length, _endpoint.Receive.DatagramLength);
    }

    /// <summary>
    /// Sends datagrams of <paramref name="datagramLength"/> bytes that stand one after the other, the last of what is left. To the
    /// network each is as if sent by itself, but they cross stack and link as one where the link cuts them (as UDP_SEGMENT).
    /// </summary>
    /// <param name="datagrams">At most 65,507 bytes.</param>
    /// <param name="datagramLength">Above zero.</param>
    /// <param name="cancellationToken">Cancels it: nothing was sent.</param>
    public async ValueTask SendBatchAsync(ReadOnlyMemory<byte> datagrams, int datagramLength, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(datagramLength);
        await _endpoint.Send.SendAsync(new ReadOnlySequence<byte>(datagrams), cancellationToken, datagramLength).ConfigureAwait(false);
    }

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
