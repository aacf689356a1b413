using Baton.Wire;

namespace Baton.Tcp;

/// <summary>
/// What the application asked of one connection beyond what all do alike. Most connections have none, so that it costs
/// them one reference.
/// </summary>
internal sealed class SocketOptions
{
    /// <summary>After so long without progress the connection is given up; zero: only by the retransmission limits (RFC 9293 §3.8.3).</summary>
    [field: InSnapshot(nameof(TcpSnapshot.UserTimeout))]
    public TimeSpan UserTimeout { get; set; }

    /// <summary>How long a close may go on; null: as long as the peer takes something.</summary>
    [field: InSnapshot(nameof(TcpSnapshot.Linger))]
    public TimeSpan? Linger { get; set; }

    /// <summary>Whether only full-size segments go (TCP_CORK).</summary>
    [field: InSnapshot(nameof(TcpSnapshot.Corked))]
    public bool Corked { get; set; }

    /// <summary>Most bytes that are written and not sent; zero: as many as the queue holds (TCP_NOTSENT_LOWAT).</summary>
    [field: InSnapshot(nameof(TcpSnapshot.NotSentLimit))]
    public int NotSentLimit { get; set; }

    /// <summary>Since when something waits for the peer without progress, or never.</summary>
    [field: InSnapshot(nameof(TcpSnapshot.Waiting))]
    public Instant WaitingSince { get; set; } = Instant.Never;

    /// <summary>When the peer is given up.</summary>
    public Instant GiveUpAt => UserTimeout > TimeSpan.Zero && WaitingSince != Instant.Never ? WaitingSince + UserTimeout : Instant.Never;

    private bool IsNeeded => UserTimeout > TimeSpan.Zero || Linger is not null || Corked || NotSentLimit > 0;

    /// <summary>What the settings ask for; null when that is nothing.</summary>
    public static SocketOptions? Of(TcpSettings settings)
    {
        var options = new SocketOptions { UserTimeout = settings.UserTimeout, Linger = settings.Linger, NotSentLimit = settings.NotSentLimit };
        return options.IsNeeded ? options : null;
    }

    /// <summary>What a snapshot says; null when that is nothing.</summary>
    public static SocketOptions? Restore(TcpSnapshot s, Instant now)
    {
        var options = new SocketOptions
        {
            UserTimeout = s.UserTimeout,
            Linger = s.Linger,
            Corked = s.Corked,
            NotSentLimit = s.NotSentLimit,
            WaitingSince = s.Waiting is { } time ? now - time : Instant.Never,
        };
        return options.IsNeeded ? options : null;
    }

    /// <summary>Something waits for the peer, or nothing.</summary>
    public void OnWaiting(bool waits, Instant now)
    {
        if (!waits)
        {
            WaitingSince = Instant.Never;
        }
        else if (WaitingSince == Instant.Never)
        {
            WaitingSince = now;
        }
    }

    /// <summary>Time went by that the connection did not see.</summary>
    public void Postpone(TimeSpan by) => WaitingSince += by;
}
