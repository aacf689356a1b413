using Baton.Wire;

namespace Baton.Tcp;

/// <summary>What a connection emits next. The order says what may not wait for what.</summary>
internal static class SegmentDeparture
{
    /// <summary>Most payload of one super-segment: an IP packet's 65,535 bytes less the longest headers.</summary>
    public const int MaxPayload = 65_535 - 60 - TcpHeader.MaxLength;

    public static bool TryEmit(TcpConnection c, Instant now, int maxSegmentBytes, out TcpEmission emission)
    {
        emission = default;
        if (c.TryTakeReset(now, out var reset))
        {
            emission.Header = reset;
            return true;
        }

        if (c.State == TcpState.Closed)
        {
            return false;
        }

        if (c.Handshake.SynDue)
        {
            EmitSyn(c, now, ref emission);
            return true;
        }

        // CWR stands on one segment: a device that cuts segments might copy it to all (RFC 3168 §6.1.2).
        int limit = c.Ecn.WantsSingle ? 0 : Math.Min(maxSegmentBytes, MaxPayload);
        if ((c.Phase.IsSynchronized || c.OpenedFast) && c.Sender.TryNext(now, limit, out var part))
        {
            EmitPart(c, now, in part, ref emission);
            return true;
        }

        if (c.State == TcpState.SynSent)
        {
            return false;
        }

        if (c.KeepAlive.Due)
        {
            // RFC 9293 §3.8.4: a number already acknowledged makes the peer answer.
            c.KeepAlive.OnProbed();
            EmitAck(c, now, c.Sender.SequenceAt(c.Sender.Nxt - 1), ref emission);
            c.Count.KeepAliveProbes++;
            return true;
        }

        if (c.Receiver.Acks.Owed > 0)
        {
            EmitAck(c, now, c.Sender.SequenceAt(c.Sender.Nxt), ref emission);
            return true;
        }

        c.Sender.Arm(now, restart: false);
        return false;
    }

    private static void EmitSyn(TcpConnection c, Instant now, ref TcpEmission emission)
    {
        bool answer = c.State == TcpState.SynReceived;
        bool again = c.Sender.Nxt > 0;
        var header = c.NewHeader(c.Sender.Iss, (answer ? TcpFlags.Syn | TcpFlags.Ack : TcpFlags.Syn) | c.Ecn.SynFlags(c.Settings, answer, again));
        var options = header.Options;
        c.Handshake.WriteOptions(ref options, c.Settings, c.Receiver, answer, now);
        int room = 0;
        if (answer)
        {
            (options.HasFastOpen, options.FastOpen) = (c.FastOpen?.Cookie is not null, c.FastOpen?.Cookie ?? default);
        }
        else if (c.FastOpen is { } fastOpen)
        {
            room = fastOpen.OnSyn(ref options, again, c.Settings.Mss);
        }

        header.Options = options;
        if (answer)
        {
            c.Receiver.Write(ref header, now, sackOn: false, text: false, c.Settings, ref c.Timers);
        }
        else
        {
            header.Window = c.Receiver.Window.Announce(next: 1, read: 1, unscaled: true);
        }

        int text = (int)Math.Min(room, c.Sender.Queue.End - 1);
        if (text > 0)
        {
            c.FastOpen!.Outcome = FastOpenOutcome.Sent;
            c.Sender.Queue.Slice(1, text, out emission.Payload, out emission.MorePayload);
        }

        c.Handshake.OnSynSent();
        c.Sender.OnSynSent(now, again, text);
        c.OnEmitted(text, again);
        emission.Header = header;
    }

    private static void EmitPart(TcpConnection c, Instant now, in OutgoingPart part, ref TcpEmission emission)
    {
        var sender = c.Sender;
        bool pushes = part.Position + part.Length == sender.Queue.End && part.Length > 0;
        var flags = TcpFlags.Ack | (part.Fin ? TcpFlags.Fin : 0) | (pushes ? TcpFlags.Psh : 0);
        bool news = part.Length > 0 && !part.IsRepeated && !part.IsProbe;
        flags |= c.Ecn.Flags(news);
        emission.Ecn = c.Ecn.Codepoint(news && sender.Congestion.AnswersMarks);
        var header = c.NewHeader(sender.SequenceAt(part.Position), flags);
        c.Receiver.Write(ref header, now, c.Handshake.SackOn, part.Length > 0, c.Settings, ref c.Timers);
        sender.Queue.Slice(part.Position, part.Length, out emission.Payload, out emission.MorePayload);
        emission.Header = header;
        emission.SegmentSize = part.Length > sender.Mss && !part.IsPathProbe ? (ushort)sender.Mss : (ushort)0;
        if (part.IsPathProbe || part.IsProbe)
        {
            c.Count.PathProbes += part.IsPathProbe ? 1 : 0;
            c.Count.WindowProbes += part.IsProbe ? 1 : 0;
        }

        c.OnEmitted(part.Length, part.IsRepeated);
    }

    private static void EmitAck(TcpConnection c, Instant now, SeqNum sequence, ref TcpEmission emission)
    {
        var header = c.NewHeader(sequence, TcpFlags.Ack | c.Ecn.Flags(news: false));
        c.Receiver.Write(ref header, now, c.Handshake.SackOn, text: false, c.Settings, ref c.Timers);
        c.OnEmitted(0, again: false);
        emission.Header = header;
    }
}
