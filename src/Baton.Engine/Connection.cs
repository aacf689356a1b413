using System.IO.Pipelines;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>
/// An application's side of one TCP connection. One receive and one send may be outstanding at a time. Not thread-safe
/// beyond that, like a socket.
/// </summary>
public sealed partial class Connection : IAsyncDisposable
{
    /// <summary>The endpoint at this node.</summary>
    public EndpointId Id => throw new NotSupportedException();

    /// <summary>Protocol and four-tuple.</summary>
    public Flow Flow => throw new NotSupportedException();

    /// <summary>The service the client uses, or null for a connection made by <see cref="BatonEngine.ConnectAsync"/>.</summary>
    public string? Service => throw new NotSupportedException();

    /// <summary>The application's name.</summary>
    public string Application => throw new NotSupportedException();

    /// <summary>Whether another application had this endpoint before: it was handed over, or detached and attached.</summary>
    public bool HandedOver => throw new NotSupportedException();

    /// <summary>The node it came from, or null when it began here.</summary>
    public string? HandedOverFrom => throw new NotSupportedException();

    /// <summary>What the previous application gave; empty without one.</summary>
    public ReadOnlyMemory<byte> Context => throw new NotSupportedException();

    /// <summary>Cancelled when an operator, a drain or the placement rule wants the endpoint to move.</summary>
    public CancellationToken MoveRequested => throw new NotSupportedException();

    /// <summary>What was asked for, once <see cref="MoveRequested"/> is cancelled.</summary>
    public MoveRequest? RequestedMove => throw new NotSupportedException();

    /// <summary>Cancelled when the connection has ended or the endpoint has left this application.</summary>
    public CancellationToken Closed => throw new NotSupportedException();

    /// <summary>Receives what is there, at least one byte; 0 when the client has closed its direction.</summary>
    /// <exception cref="OperationCanceledException">Cancelled: nothing was consumed.</exception>
    /// <exception cref="EndpointLeftException">The endpoint moved or was detached: nothing was consumed.</exception>
    /// <exception cref="ConnectionClosedException">The connection was reset or timed out.</exception>
    public ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>
    /// Like <see cref="ReceiveAsync"/>, but the bytes stay where they are. Waits until at least
    /// <paramref name="minimum"/> bytes are there or the client has closed its direction.
    /// </summary>
    public ValueTask<int> PeekAsync(Memory<byte> buffer, int minimum = 1, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>Takes <paramref name="count"/> bytes that were seen by <see cref="PeekAsync"/> off the stream.</summary>
    public ValueTask AdvanceAsync(int count, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>Sends what fits, at least one byte, and says how many.</summary>
    /// <exception cref="OperationCanceledException">Cancelled: nothing was sent.</exception>
    /// <exception cref="EndpointLeftException">The endpoint moved or was detached: nothing was sent.</exception>
    /// <exception cref="ConnectionClosedException">The connection was reset or timed out.</exception>
    public ValueTask<int> SendAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>Sends all of <paramref name="buffer"/>.</summary>
    public ValueTask SendAllAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>Closes the sending direction after all that was sent.</summary>
    public ValueTask ShutdownAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>Ends the connection at once, with a reset.</summary>
    public void Abort() => throw new NotSupportedException();

    /// <summary>
    /// Hands the endpoint to another node (or, without a target, to one by policy). Unread and unacknowledged bytes go
    /// with it. Completes when the endpoint has left.
    /// </summary>
    /// <exception cref="HandOffRejectedException">It did not; this connection is usable again.</exception>
    public ValueTask<MoveResult> HandOffAsync(string? target, ReadOnlyMemory<byte> context = default, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <inheritdoc cref="HandOffAsync(string?, ReadOnlyMemory{byte}, CancellationToken)"/>
    public ValueTask<MoveResult> HandOffAsync(HandOffRequest request, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>
    /// Leaves the endpoint: the connection stays open, without an application, its window closing as its buffers fill,
    /// until somebody attaches or the time is over.
    /// </summary>
    /// <param name="context">For whoever attaches next.</param>
    /// <param name="unread">Bytes taken but not used: whoever attaches next reads them first.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    public ValueTask<EndpointId> DetachAsync(ReadOnlyMemory<byte> context = default, ReadOnlyMemory<byte> unread = default, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>The endpoint as of now.</summary>
    public ValueTask<EndpointDescription> DescribeAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>The connection as a stream; disposing it disposes the connection.</summary>
    public Stream AsStream() => throw new NotSupportedException();

    /// <summary>The connection as a duplex pipe. Bytes in the pipe have been taken: give what is not used back by <see cref="HandOffRequest.Unread"/>.</summary>
    public IDuplexPipe AsPipe() => throw new NotSupportedException();

    /// <summary>Closes both directions in order (FIN). Does nothing once the endpoint has left.</summary>
    public ValueTask DisposeAsync() => throw new NotSupportedException();
}
