namespace Baton.Engine;

/// <summary>
/// Whoever has a connection's bytes moved by a <see cref="ConnectionPump"/> and is told at once what becomes of it, on the
/// shard's thread: what it does must be short and must not wait.
/// </summary>
public interface IPumpOwner
{
    /// <summary>As <see cref="Connection.MoveRequested"/>; <see cref="Connection.RequestedMove"/> says what is asked for.</summary>
    void OnMoveRequested();

    /// <summary>As <see cref="Connection.InputEnded"/>.</summary>
    void OnInputEnded();

    /// <summary>As <see cref="Connection.Closed"/>.</summary>
    void OnClosed();
}
