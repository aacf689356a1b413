namespace Baton.Kestrel;

/// <summary>
/// What a request's handler can say when its connection is to move while the request runs. In
/// <c>HttpContext.Features</c> of HTTP/1.1 requests that came over the farm; a handler that ignores it makes its
/// connection wait for the end of the request (a WebSocket's: see <see cref="State"/>).
/// </summary>
public interface IHandoffFeature
{
    /// <summary>Cancelled when the connection is to move.</summary>
    CancellationToken Requested { get; }

    /// <summary>
    /// Whether this request was begun at another node and goes on here. Its head is that of the first node; the response's
    /// head has been sent already and is not sent again.
    /// </summary>
    bool Resumed { get; }

    /// <summary>
    /// What the handler leaves to the one that goes on at the next node, and what it was left. For a WebSocket it is taken
    /// when the handler has ended: the socket first receives a Close with status 1012, "service restart", which the
    /// client has not sent and whose answer it does not see.
    /// </summary>
    ReadOnlyMemory<byte> State { get; set; }

    /// <summary>
    /// Says that the response goes on at the next node from <paramref name="state"/> on. What was written is flushed; the
    /// handler then returns without writing any more. The next node's handler runs with the same request,
    /// <see cref="Resumed"/> and the state; what it writes follows.
    /// </summary>
    /// <exception cref="InvalidOperationException">
    /// No move was requested, the request has a body, or the response has not started.
    /// </exception>
    Task ContinueElsewhereAsync(ReadOnlyMemory<byte> state);
}
