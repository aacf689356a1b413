using Baton.Tcp;
using Baton.Wire;

namespace Baton.Scenarios.Run;

/// <summary>The segments of one flow as they crossed the wire: <c>tcp_info</c> counts segments where the stack counts bytes.</summary>
internal sealed class TransmissionLog
{
    private readonly List<(SeqNum Start, SeqNum End, int Times)> _sent = [];

    private Instant _begin;

    /// <summary>Segments that left.</summary>
    public long SegmentsOut { get; private set; }

    /// <summary>Segments that left with payload.</summary>
    public long DataSegmentsOut { get; private set; }

    /// <summary>Segments that arrived.</summary>
    public long SegmentsIn { get; private set; }

    /// <summary>Segments that arrived with payload.</summary>
    public long DataSegmentsIn { get; private set; }

    /// <summary>When payload left last.</summary>
    public Instant LastDataSent { get; private set; }

    /// <summary>When payload arrived last.</summary>
    public Instant LastDataReceived { get; private set; }

    /// <summary>When an acknowledgment arrived last.</summary>
    public Instant LastAckReceived { get; private set; }

    /// <summary>A segment left.</summary>
    public void OnSent(Instant now, in TcpHeader header, int payload)
    {
        Begin(now);
        SegmentsOut++;
        int length = payload + (header.Has(TcpFlags.Fin) ? 1 : 0);
        if (payload > 0)
        {
            DataSegmentsOut++;
            LastDataSent = now;
        }

        if (length == 0)
        {
            return;
        }

        var (start, end) = (header.Sequence, header.Sequence + (uint)length);
        int known = _sent.FindLastIndex(s => s.Start == start && s.End == end);
        if (known >= 0)
        {
            _sent[known] = _sent[known] with { Times = _sent[known].Times + 1 };
        }
        else
        {
            _sent.Add((start, end, 1));
        }
    }

    /// <summary>A segment arrived.</summary>
    public void OnReceived(Instant now, int payload, bool ack)
    {
        Begin(now);
        SegmentsIn++;
        DataSegmentsIn += payload > 0 ? 1 : 0;

        // What never came counts from the handshake's acknowledgment.
        LastDataReceived = payload > 0 || (ack && LastAckReceived <= _begin && DataSegmentsIn == 0) ? now : LastDataReceived;
        LastAckReceived = ack ? now : LastAckReceived;
    }

    /// <summary>Counts segments in flight, and those that the peer has, by what a connection knows of its stream.</summary>
    public SegmentCounts Count(TcpSnapshot snapshot)
    {
        var counts = new SegmentCounts();
        foreach (var (startNumber, endNumber, times) in _sent)
        {
            // The stream in a script is short: distances from the initial number do not wrap.
            long start = startNumber.Value - snapshot.Iss.Value;
            long end = endNumber.Value - snapshot.Iss.Value;
            if (end <= snapshot.SndUna)
            {
                counts.Delivered++;
                continue;
            }

            bool sacked = snapshot.Sacked.Any(range => range.Start <= start && range.End >= end);
            var marks = MarksOf(snapshot, start);
            bool lost = (marks & SentMarks.Lost) != 0;
            bool again = times > 1 && (marks & SentMarks.Again) != 0;
            bool recovers = snapshot.RecoveryPhase != RecoveryPhase.Open && start < snapshot.RecoveryPoint;
            counts.InFlight++;
            counts.Delivered += sacked ? 1 : 0;
            counts.Sacked += sacked ? 1 : 0;
            counts.Lost += !sacked && (lost || (again && recovers)) ? 1 : 0;
            counts.Resent += !sacked && !lost && again ? 1 : 0;
        }

        return counts;
    }

    /// <summary>What never happened counts from the first segment.</summary>
    private void Begin(Instant now)
    {
        if (SegmentsIn + SegmentsOut == 0)
        {
            (_begin, LastDataSent, LastDataReceived, LastAckReceived) = (now, now, now, now);
        }
    }

    private static SentMarks MarksOf(TcpSnapshot snapshot, long position)
    {
        foreach (var part in snapshot.Sent)
        {
            if (position < part.End)
            {
                return part.Marks;
            }
        }

        return SentMarks.None;
    }
}

/// <summary>Counts of segments.</summary>
internal struct SegmentCounts
{
    /// <summary>Sent and not acknowledged cumulatively.</summary>
    public int InFlight;

    /// <summary>Of them, those that the peer has.</summary>
    public int Sacked;

    /// <summary>Of them, those that are taken as lost, sent again or not.</summary>
    public int Lost;

    /// <summary>Of them, those that were sent again.</summary>
    public int Resent;

    /// <summary>What the peer has got.</summary>
    public int Delivered;
}
