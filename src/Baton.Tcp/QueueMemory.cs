namespace Baton.Tcp;

/// <summary>
/// Memory that the queues of many connections share, all driven by one thread. From three quarters on no window grows, and
/// those that have go back to their beginning as they are used up; from the bound on each connection queues little more
/// to send and takes what arrives only where its memory suffices, or one segment where it holds nothing, so that all go on.
/// </summary>
/// <param name="limit">Bytes from which on it is exhausted.</param>
public sealed class QueueMemory(long limit)
{
    /// <summary>What a connection may queue to send while memory is exhausted.</summary>
    internal const int LeastSendQueue = 16 * 1024;

    /// <summary>The bound in bytes.</summary>
    public long Limit { get; } = limit;

    /// <summary>Bytes in use by open connections; a closed one's unread bytes are its holder's.</summary>
    public long Used { get; private set; }

    /// <summary>Whether windows may not grow.</summary>
    public bool IsTight => Used >= Limit - (Limit / 4);

    /// <summary>Whether the bound is reached.</summary>
    public bool IsExhausted => Used >= Limit;

    internal void Change(int by) => Used += by;
}
