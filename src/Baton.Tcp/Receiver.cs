using System.Numerics;
using Baton.Wire;

namespace Baton.Tcp;

/// <summary>
/// The receiving half (RFC 9293 §3.3.1, RCV variables). Positions are 64-bit and unwrapped: 0 is the peer's SYN, 1 its
/// first byte, and its FIN stands after the last.
/// </summary>
internal sealed class Receiver(TcpSettings settings, uint timestampOffset)
{
    [NotInSnapshot("its parts are listed at ReceiveWindow")]
    private ReceiveWindow _window = new(Math.Min(settings.ReceiveBufferStart, settings.ReceiveBufferLimit));

    [NotInSnapshot("its parts are listed at DelayedAck")]
    private DelayedAck _acks = new(settings.QuickAcks);

    [NotInSnapshot("its parts are listed at Timestamps")]
    private Timestamps _timestamps = new(timestampOffset);

    [NotInSnapshot("its parts are listed at SackReport")]
    private SackReport? _sack;

    [NotInSnapshot("its parts are listed at WindowTuning")]
    private WindowTuning? _tuning;

    [InSnapshot(nameof(TcpSnapshot.Irs))]
    private SeqNum _irs;

    [InSnapshot(nameof(TcpSnapshot.RemoteFinPosition))]
    private long _finPosition = -1;

    [InSnapshot(nameof(TcpSnapshot.LastAckSent))]
    private long _lastAckSent;

    [NotInSnapshot("its parts are listed at ReceiveQueue")]
    private ReceiveQueue _queue = new();

    /// <summary>The bytes.</summary>
    public ref ReceiveQueue Queue => ref _queue;

    /// <summary>The window we promise.</summary>
    public ref ReceiveWindow Window => ref _window;

    /// <summary>When an ACK is due.</summary>
    public ref DelayedAck Acks => ref _acks;

    /// <summary>The SACK blocks of our ACKs; null until something came out of order or twice.</summary>
    public SackReport? Sack => _sack;

    /// <summary>Timestamps.</summary>
    public ref Timestamps Timestamps => ref _timestamps;

    /// <summary>IRS.</summary>
    public SeqNum Irs => _irs;

    /// <summary>Where the peer's FIN stands, or -1 while unknown.</summary>
    public long FinPosition => _finPosition;

    /// <summary>The acknowledgment last sent (RFC 7323 §4.3, Last.ACK.sent).</summary>
    public long LastAckSent => _lastAckSent;

    /// <summary>Whether the peer's FIN was received in order.</summary>
    public bool FinReceived => _finPosition >= 0 && Queue.Next >= _finPosition;

    /// <summary>RCV.NXT.</summary>
    public long Nxt => Queue.Next + (FinReceived ? 1 : 0);

    /// <summary>RCV.NXT as it stands in a header.</summary>
    public SeqNum Acknowledgment => _irs + (uint)Nxt;

    /// <summary>The peer's SYN.</summary>
    public void OnSyn(SeqNum irs) => (_irs, _lastAckSent) = (irs, 1);

    /// <summary>The position of a sequence number, within 2^31 of RCV.NXT.</summary>
    public long PositionOf(SeqNum number) => Nxt + (number - Acknowledgment);

    /// <summary>
    /// The first check of RFC 9293 §3.10.7.4. A segment without length is also taken right at the edge: the peer has filled
    /// our window, and its ACK counts.
    /// </summary>
    public bool IsAcceptable(long position, int length) =>
        length == 0 ? position >= Nxt && position <= Window.Edge : position < Window.Edge && position + length > Nxt;

    /// <summary>Text of an acceptable segment (RFC 9293 §3.10.7.4, seventh check).</summary>
    public TcpDisposition OnText(Instant now, long position, ReadOnlySpan<byte> text, bool fin, int mss, TcpSettings settings, ref TimerTable timers)
    {
        long end = position + text.Length;
        long last = _finPosition >= 0 ? Math.Min(_finPosition, Window.Edge) : Window.Edge;
        if (fin && end <= Window.Edge && _finPosition < 0 && end >= Math.Max(Queue.Next, Queue.Ahead.End))
        {
            _finPosition = end;
        }

        // Only what is new and within the window.
        long from = Math.Max(position, Queue.Next);
        long to = Math.Min(end, last);
        bool gap = Queue.Ahead.Count > 0;
        long before = Queue.Next;
        NoteDuplicate(position, Math.Min(end, last));
        if (from < to)
        {
            if (!Queue.TryInsert(from, text[(int)(from - position)..(int)(to - position)]))
            {
                Acks.OnAhead();
                return TcpDisposition.NoRoom;
            }
        }

        if (from > before)
        {
            // Ahead of a gap: a duplicate ACK at once (RFC 5681 §4.2).
            (_sack ??= new()).OnAhead(from, in Queue.Ahead);
            Acks.OnAhead();
            return TcpDisposition.Accepted;
        }

        if (gap || FinReceived || from >= to)
        {
            Acks.Now();
        }
        else
        {
            Acks.OnData(now, (int)(to - from), mss, settings, ref timers);
        }

        return Queue.Next > before || FinReceived ? TcpDisposition.Accepted : TcpDisposition.Duplicate;
    }

    /// <summary>Text came that lies wholly below RCV.NXT.</summary>
    public void OnKnown(long position, int length)
    {
        // Not beyond what the peer may still remember (RFC 2883 §4.2): a window's worth.
        if (position >= 1 && position >= Nxt - Window.Capacity)
        {
            (_sack ??= new()).OnDuplicate(position, Math.Min(position + length, Queue.Next));
        }
    }

    /// <summary>Something arrived: whether the window suits what the application takes.</summary>
    public void Tune(Instant now, TcpSettings settings, TimeSpan roundTrip)
    {
        if (settings.Memory is { IsTight: true })
        {
            Window.Resize(Math.Min(Window.Capacity, settings.ReceiveBufferStart));
            return;
        }

        if (Window.Capacity >= settings.ReceiveBufferLimit || WindowTuning.IsTooEarly(Queue.ReadPosition, Window.Capacity))
        {
            return;
        }

        long wanted = Math.Min((_tuning ??= new()).OnArrival(now, Queue.ReadPosition, roundTrip), settings.ReceiveBufferLimit);
        if (wanted > Window.Capacity)
        {
            Window.Resize((int)BitOperations.RoundUpToPowerOf2((uint)wanted));
        }
    }

    /// <summary>Whether text up to a position fits into memory that is there, or is one segment where nothing is held.</summary>
    public bool FitsIntoMemory(long position, long end)
    {
        long filled = Math.Max(Queue.Next, Queue.Ahead.End);
        bool empty = filled == Queue.ReadPosition && position <= Queue.Next;
        return empty || Math.Max(end, filled) - Queue.ReadPosition <= Queue.Capacity;
    }

    /// <summary>What an emitted segment says of this half: ACK, window, timestamps, SACK.</summary>
    /// <param name="header">The header to fill.</param>
    /// <param name="now">The time.</param>
    /// <param name="sackOn">Whether SACK was agreed on.</param>
    /// <param name="text">Whether the segment has text: then its size leaves no room for SACK blocks.</param>
    /// <param name="settings">The owner's settings.</param>
    /// <param name="timers">The connection's timers.</param>
    public void Write(ref TcpHeader header, Instant now, bool sackOn, bool text, TcpSettings settings, ref TimerTable timers)
    {
        bool gap = Queue.Ahead.Count > 0;
        var options = header.Options;
        header.Acknowledgment = Acknowledgment;
        header.Window = Window.Announce(Nxt, Queue.ReadPosition, header.Has(TcpFlags.Syn));
        if (Timestamps.On && !header.Has(TcpFlags.Syn))
        {
            Timestamps.Write(ref options, now);
        }

        if (sackOn && !text && _sack is not null && (gap || _sack.Duplicate.Length > 0))
        {
            _sack.Write(ref options, in Queue.Ahead, _irs);
        }

        header.Options = options;
        _lastAckSent = Nxt;
        Acks.OnSent(gap, text, settings, ref timers);
    }

    /// <summary>The first part of a segment that was received before (RFC 2883 §4.2): below RCV.NXT, or in a range ahead.</summary>
    private void NoteDuplicate(long position, long end)
    {
        if (position < Queue.Next)
        {
            OnKnown(position, (int)(Math.Min(end, Queue.Next) - position));
        }
        else if (Queue.Ahead.TryFindNext(position, out var known) && known.Start < end)
        {
            (_sack ??= new()).OnDuplicate(Math.Max(position, known.Start), Math.Min(end, known.End));
        }
    }

    /// <summary>Takes what a snapshot says; false when its ranges do not fit.</summary>
    public bool TryRestore(TcpSnapshot s, in QueuedBytes copiedAhead, Instant now)
    {
        (_irs, _finPosition, _lastAckSent) = (s.Irs, s.RemoteFinPosition, s.LastAckSent);
        Window.Restore(s.ReceiveLimit, s.RcvWindowScale, s.RcvEdge);
        Queue.Restore(s.ReadPosition, copiedAhead, s.ReceiveQueue);
        if (s.SackHistory.Length > 0 || s.SackDuplicate.Length > 0)
        {
            (_sack ??= new()).Restore(s.SackHistory, s.SackDuplicate);
        }

        Timestamps.Restore(s, now);
        Acks.Restore(s.UnacknowledgedSegments, s.AcksOwed);
        foreach (var bytes in s.OutOfOrder)
        {
            bool fits = Queue.TryInsert(bytes.Position, bytes.First.Span)
                && (bytes.Second.IsEmpty || Queue.TryInsert(bytes.Position + bytes.First.Length, bytes.Second.Span));
            if (!fits)
            {
                return false;
            }
        }

        return true;
    }
}
