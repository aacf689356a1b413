using Baton.Wire;

namespace Baton.Tcp;

/// <summary>
/// Which part of the stream goes next, as the windows of peer and network and the avoidance of silly windows allow.
/// </summary>
internal static class NextPart
{
    /// <summary>What is taken as lost.</summary>
    public static bool TryLost(Sender s, int maxBytes, out OutgoingPart part)
    {
        part = default;
        if (s.Window == 0 || s.Recovery.Spurious.Step == FRtoStep.NewSent || !s.Recovery.TryNextResend(out var hole))
        {
            return false;
        }

        if (hole.Start == s.Una && hole.End == s.Nxt && hole.Length < s.Mss && s.Nxt < s.Queue.End)
        {
            // A window probe that was not taken does not go alone again: what follows it fills the segment (RFC 9293 §3.8.6.2.1).
            hole = new(hole.Start, Math.Min(s.Queue.End, hole.Start + Math.Min(s.Mss, s.Window)));
        }

        // The segment at SND.UNA goes whatever the windows: without it nothing moves on.
        int room = Math.Max(0, s.Congestion.Window - s.Recovery.Pipe(s.Una, s.Nxt));
        int allowed = hole.Start == s.Una ? Math.Max(room, s.Mss) : room;
        int length = (int)Math.Min(Math.Min(hole.Length, allowed), maxBytes);
        if (length < Math.Min(s.Mss, hole.Length))
        {
            return false;
        }

        length = length < hole.Length && length > s.Mss ? length - (length % s.Mss) : length;
        long end = hole.Start + length;
        bool fin = s.FinPosition >= 0 && end > s.FinPosition;
        part = new(hole.Start, fin ? length - 1 : length, fin, IsProbe: false, IsRepeated: true);
        return true;
    }

    /// <summary>What was never sent.</summary>
    public static bool TryNew(Sender s, Instant now, int maxBytes, out OutgoingPart part)
    {
        part = default;
        if (!s.HasUnsent || (s.Recovery.Sent.HasLost && s.Recovery.Spurious.Step != FRtoStep.NewSent))
        {
            return false;
        }

        if (s.SlowsAfterIdle && !s.InFlight && now - s.LastSent > s.Rto)
        {
            s.Congestion.OnIdle(s.Mss);
        }

        int available = (int)(s.Queue.End - Math.Min(s.Nxt, s.Queue.End));
        long peerRoom = Math.Max(0, s.Una + s.Window - s.Nxt);
        int congestionRoom = s.Congestion.Window + s.Recovery.LimitedTransmit(s.Mss) - s.Recovery.Pipe(s.Una, s.Nxt);
        int length = (int)Math.Min(Math.Min(available, peerRoom), Math.Min(Math.Max(0, congestionRoom), maxBytes));
        length = WithoutSillyTail(s, length, available, peerRoom);
        bool fin = s.FinPosition == s.Nxt + length && peerRoom > length;
        part = new(s.Nxt, length, fin, IsProbe: false, IsRepeated: false);
        return length > 0 || fin;
    }

    /// <summary>A larger segment than is known to arrive, with enough behind it to notice its loss (RFC 4821 §7.4).</summary>
    public static bool TryPathProbe(Sender s, Instant now, out OutgoingPart part)
    {
        part = default;
        if (s.Search is not { } search || !s.HasUnsent || !s.Recovery.IsCalm)
        {
            return false;
        }

        int size = search.NextSize(now, s.Mss);
        long needed = size + (LossRecovery.DuplicateThreshold * s.Mss);
        long room = Math.Min(s.Una + s.Window - s.Nxt, s.Congestion.Window - s.Recovery.Pipe(s.Una, s.Nxt));
        if (size <= s.Mss || room < needed || s.Queue.End - s.Nxt < needed)
        {
            return false;
        }

        part = new(s.Nxt, size, Fin: false, IsProbe: false, IsRepeated: false, IsPathProbe: true);
        return true;
    }

    /// <summary>Silly window avoidance and Nagle (RFC 9293 §3.8.6.2.1, §3.7.4): how much of what could go goes.</summary>
    private static int WithoutSillyTail(Sender s, int length, int available, long peerRoom)
    {
        int tail = length % s.Mss;
        if (tail == 0)
        {
            return length;
        }

        bool corked = s.Options is { Corked: true } && s.FinPosition < 0;

        // The last bytes may go when no earlier small segment is unacknowledged (Minshall, RFC 9293 appendix A.3).
        bool last = length == available && !corked && (s.NoDelay || s.FinPosition >= 0 || s.Recovery.SmallEnd <= s.Una);
        bool halfOfWindow = length < s.Mss && length == peerRoom && length >= s.MaxWindow / 2;
        return last || halfOfWindow ? length : length - tail;
    }

    /// <summary>A tail loss probe (RFC 8985 §7.3): a new segment if the peer's window lets one go, else the last one again.</summary>
    public static bool TryTailProbe(Sender s, out OutgoingPart part)
    {
        part = default;
        if (!s.Recovery.Probe.Due)
        {
            return false;
        }

        if (!s.InFlight || s.Window == 0 || s.Recovery.Phase != RecoveryPhase.Open || s.Recovery.Sacked.Count > 0)
        {
            s.Recovery.Probe.Withdraw();
            return false;
        }

        int available = (int)(s.Queue.End - Math.Min(s.Nxt, s.Queue.End));
        int length = Math.Min(available, s.Mss);
        if (length > 0 && s.Nxt + length <= s.Una + s.Window)
        {
            part = new(s.Nxt, length, Fin: false, IsProbe: false, IsRepeated: false, IsTailProbe: true);
            return true;
        }

        long start = Math.Max(s.Una, s.Recovery.Sent.LastSegment(s.Nxt, s.Mss));
        bool fin = s.FinPosition >= 0 && s.Nxt > s.FinPosition;
        part = new(start, (int)(s.Nxt - start) - (fin ? 1 : 0), fin, IsProbe: false, IsRepeated: true, IsTailProbe: true);
        return true;
    }

    /// <summary>A probe of the peer's window.</summary>
    public static bool TryProbe(Sender s, out OutgoingPart part)
    {
        part = default;
        if (!s.Persist.Due)
        {
            return false;
        }

        s.Persist.OnProbed();
        if (!s.InFlight && !s.HasUnsent)
        {
            return false;
        }

        long position = s.Window == 0 ? s.Una : s.Nxt;
        int room = (int)Math.Min(Math.Max(1, s.Una + s.Window - position), s.Mss);
        int length = (int)Math.Min(room, Math.Max(0, s.Queue.End - position));
        bool fin = length == 0 && position == s.FinPosition;
        part = new(position, length, fin, IsProbe: true, IsRepeated: position < s.Nxt);
        return length > 0 || fin;
    }
}

/// <summary>A part of the stream to send.</summary>
internal readonly record struct OutgoingPart(long Position, int Length, bool Fin, bool IsProbe, bool IsRepeated, bool IsTailProbe = false, bool IsPathProbe = false)
{
    /// <summary>The position after it, its FIN included.</summary>
    public long End => Position + Length + (Fin ? 1 : 0);
}
