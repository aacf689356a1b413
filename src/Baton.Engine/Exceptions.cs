namespace Baton.Engine;

/// <summary>A failure of a connection.</summary>
public class BatonException : IOException
{
    /// <summary>Makes one.</summary>
    public BatonException(string message) : base(message)
    {
    }
}

/// <summary>The connection ended other than by both ends' closing: reset, timeout, abort.</summary>
public sealed class ConnectionClosedException(string reason) : BatonException($"The connection is closed: {reason}.")
{
    /// <summary>Why.</summary>
    public string Reason { get; } = reason;
}

/// <summary>
/// The endpoint has left this application: moved to another node, or detached. The operation had no effect: nothing
/// was read or written by it.
/// </summary>
public sealed class EndpointLeftException() : BatonException("The endpoint has left this application.");

/// <summary>A handoff did not succeed. The endpoint is where it was, and the connection is usable again.</summary>
public sealed class HandOffRejectedException(MoveResult result)
    : BatonException($"The handoff did not succeed ({result.Outcome}): {result.Reason}")
{
    /// <summary>What came of it.</summary>
    public MoveResult Result { get; } = result;
}
