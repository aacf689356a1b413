using Baton.Wire;

namespace Baton.Tcp;

/// <summary>Time-outs of a connection (RFC 9293 §3.10.8).</summary>
internal static class TimerExpiry
{
    public static void Run(TcpConnection c, Instant now)
    {
        if (c.Timers.TryExpire(TimerKind.DelayedAck, now))
        {
            c.Receiver.Acks.Now();
        }

        if (c.Timers.TryExpire(TimerKind.Linger, now))
        {
            OnLinger(c);
        }

        if (c.Timers.TryExpire(TimerKind.TailProbe, now))
        {
            c.Sender.OnTailProbeTimeout(now);
        }

        if (c.Timers.TryExpire(TimerKind.Reordering, now))
        {
            c.Sender.OnReorderingTimeout(now);
        }

        if (c.Timers.TryExpire(TimerKind.Retransmit, now))
        {
            OnRetransmit(c, now);
        }

        if (c.Timers.TryExpire(TimerKind.Persist, now))
        {
            OnPersist(c, now);
        }

        if (c.Timers.TryExpire(TimerKind.KeepAlive, now))
        {
            bool idle = c.IsSynchronized && !c.Sender.InFlight && !c.Sender.HasUnsent;
            if (!c.KeepAlive.OnExpired(now, idle, c.Settings, ref c.Timers))
            {
                c.AbortWith(TcpCloseReason.TimedOut);
            }
        }
    }

    private static void OnLinger(TcpConnection c)
    {
        switch (c.State)
        {
            case TcpState.TimeWait:
                c.CloseWith(TcpCloseReason.Normal);
                break;
            case TcpState.FinWait2:
                c.CloseWith(TcpCloseReason.TimedOut);
                break;
            default:
                c.AbortWith(c.Linger is null ? TcpCloseReason.StalledAfterClose : TcpCloseReason.LingerExpired);
                break;
        }
    }

    /// <summary>RFC 9293 §3.10.8, USER TIMEOUT: whatever the state, the connection is gone, and the application told.</summary>
    private static bool EndsByUserTimeout(TcpConnection c, Instant now)
    {
        bool ends = c.Sender.Options is { } options && options.GiveUpAt <= now;
        if (ends)
        {
            c.CloseWith(TcpCloseReason.UserTimeout);
        }

        return ends;
    }

    private static void OnRetransmit(TcpConnection c, Instant now)
    {
        if (EndsByUserTimeout(c, now))
        {
            return;
        }

        // RFC 1122 §4.2.3.5: at some point the user is told.
        bool connecting = c.Sender.Una == 0;
        if (c.Sender.Rtt.Expirations >= (connecting ? c.Settings.MaxSynRetransmissions : c.Settings.MaxRetransmissions))
        {
            c.CloseWith(TcpCloseReason.TimedOut);
            return;
        }

        c.Count.RetransmissionTimeouts++;
        if (connecting)
        {
            c.Handshake.RequestSyn();
        }

        c.Sender.OnRetransmitTimeout(now);
        int limit = c.Settings.BlackHoleTimeouts;
        if (limit > 0 && !connecting && c.Sender.Rtt.Expirations % limit == 0)
        {
            c.OnBlackHole();
        }
    }

    private static void OnPersist(TcpConnection c, Instant now)
    {
        if (EndsByUserTimeout(c, now))
        {
            return;
        }

        if (c.Sender.Persist.Unanswered >= c.Settings.MaxRetransmissions)
        {
            c.CloseWith(TcpCloseReason.TimedOut);
            return;
        }

        c.Sender.OnPersistTimeout(now);
    }
}
