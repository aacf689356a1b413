using Baton.Wire;

namespace Baton.Tcp;

/// <summary>SEGMENT ARRIVES, RFC 9293 §3.10.7, in the order of its checks.</summary>
internal static class SegmentArrival
{
    /// <summary>§3.10.7.3.</summary>
    public static TcpDisposition OnSynSent(TcpConnection c, Instant now, in TcpHeader header, byte ecn)
    {
        // First, the ACK bit: only our SYN can be acknowledged.
        long ack = c.Sender.PositionOf(header.Acknowledgment);
        bool hasAck = header.Has(TcpFlags.Ack);
        if (hasAck && (ack <= 0 || ack > c.Sender.Nxt))
        {
            return RefuseAck(c, in header);
        }

        // Second, the RST bit: believed only with an acceptable ACK.
        if (header.Has(TcpFlags.Rst))
        {
            return hasAck ? Reset(c, TcpCloseReason.Refused) : TcpDisposition.Ignored;
        }

        // Fourth, the SYN bit. Text and FIN of a SYN are not taken; the peer sends them again.
        if (!header.Has(TcpFlags.Syn))
        {
            return TcpDisposition.Ignored;
        }

        c.OnSyn(now, in header, ecn);
        if (hasAck)
        {
            c.FastOpen?.OnSynAck(header.Options, textSent: c.Sender.Nxt > 1, textTaken: ack == c.Sender.Nxt);
            _ = c.Sender.OnAck(now, in header, ack, segmentPosition: 0, empty: true, c.Receiver.Timestamps.RoundTrip(header.Options, now));
            c.Receiver.Acks.Now();
            c.OnSynAcknowledged(now);
        }
        else
        {
            // Both opened at once: our SYN again, now as an answer.
            c.Handshake.RequestSyn();
            c.Enter(Phase.SynReceived, now);
        }

        return TcpDisposition.Accepted;
    }

    /// <summary>§3.10.7.4 in SYN-RECEIVED.</summary>
    public static TcpDisposition OnSynReceived(TcpConnection c, Instant now, in TcpHeader header, ReadOnlySpan<byte> text)
    {
        if (!header.Has(TcpFlags.Syn) || header.Has(TcpFlags.Rst) || header.Sequence != c.Receiver.Irs)
        {
            return OnSynchronized(c, now, in header, text);
        }

        if (!header.Has(TcpFlags.Ack))
        {
            // The peer's SYN again: it has not seen our answer.
            c.Handshake.RequestSyn();
            return TcpDisposition.Duplicate;
        }

        // Opened at once: the peer's SYN-ACK. Its SYN is known; the rest is an ordinary ACK.
        var rest = header;
        rest.Flags &= ~TcpFlags.Syn;
        rest.Sequence += 1;
        rest.Window = (ushort)(header.Window >> c.Sender.Scale); // A SYN's window is not scaled (RFC 7323 §2.2).
        c.Receiver.Acks.Now();
        return OnSynchronized(c, now, in rest, default);
    }

    /// <summary>§3.10.7.4 in TIME-WAIT.</summary>
    public static TcpDisposition OnTimeWait(TcpConnection c, Instant now, in TcpHeader header, ReadOnlySpan<byte> text)
    {
        if (header.Has(TcpFlags.Rst))
        {
            // RFC 1337 §3, F1: an old duplicate that reaches the peer's closed port may cause it. Nothing is left to reset.
            return TcpDisposition.Ignored;
        }

        long position = c.Receiver.PositionOf(header.Sequence);
        var options = header.Options;
        if (header.Has(TcpFlags.Syn) && !header.Has(TcpFlags.Ack))
        {
            // RFC 6191 §2: a later timestamp, or without timestamps a later sequence number, tells a new connection.
            bool newer = c.Receiver.Timestamps.On && options.HasTimestamps
                ? (int)(options.TimestampValue - c.Receiver.Timestamps.Recent) > 0
                : position > c.Receiver.Nxt;
            return newer ? TcpDisposition.Reopen : Challenge(c, now, TcpDisposition.Challenged);
        }

        // Eighth check: the FIN again; our ACK was lost.
        if (header.Has(TcpFlags.Fin) && position + text.Length < c.Receiver.Nxt)
        {
            c.Receiver.Acks.Now();
            c.Timers.Set(TimerKind.Linger, now + c.Settings.TimeWaitLength);
            return TcpDisposition.Duplicate;
        }

        return OnSynchronized(c, now, in header, text);
    }

    /// <summary>§3.10.7.4 in all other states.</summary>
    public static TcpDisposition OnSynchronized(TcpConnection c, Instant now, in TcpHeader header, ReadOnlySpan<byte> text)
    {
        var receiver = c.Receiver;
        long position = receiver.PositionOf(header.Sequence);
        bool fin = header.Has(TcpFlags.Fin);
        bool reset = header.Has(TcpFlags.Rst);

        // RFC 7323 §5.3, R1, before the sequence number; a RST carries no valid timestamp.
        if (!reset && receiver.Timestamps.Rejects(header.Options, now))
        {
            if (!header.Options.HasTimestamps)
            {
                // RFC 7323 §3.2: "SHOULD silently drop the segment".
                return TcpDisposition.PawsRejected;
            }

            if (text.IsEmpty)
            {
                return Challenge(c, now, TcpDisposition.PawsRejected);
            }

            c.Receiver.Acks.OnAhead();
            return TcpDisposition.PawsRejected;
        }

        // First, the sequence number.
        int length = text.Length + (fin ? 1 : 0) + (header.Has(TcpFlags.Syn) ? 1 : 0);
        if (!receiver.IsAcceptable(position, length))
        {
            if (!IsWindowProbe(receiver, position, length))
            {
                return OnUnacceptable(c, now, position, length, in header);
            }

            // "Special allowance should be made to accept valid ACKs": the ACK of a window probe counts.
            receiver.Acks.Now();
            text = default;
            fin = false;
        }

        // Second, the RST bit (RFC 5961 §3.2).
        if (reset)
        {
            if (position != receiver.Nxt)
            {
                return Challenge(c, now, TcpDisposition.Challenged);
            }

            return Reset(c, c.State == TcpState.SynReceived && !c.Handshake.Passive ? TcpCloseReason.Refused : TcpCloseReason.ResetByPeer);
        }

        // Fourth, the SYN bit (RFC 5961 §4.2).
        if (header.Has(TcpFlags.Syn))
        {
            return Challenge(c, now, TcpDisposition.Challenged);
        }

        // Fifth, the ACK bit.
        if (!header.Has(TcpFlags.Ack))
        {
            return TcpDisposition.Ignored;
        }

        if (!OnAck(c, now, in header, position, length == 0, out var refused))
        {
            return refused;
        }

        // Only now: a forged segment with an impossible ACK must not set what PAWS compares with.
        receiver.Timestamps.OnSegment(header.Options, position, receiver.LastAckSent, now);

        // Seventh and eighth, text and FIN. The urgent pointer marks nothing: urgent data stay in line (RFC 6093 §6).
        if ((text.IsEmpty && !fin) || c.State == TcpState.Closed)
        {
            return TcpDisposition.Accepted;
        }

        return c.Phase.ExpectsText ? OnText(c, now, position, text, fin) : OnRepeatedText(c);
    }

    private static bool OnAck(TcpConnection c, Instant now, in TcpHeader header, long position, bool empty, out TcpDisposition refused)
    {
        var sender = c.Sender;
        long ack = sender.PositionOf(header.Acknowledgment);
        refused = TcpDisposition.Challenged;
        if (c.State == TcpState.SynReceived)
        {
            if (ack <= sender.Una || ack > sender.Nxt)
            {
                refused = RefuseAck(c, in header);
                return false;
            }
        }
        else if (ack > sender.Nxt || ack < sender.Una - sender.MaxWindow)
        {
            // RFC 5961 §5.2: neither what was never sent, nor older than any window.
            refused = Challenge(c, now, TcpDisposition.Challenged);
            return false;
        }

        if (ack < sender.Una)
        {
            sender.OnOvertakenAck(now, header.Options, ack);
            return true;
        }

        bool asks = c.Ecn.Asks(in header, ack, out int marks);
        if (marks > 0)
        {
            c.Count.EcnMarks += marks;
        }

        if (asks && sender.TryReduceForEcn())
        {
            c.Ecn.OnReduced(sender.Nxt);
            c.Count.EcnReductions++;
        }

        bool advanced = sender.OnAck(now, in header, ack, position, empty, c.Receiver.Timestamps.RoundTrip(header.Options, now));
        if (c.State == TcpState.SynReceived)
        {
            c.OnSynAcknowledged(now);
        }

        if (advanced)
        {
            c.OnAcknowledged(now);
        }

        return true;
    }

    private static TcpDisposition OnText(TcpConnection c, Instant now, long position, ReadOnlySpan<byte> text, bool fin)
    {
        var receiver = c.Receiver;
        if (c.NobodyReads && position + text.Length > receiver.Queue.Next && !text.IsEmpty)
        {
            // RFC 1122 §4.2.2.13: the peer must know that its data go nowhere.
            c.AbortWith(TcpCloseReason.DataAfterClose);
            return TcpDisposition.Accepted;
        }

        if (c.Settings.Memory is { IsExhausted: true } && !receiver.FitsIntoMemory(position, position + text.Length))
        {
            // As if lost: the peer's timers slow it down.
            return TcpDisposition.NoMemory;
        }

        long before = receiver.Queue.Next;
        var disposition = receiver.OnText(now, position, text, fin, c.Sender.Mss, c.Settings, ref c.Timers);
        var roundTrip = c.Sender.Rtt.Smoothed;
        receiver.Tune(now, c.Settings, roundTrip > TimeSpan.Zero ? roundTrip : c.Settings.InitialRto);
        c.OnReceived(now, (int)(receiver.Queue.Next - before), disposition);
        return disposition;
    }

    /// <summary>After the peer's FIN there is no text; what comes is known.</summary>
    private static TcpDisposition OnRepeatedText(TcpConnection c)
    {
        c.Receiver.Acks.Now();
        return TcpDisposition.Duplicate;
    }

    private static bool IsWindowProbe(Receiver receiver, long position, int length) =>
        length > 0 && position == receiver.Nxt && receiver.Window.Edge == receiver.Nxt;

    private static TcpDisposition OnUnacceptable(TcpConnection c, Instant now, long position, int length, in TcpHeader header)
    {
        if (header.Has(TcpFlags.Rst))
        {
            return TcpDisposition.Ignored;
        }

        // Text that was received already: our ACK was lost, the peer needs it at once.
        bool known = position + length <= c.Receiver.Nxt;
        if (known && length > 0 && !header.Has(TcpFlags.Syn))
        {
            c.Receiver.OnKnown(position, length - (header.Has(TcpFlags.Fin) ? 1 : 0));
            c.Receiver.Acks.OnAhead();
            return TcpDisposition.Duplicate;
        }

        return Challenge(c, now, header.Has(TcpFlags.Syn) ? TcpDisposition.Challenged : TcpDisposition.OutOfWindow);
    }

    /// <summary>An ACK for what may be forged, or for a keep-alive probe (RFC 5961 §7: limited).</summary>
    private static TcpDisposition Challenge(TcpConnection c, Instant now, TcpDisposition disposition)
    {
        if (!c.Challenges.TryTake(now))
        {
            return TcpDisposition.RateLimited;
        }

        c.OnChallenge();
        return disposition;
    }

    /// <summary>&lt;SEQ=SEG.ACK&gt;&lt;CTL=RST&gt;, unless it is a RST itself.</summary>
    private static TcpDisposition RefuseAck(TcpConnection c, in TcpHeader header)
    {
        if (header.Has(TcpFlags.Rst))
        {
            return TcpDisposition.Ignored;
        }

        c.RefuseAck(header.Acknowledgment);
        return TcpDisposition.UnacceptableAck;
    }

    private static TcpDisposition Reset(TcpConnection c, TcpCloseReason reason)
    {
        c.CloseWith(reason);
        return TcpDisposition.Reset;
    }
}
