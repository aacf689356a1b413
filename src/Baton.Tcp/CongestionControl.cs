using Baton.Wire;

namespace Baton.Tcp;

/// <summary>The algorithms that a connection may use, chosen in <see cref="TcpSettings"/>.</summary>
public enum CongestionAlgorithm : byte
{
    /// <summary>CUBIC (RFC 9438) with HyStart++ (RFC 9406).</summary>
    Cubic,

    /// <summary>NewReno (RFC 5681, RFC 6582).</summary>
    NewReno,

    /// <summary>BBR version 1, paced (draft-cardwell-iccrg-bbr-congestion-control-00).</summary>
    Bbr,
}

/// <summary>What a congestion control learns from an ACK.</summary>
internal readonly ref struct AckSample
{
    /// <summary>The time.</summary>
    public required Instant Now { get; init; }

    /// <summary>Bytes acknowledged cumulatively.</summary>
    public required int Bytes { get; init; }

    /// <summary>What was in flight before the ACK.</summary>
    public required int Flight { get; init; }

    /// <summary>The most that was in flight within the last round trip (pipeACK, RFC 7661 §4.2).</summary>
    public required int Peak { get; init; }

    /// <summary>Payload of a full-size segment.</summary>
    public required int Mss { get; init; }

    /// <summary>SND.UNA after the ACK.</summary>
    public required long Una { get; init; }

    /// <summary>SND.NXT.</summary>
    public required long Nxt { get; init; }

    /// <summary>The ACK's round trip, or null.</summary>
    public required TimeSpan? Rtt { get; init; }

    /// <summary>SRTT.</summary>
    public required TimeSpan Smoothed { get; init; }

    /// <summary>Whether a timeout is being recovered from.</summary>
    public required bool AfterTimeout { get; init; }
}

/// <summary>What a congestion control that models the path learns from an ACK.</summary>
internal readonly ref struct DeliverySample
{
    /// <summary>The time.</summary>
    public required Instant Now { get; init; }

    /// <summary>Bytes that the ACK says have newly arrived.</summary>
    public required int Delivered { get; init; }

    /// <summary>The highest position among them that was sent once; 0: none.</summary>
    public required long Newest { get; init; }

    /// <summary>SND.UNA after the ACK.</summary>
    public required long Una { get; init; }

    /// <summary>What was in flight before the ACK.</summary>
    public required int Flight { get; init; }

    /// <summary>What is in flight now.</summary>
    public required int Pipe { get; init; }

    /// <summary>What is lost and not sent again.</summary>
    public required long Lost { get; init; }

    /// <summary>Payload of a full-size segment.</summary>
    public required int Mss { get; init; }

    /// <summary>The ACK's round trip, or null.</summary>
    public required TimeSpan? Rtt { get; init; }

    /// <summary>The path's shortest round trip.</summary>
    public required TimeSpan MinRtt { get; init; }

    /// <summary>Where loss recovery stands.</summary>
    public required RecoveryPhase Phase { get; init; }
}

/// <summary>The congestion window, and what loss recovery and sending tell the algorithm that sets it.</summary>
internal abstract class CongestionControl
{
    /// <summary>A window that nothing here needs to exceed; keeps the arithmetic in range.</summary>
    public const int MaxWindow = 1 << 30;

    /// <summary>Most numbers of its own that an algorithm puts into a snapshot.</summary>
    public const int MaxDetails = 24;

    [InSnapshot(nameof(TcpSnapshot.CongestionWindow))]
    private int _window;

    [InSnapshot(nameof(TcpSnapshot.PriorWindow))]
    private int _priorWindow;

    /// <summary>Which one it is.</summary>
    public abstract CongestionAlgorithm Algorithm { get; }

    /// <summary>cwnd in bytes.</summary>
    public int Window { get => _window; protected set => _window = Math.Clamp(value, 1, MaxWindow); }

    /// <summary>cwnd before the reduction that may be taken back.</summary>
    public int PriorWindow { get => _priorWindow; protected set => _priorWindow = value; }

    /// <summary>ssthresh in bytes.</summary>
    public abstract int Threshold { get; }

    /// <summary>ssthresh before the reduction.</summary>
    public abstract int PriorThreshold { get; }

    /// <summary>Whether it slows down when routers mark packets, so that they may do so (RFC 3168 §5).</summary>
    public virtual bool AnswersMarks => true;

    /// <summary>Whether it wants <see cref="OnDelivered"/> and can only be used paced.</summary>
    public virtual bool ModelsPath => false;

    /// <summary>An algorithm at its beginning.</summary>
    public static CongestionControl Create(CongestionAlgorithm algorithm) => algorithm switch
    {
        CongestionAlgorithm.NewReno => new NewReno(),
        CongestionAlgorithm.Bbr => new Bbr(),
        _ => new Cubic(),
    };

    /// <summary>IW10 (RFC 6928 §2).</summary>
    public static int InitialWindow(int mss) => Math.Min(10 * mss, Math.Max(2 * mss, 14600));

    /// <summary>Sets the initial window: ten segments (RFC 6928 §2), or one after a lost SYN (RFC 5681 §3.1).</summary>
    public void Start(int mss, bool synRetransmitted) => _window = synRetransmitted ? mss : InitialWindow(mss);

    /// <summary>Goes on with another's window.</summary>
    public void Continue(CongestionControl other) => _window = other.Window;

    /// <summary>New data were acknowledged outside fast recovery.</summary>
    public abstract void OnAcknowledged(in AckSample sample);

    /// <summary>A loss was found.</summary>
    /// <param name="flight">What is in flight.</param>
    /// <param name="mss">Payload of a full-size segment.</param>
    /// <param name="again">While another loss is recovered from.</param>
    public abstract void OnLoss(int flight, int mss, bool again);

    /// <summary>The retransmission timer expired.</summary>
    public abstract void OnTimeout(int flight, int mss, bool first, bool again);

    /// <summary>There was no loss: the window is what it was (RFC 4015 §3.2).</summary>
    public abstract void Undo();

    /// <summary>A window for three duplicate ACKs, and one per further one (RFC 5681 §3.2, steps 3 and 4), without SACK.</summary>
    public abstract void Inflate(int bytes);

    /// <summary>A partial ACK (RFC 6582 §3.2, step 3), without SACK.</summary>
    public abstract void OnPartialAck(int bytes, int mss);

    /// <summary>Recovery without SACK is over (RFC 6582 §3.2, step 3).</summary>
    public abstract void OnRecovered(int flight, int mss);

    /// <summary>Nothing was sent for longer than the timeout.</summary>
    public abstract void OnIdle(int mss);

    /// <summary>The window that recovery would have with every ACK (RFC 6937).</summary>
    public abstract void Set(int window);

    /// <summary>New data leave while <paramref name="pipe"/> bytes are in flight; what leaves within the grain counts as one.</summary>
    public virtual void OnSent(Instant now, long end, int pipe, TimeSpan grain)
    {
    }

    /// <summary>There is nothing to send, although the window would let it.</summary>
    public virtual void OnQuiet(int pipe)
    {
    }

    /// <summary>Any ACK, after recovery has seen it.</summary>
    public virtual void OnDelivered(in DeliverySample sample)
    {
    }

    /// <summary>The rate at which to send, in bytes a second.</summary>
    public abstract double PacingRate(TimeSpan smoothed);

    /// <summary>Takes what a snapshot says.</summary>
    public virtual void Restore(TcpSnapshot s, Instant now)
    {
        (_window, _priorWindow) = (s.CongestionWindow, s.PriorWindow);
        RestoreDetails(new(s.CongestionDetails), now);
    }

    /// <summary>The algorithm's own numbers for a snapshot, at most <see cref="MaxDetails"/>; times as ages.</summary>
    public abstract long[] Details(Instant now);

    /// <summary>Takes the algorithm's own numbers, which may be any.</summary>
    protected abstract void RestoreDetails(DetailReader details, Instant now);
}

/// <summary>Numbers of a snapshot, read in order within ranges; what is missing reads as the lower bound.</summary>
internal ref struct DetailReader(ReadOnlySpan<long> numbers)
{
    private ReadOnlySpan<long> _rest = numbers;

    /// <summary>The next number.</summary>
    public long Next(long min, long max)
    {
        long value = _rest.IsEmpty ? min : Math.Clamp(_rest[0], min, max);
        _rest = _rest.IsEmpty ? _rest : _rest[1..];
        return value;
    }
}
