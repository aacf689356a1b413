using Baton.Wire;

namespace Baton.Tcp;

/// <summary>The algorithms that a connection may use, chosen in <see cref="TcpSettings"/>.</summary>
public enum CongestionAlgorithm : byte
{
    /// <summary>CUBIC (RFC 9438) with HyStart++ (RFC 9406).</summary>
    Cubic,

    /// <summary>NewReno (RFC 5681, RFC 6582).</summary>
    NewReno,
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

/// <summary>
/// The congestion window and what every algorithm does alike with it: the initial window, the reactions to loss of
/// RFC 5681 and RFC 6582, what is taken back when there was none. How it grows, and by how much it shrinks, is the
/// algorithm's.
/// </summary>
internal abstract class CongestionControl
{
    /// <summary>A window that nothing here needs to exceed; keeps the arithmetic in range.</summary>
    public const int MaxWindow = 1 << 30;

    /// <summary>Most numbers of its own that an algorithm puts into a snapshot.</summary>
    public const int MaxDetails = 16;

    [InSnapshot(nameof(TcpSnapshot.CongestionWindow))]
    private int _window;

    [InSnapshot(nameof(TcpSnapshot.SlowStartThreshold))]
    private int _threshold = MaxWindow;

    [InSnapshot(nameof(TcpSnapshot.PriorWindow))]
    private int _priorWindow;

    [InSnapshot(nameof(TcpSnapshot.PriorThreshold))]
    private int _priorThreshold;

    /// <summary>Which one it is.</summary>
    public abstract CongestionAlgorithm Algorithm { get; }

    /// <summary>cwnd in bytes.</summary>
    public int Window => _window;

    /// <summary>ssthresh in bytes.</summary>
    public int Threshold => _threshold;

    /// <summary>cwnd before the reduction that may be taken back.</summary>
    public int PriorWindow => _priorWindow;

    /// <summary>ssthresh before it.</summary>
    public int PriorThreshold => _priorThreshold;

    /// <summary>An algorithm at its beginning.</summary>
    public static CongestionControl Create(CongestionAlgorithm algorithm) => algorithm switch
    {
        CongestionAlgorithm.NewReno => new NewReno(),
        _ => new Cubic(),
    };

    /// <summary>IW10 (RFC 6928 §2).</summary>
    public static int InitialWindow(int mss) => Math.Min(10 * mss, Math.Max(2 * mss, 14600));

    /// <summary>Sets the initial window: ten segments (RFC 6928 §2), or one after a lost SYN (RFC 5681 §3.1).</summary>
    public void Start(int mss, bool synRetransmitted) => _window = synRetransmitted ? mss : InitialWindow(mss);

    /// <summary>
    /// New data were acknowledged outside fast recovery. The window grows only while it limits the sender (RFC 7661 §3), by
    /// the bytes acknowledged (RFC 3465): one ACK may stand for a whole super-segment, so the bound L does not apply
    /// except after a timeout (RFC 3465 §2.3).
    /// </summary>
    public void OnAcknowledged(in AckSample sample)
    {
        if (_window < _threshold)
        {
            if (sample.Peak * 2L <= _window)
            {
                return;
            }

            int bytes = sample.AfterTimeout ? Math.Min(sample.Bytes, sample.Mss) : sample.Bytes;
            bytes = OnSlowStart(in sample, bytes);
            Grow(Math.Min(_threshold - _window, bytes));
        }
        else
        {
            OnAvoidance(in sample, limited: sample.Peak + sample.Mss >= _window);
        }
    }

    /// <summary>A loss was found: the threshold falls, once for all losses of a window (RFC 5681 §3.2, equation 4).</summary>
    /// <param name="flight">What is in flight.</param>
    /// <param name="mss">Payload of a full-size segment.</param>
    /// <param name="again">While another loss is recovered from.</param>
    public void OnLoss(int flight, int mss, bool again)
    {
        Remember(again);
        _threshold = Math.Max(Reduce(flight, mss), 2 * mss);
        _window = Math.Min(_window, _threshold);
    }

    /// <summary>The retransmission timer expired (RFC 5681 §3.1); the threshold falls once per loss event.</summary>
    public void OnTimeout(int flight, int mss, bool first, bool again)
    {
        if (first)
        {
            Remember(again);
            _threshold = Math.Max(Reduce(flight, mss), 2 * mss);
        }

        _window = mss;
    }

    /// <summary>There was no loss: window and threshold are what they were (RFC 4015 §3.2).</summary>
    public void Undo()
    {
        _window = Math.Max(_window, _priorWindow);
        _threshold = Math.Max(_threshold, _priorThreshold);
        TakeBack();
    }

    /// <summary>A window for three duplicate ACKs, and one per further one (RFC 5681 §3.2, steps 3 and 4), without SACK.</summary>
    public void Inflate(int bytes) => Grow(bytes);

    /// <summary>A partial ACK deflates by what it acknowledged and adds one segment (RFC 6582 §3.2, step 3), without SACK.</summary>
    public void OnPartialAck(int bytes, int mss) => _window = Math.Max(mss, _window - bytes + (bytes >= mss ? mss : 0));

    /// <summary>Recovery without SACK is over: no burst follows (RFC 6582 §3.2, step 3, option 1).</summary>
    public void OnRecovered(int flight, int mss) => _window = Math.Min(_threshold, Math.Max(flight, mss) + mss);

    /// <summary>Nothing was sent for longer than the timeout: what the window knew is old (RFC 5681 §4.1, RFC 2861).</summary>
    public void OnIdle(int mss)
    {
        // RFC 2861 §3.1: the threshold keeps the memory of what the path carried.
        _threshold = Math.Max(_threshold, (int)(_window * 3L / 4));
        _window = Math.Min(_window, InitialWindow(mss));
        OnPause();
    }

    /// <summary>The window of a recovery that sets it with every ACK (RFC 6937).</summary>
    public void Set(int window) => _window = Math.Clamp(window, 1, MaxWindow);

    /// <summary>Takes what a snapshot says.</summary>
    public void Restore(TcpSnapshot s, Instant now)
    {
        (_window, _threshold, _priorWindow, _priorThreshold) = (s.CongestionWindow, s.SlowStartThreshold, s.PriorWindow, s.PriorThreshold);
        RestoreDetails(new(s.CongestionDetails), now);
    }

    /// <summary>The algorithm's own numbers for a snapshot, at most <see cref="MaxDetails"/>; times as ages.</summary>
    public abstract long[] Details(Instant now);

    /// <summary>Takes the algorithm's own numbers, which may be any.</summary>
    protected abstract void RestoreDetails(DetailReader details, Instant now);

    /// <summary>An ACK in slow start: by how many bytes the window may grow for so many acknowledged.</summary>
    protected abstract int OnSlowStart(in AckSample sample, int bytes);

    /// <summary>An ACK in congestion avoidance; <paramref name="limited"/>: the window limits the sender.</summary>
    protected abstract void OnAvoidance(in AckSample sample, bool limited);

    /// <summary>The threshold after a loss.</summary>
    protected abstract int Reduce(int flight, int mss);

    /// <summary>Takes back what <see cref="Reduce"/> changed of the algorithm's own.</summary>
    protected abstract void TakeBack();

    /// <summary>Nothing was sent for a while.</summary>
    protected virtual void OnPause()
    {
    }

    /// <summary>Slow start is over.</summary>
    protected void LeaveSlowStart() => _threshold = Math.Max(1, _window);

    protected void Grow(int bytes) => _window = (int)Math.Min(MaxWindow, (long)_window + bytes);

    private void Remember(bool again)
    {
        // RFC 4015 §3.1: of two reductions in a row the first knows the window that was right.
        if (!again)
        {
            (_priorWindow, _priorThreshold) = (_window, _threshold);
        }
    }
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
