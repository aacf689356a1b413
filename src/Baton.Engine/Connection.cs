using System.Buffers;
using System.IO.Pipelines;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>
/// An application's side of one TCP connection. One receive, one look and one send may be outstanding at a time.
/// </summary>
public sealed class Connection : IAsyncDisposable
{
    private readonly AsyncEndpoint _endpoint;
    private int _disposed;

    internal Connection(AsyncEndpoint endpoint) => _endpoint = endpoint;

    /// <summary>The endpoint at this node.</summary>
    public EndpointId Id => _endpoint.Facts.Id;

    /// <summary>Protocol and four-tuple.</summary>
    public Flow Flow => _endpoint.Facts.Flow;

    /// <summary>The service the client uses, or null for a connection made by <see cref="BatonEngine.ConnectAsync(System.Net.IPEndPoint, string, CancellationToken)"/>.</summary>
    public string? Service => _endpoint.Facts.Service;

    /// <summary>The application's name.</summary>
    public string Application => _endpoint.Facts.Application;

    /// <summary>Whether another application had this endpoint before: it was handed over, or detached and attached.</summary>
    public bool HandedOver => _endpoint.Facts.HandedOver;

    /// <summary>The node it came from, or null when it began here.</summary>
    public string? HandedOverFrom => _endpoint.Facts.HandedOverFrom;

    /// <summary>What the previous application gave; empty without one.</summary>
    public ReadOnlyMemory<byte> Context => _endpoint.Facts.Context;

    /// <summary>
    /// Cancelled when an operator, a drain or the placement rule wants the endpoint to move. After a handoff that did not
    /// succeed there is a new token.
    /// </summary>
    public CancellationToken MoveRequested => _endpoint.MoveRequested;

    /// <summary>What was asked for, once <see cref="MoveRequested"/> is cancelled.</summary>
    public MoveRequest? RequestedMove => _endpoint.RequestedMove;

    /// <summary>Cancelled when the connection has ended or the endpoint has left this application.</summary>
    public CancellationToken Closed => _endpoint.Closed;

    /// <summary>Cancelled when the client has closed its direction, whether or not all was received.</summary>
    public CancellationToken InputEnded => _endpoint.InputEnded;

    /// <summary>Whether the connection has ended or the endpoint has left this application.</summary>
    public bool HasLeft => _endpoint.HasLeft;

    /// <summary>Receives what is there, at least one byte; 0 when the client has closed its direction.</summary>
    /// <exception cref="OperationCanceledException">Cancelled: nothing was consumed.</exception>
    /// <exception cref="EndpointLeftException">The endpoint moved or was detached: nothing was consumed.</exception>
    /// <exception cref="ConnectionClosedException">The connection was reset or timed out.</exception>
    public ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        _endpoint.Receive.ReceiveAsync(buffer, minimum: buffer.IsEmpty ? 0 : 1, peek: false, cancellationToken);

    /// <summary>
    /// Like <see cref="ReceiveAsync"/>, but the bytes stay where they are. Waits until at least
    /// <paramref name="minimum"/> bytes are there (or the buffer can be filled), or the client has closed its direction.
    /// </summary>
    public ValueTask<int> PeekAsync(Memory<byte> buffer, int minimum = 1, CancellationToken cancellationToken = default) =>
        _endpoint.Peek.ReceiveAsync(buffer, Math.Min(minimum, buffer.Length), peek: true, cancellationToken);

    /// <summary>Takes <paramref name="count"/> bytes that were seen by <see cref="PeekAsync"/> off the stream.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer bytes.</exception>
    public ValueTask AdvanceAsync(int count) => new(_endpoint.Call(attachment => attachment.Advance(count)));

    /// <summary>Sends what fits, at least one byte, and says how many.</summary>
    /// <exception cref="OperationCanceledException">Cancelled: nothing was sent.</exception>
    /// <exception cref="EndpointLeftException">The endpoint moved or was detached: nothing was sent.</exception>
    /// <exception cref="ConnectionClosedException">The connection was reset or timed out.</exception>
    public ValueTask<int> SendAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        _endpoint.Send.SendAsync(new ReadOnlySequence<byte>(buffer), cancellationToken);

    /// <summary>Sends of several buffers what fits, at least one byte, and says how many.</summary>
    /// <inheritdoc cref="SendAsync(ReadOnlyMemory{byte}, CancellationToken)"/>
    public ValueTask<int> SendAsync(in ReadOnlySequence<byte> buffers, CancellationToken cancellationToken = default) =>
        _endpoint.Send.SendAsync(buffers, cancellationToken);

    /// <summary>Sends all of <paramref name="buffer"/>.</summary>
    [System.Runtime.CompilerServices.AsyncMethodBuilder(typeof(System.Runtime.CompilerServices.PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask SendAllAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (!buffer.IsEmpty)
        {
            buffer = buffer[await SendAsync(buffer, cancellationToken).ConfigureAwait(false)..];
        }
    }

    /// <summary>What the connection does: its options, none of them null.</summary>
    /// <exception cref="EndpointLeftException">The endpoint moved or was detached.</exception>
    /// <exception cref="ConnectionClosedException">The connection was reset or timed out.</exception>
    public async ValueTask<ConnectionOptions> GetOptionsAsync()
    {
        ConnectionOptions? options = null;
        await _endpoint.Call(attachment => options = attachment.Options).ConfigureAwait(false);
        return options!;
    }

    /// <summary>
    /// Lets the connection do otherwise from now on, where the options are not null. Keep-alive and the bounds of the queues hold
    /// at this node; the others go along when the connection moves.
    /// </summary>
    /// <exception cref="ArgumentException">A value is none; every error is named.</exception>
    /// <exception cref="EndpointLeftException">The endpoint moved or was detached.</exception>
    /// <exception cref="ConnectionClosedException">The connection was reset or timed out.</exception>
    public ValueTask SetOptionsAsync(ConnectionOptions options)
    {
        options.Validate();
        return new(_endpoint.Call(attachment => attachment.SetOptions(options)));
    }

    /// <summary>Closes the sending direction after all that was sent.</summary>
    public ValueTask ShutdownAsync() => new(_endpoint.Call(static attachment => attachment.CloseWrite()));

    /// <summary>
    /// Ends the connection at once, with a reset. During a handoff that is under way it calls the handoff off; the reset
    /// follows if that is still possible (<see cref="HandOffAsync(HandOffRequest, CancellationToken)"/> then ends with
    /// <see cref="HandOffRejectedException"/>). If it is not, the endpoint has left, and the connection goes on at its new
    /// node. Does nothing once the endpoint has left.
    /// </summary>
    public void Abort() => _ = _endpoint.CallIfHere(static attachment => attachment.Abort());

    /// <summary>
    /// Hands the endpoint to another node (or, without a target, to one by policy). Unread and unacknowledged bytes go
    /// with it. Completes when the endpoint has left.
    /// </summary>
    /// <exception cref="HandOffRejectedException">It did not; this connection is usable again.</exception>
    public ValueTask<MoveResult> HandOffAsync(
        string? target, ReadOnlyMemory<byte> context = default, CancellationToken cancellationToken = default) =>
        HandOffAsync(new HandOffRequest { Target = target, Context = context }, cancellationToken);

    /// <inheritdoc cref="HandOffAsync(string?, ReadOnlyMemory{byte}, CancellationToken)"/>
    public ValueTask<MoveResult> HandOffAsync(HandOffRequest request, CancellationToken cancellationToken = default) =>
        _endpoint.HandOffAsync(request, cancellationToken);

    /// <summary>
    /// Leaves the endpoint: the connection stays open, without an application, its window closing as its buffers fill,
    /// until somebody attaches or the time is over.
    /// </summary>
    /// <param name="context">For whoever attaches next.</param>
    /// <param name="unread">Bytes taken but not used: whoever attaches next reads them first.</param>
    public async ValueTask<EndpointId> DetachAsync(ReadOnlyMemory<byte> context = default, ReadOnlyMemory<byte> unread = default)
    {
        await _endpoint.Call(attachment => attachment.Detach(context, unread)).ConfigureAwait(false);
        return Id;
    }

    /// <summary>The endpoint as of now.</summary>
    public ValueTask<EndpointDescription> DescribeAsync() => new(_endpoint.DescribeAsync());

    /// <summary>The connection as a stream; disposing it disposes the connection.</summary>
    public Stream AsStream() => new ConnectionStream(this);

    /// <summary>
    /// The connection as a duplex pipe. Completing its output closes the sending direction after all that was written;
    /// both directions are closed by <see cref="DisposeAsync"/>. Bytes in the pipe have been taken: give what is not used
    /// back by <see cref="HandOffRequest.Unread"/>.
    /// </summary>
    public IDuplexPipe AsPipe() => new ConnectionPipe(this);

    /// <summary>
    /// Moves the connection's bytes to and from pipes on the shard's thread from now on, until the output's reader or the
    /// connection has ended: nothing else may receive or send meanwhile. Bytes in the input's pipe have been taken: give what
    /// is not used back by <see cref="HandOffRequest.Unread"/>. Completing the output does not close the sending direction.
    /// </summary>
    /// <param name="input">Gets what the client sends; completed at its end, or with why the connection has ended otherwise.</param>
    /// <param name="output">What is to be sent; its reader's scheduler should be inline.</param>
    /// <param name="first">Bytes of the stream that were taken off the connection already; they come first.</param>
    /// <param name="failure">Translates the exception that both pipes are completed with; null leaves it as it is.</param>
    /// <param name="owner">Is told what becomes of the connection.</param>
    public ConnectionPump Pump(
        PipeWriter input, PipeReader output, ReadOnlyMemory<byte> first = default, Func<BatonException, Exception>? failure = null, IPumpOwner? owner = null) =>
        new(_endpoint, input, output, first.Span, failure ?? (static ended => ended), owner);

    /// <summary>
    /// Closes both directions in order (FIN): what was sent still arrives, wherever the engine moves the endpoint meanwhile.
    /// During a handoff it takes effect if the endpoint stays. Does nothing once the endpoint has left.
    /// </summary>
    public ValueTask DisposeAsync() => Interlocked.Exchange(ref _disposed, 1) == 0
        ? new(_endpoint.CallIfHere(static attachment => attachment.Close()))
        : default;

    /// <summary>As <see cref="ShutdownAsync"/>, but does nothing once the endpoint has left.</summary>
    internal ValueTask CompleteAsync() => new(_endpoint.CallIfHere(static attachment => attachment.CloseWrite()));
}
