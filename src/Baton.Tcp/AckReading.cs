using Baton.Wire;

namespace Baton.Tcp;

/// <summary>What an ACK said about the stream in flight.</summary>
internal struct Delivery
{
    /// <summary>Bytes that newly arrived (RFC 6937, DeliveredData).</summary>
    public int Bytes;

    /// <summary>Whether a SACK block told something new.</summary>
    public bool NewSack;

    /// <summary>What the peer says it got twice (RFC 2883); empty: nothing.</summary>
    public StreamRange Duplicate;

    /// <summary>The shortest round trip among what was sent once, if any was.</summary>
    public TimeSpan? Rtt;

    /// <summary>The highest position that has newly arrived of what was sent once; 0: none.</summary>
    public long Newest;

    /// <summary>Whether something below the recovery point that was never sent again has arrived (RFC 5682 §2.1).</summary>
    public bool Original;
}

/// <summary>Reads an ACK: which transmissions it says have arrived.</summary>
internal ref struct AckReading(LossRecovery recovery, Instant now, Sender sender, Instant? echoed)
{
    private readonly long _highestBefore = recovery.Rack.Highest;

    /// <summary>What was found.</summary>
    public Delivery Delivery;

    /// <summary>Everything below <paramref name="ack"/> has arrived.</summary>
    public void Advance(long ack)
    {
        long una = sender.Una;
        if (ack <= una)
        {
            return;
        }

        Note(una, ack);
        long before = recovery.Sacked.Total;
        recovery.Sacked.RemoveBelow(ack);
        Delivery.Bytes += (int)(ack - una - (before - recovery.Sacked.Total));
        recovery.Sent.RemoveBelow(ack);
    }

    /// <summary>The SACK blocks (RFC 2018), the first of which may report a duplicate (RFC 2883).</summary>
    public void ReadBlocks(in TcpOptions options, long ack)
    {
        for (int i = 0; i < options.SackCount; i++)
        {
            var block = new StreamRange(sender.PositionOf(options[i].Left), sender.PositionOf(options[i].Right));
            if (block.Length <= 0 || block.End > sender.Nxt)
            {
                continue;
            }

            if (i == 0 && IsDuplicate(options, block, ack))
            {
                Delivery.Duplicate = block;
            }
            else if (block.Start > Math.Max(ack, sender.Una))
            {
                Add(block);
            }
        }
    }

    /// <summary>RFC 2883 §4: below the cumulative acknowledgment, or within the second block.</summary>
    private readonly bool IsDuplicate(in TcpOptions options, StreamRange block, long ack)
    {
        if (block.End <= ack)
        {
            return block.Start >= 1 && block.Start >= ack - sender.MaxWindow;
        }

        return options.SackCount > 1
            && block.Start >= sender.PositionOf(options[1].Left) && block.End <= sender.PositionOf(options[1].Right)
            && block.Start > ack;
    }

    private void Add(StreamRange block)
    {
        if (recovery.Sacked.TryFind(block.Start, out var known) && known.End >= block.End)
        {
            return;
        }

        Note(block.Start, block.End);
        long before = recovery.Sacked.Total;
        if (recovery.Sacked.TryAdd(block.Start, block.End))
        {
            int more = (int)(recovery.Sacked.Total - before);
            Delivery.Bytes += more;
            Delivery.NewSack |= more > 0;
        }
    }

    /// <summary>What of a range was not known to have arrived has now.</summary>
    private void Note(long start, long end)
    {
        ref var log = ref recovery.Sent;
        for (int i = Math.Max(0, log.IndexOf(start)); i < log.Parts.Length; i++)
        {
            var part = log.Parts[i];
            long from = Math.Max(start, log.StartOf(i));
            long to = Math.Min(end, part.End);
            if (from >= to)
            {
                break;
            }

            while (recovery.Sacked.Count > 0 && from < to)
            {
                long next = recovery.Sacked.TryFindNext(from, out var known) ? Math.Min(to, known.Start) : to;
                if (from < next)
                {
                    Note(in part, next);
                }

                from = Math.Max(next, Math.Min(to, known.End));
            }

            if (from < to)
            {
                Note(in part, to);
            }
        }
    }

    /// <summary>Bytes of a part up to <paramref name="to"/> have arrived.</summary>
    private void Note(in SentPart part, long to)
    {
        bool once = (part.Marks & SentMarks.Again) == 0;
        if (once)
        {
            var rtt = now - part.Since;
            Delivery.Rtt = Delivery.Rtt is { } shorter && shorter < rtt ? shorter : rtt;
            Delivery.Newest = Math.Max(Delivery.Newest, to);
            Delivery.Original |= to <= recovery.Point;
        }

        if (recovery.UsesSack)
        {
            recovery.Rack.OnDelivered(in part, to, now, sender.Rtt.Min, echoed);
            recovery.Rack.OnOrder(to, once, _highestBefore);
        }
    }
}
