namespace Baton.Engine;

/// <summary>
/// One application's side of one endpoint, called on the shard's thread: it must not block. The asynchronous API is
/// built on this; so are the simulator's applications. Order: <see cref="OnAttached"/> first, <see cref="OnLeft"/> last,
/// the others between. The attachment may be used in any of them, and in works posted to the shard.
/// </summary>
public interface IEndpointApplication
{
    /// <summary>The endpoint is this application's from now on.</summary>
    void OnAttached(Attachment attachment);

    /// <summary>There is something to read, or the client has closed its direction.</summary>
    void OnReadable(Attachment attachment);

    /// <summary>There is room to write again.</summary>
    void OnWritable(Attachment attachment);

    /// <summary>
    /// Somebody wants the endpoint to move: an operator, a drain, or the placement rule. The application answers, now or
    /// later, with <see cref="Attachment.HandOff"/>, or not at all.
    /// </summary>
    void OnMoveRequested(Attachment attachment, MoveRequest request);

    /// <summary>
    /// A handoff that this application began did not succeed; the attachment is usable again, unless it was closed or
    /// aborted meanwhile.
    /// </summary>
    void OnHandOffFailed(Attachment attachment, MoveResult result);

    /// <summary>The endpoint is no longer this application's.</summary>
    void OnLeft(Attachment attachment, LeaveReason reason);
}

/// <summary>Why an endpoint is no longer an application's.</summary>
public enum LeaveReason
{
    /// <summary>It lives at another node now.</summary>
    Moved,

    /// <summary>It was detached and is here, unattached.</summary>
    Detached,

    /// <summary>
    /// The connection ended. If that was while it was being handed off, the next application may have had it before: what it was given is
    /// not to be acted on here.
    /// </summary>
    Closed,
}

/// <summary>A request to move an endpoint.</summary>
/// <param name="Target">The node it should go to, or null for a choice by policy.</param>
/// <param name="Cause">Who asks.</param>
public sealed record MoveRequest(string? Target, MoveCause Cause);

/// <summary>Who asks for a move.</summary>
public enum MoveCause
{
    /// <summary>An operator.</summary>
    Operator,

    /// <summary>The node is drained.</summary>
    Drain,

    /// <summary>The placement rule, by the state of this node or the target (R29).</summary>
    Rule,
}
