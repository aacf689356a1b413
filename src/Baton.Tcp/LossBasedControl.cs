using Baton.Wire;

namespace Baton.Tcp;

/// <summary>
/// What the algorithms that slow down with a loss do alike: slow start below a threshold, the reactions of RFC 5681 and
/// RFC 6582, what is taken back when there was none. How the window grows, and by how much it shrinks, is the
/// algorithm's.
/// </summary>
internal abstract class LossBasedControl : CongestionControl
{
    [InSnapshot(nameof(TcpSnapshot.SlowStartThreshold))]
    private int _threshold = MaxWindow;

    [InSnapshot(nameof(TcpSnapshot.PriorThreshold))]
    private int _priorThreshold;

    /// <inheritdoc/>
    public override int Threshold => _threshold;

    /// <inheritdoc/>
    public override int PriorThreshold => _priorThreshold;

    /// <summary>
    /// New data were acknowledged outside fast recovery. The window grows only while it limits the sender (RFC 7661 §3), by
    /// the bytes acknowledged (RFC 3465): one ACK may stand for a whole super-segment, so the bound L does not apply
    /// except after a timeout (RFC 3465 §2.3).
    /// </summary>
    public override void OnAcknowledged(in AckSample sample)
    {
        if (Window < _threshold)
        {
            if (sample.Peak * 2L <= Window)
            {
                return;
            }

            int bytes = sample.AfterTimeout ? Math.Min(sample.Bytes, sample.Mss) : sample.Bytes;
            bytes = OnSlowStart(in sample, bytes);
            Grow(Math.Min(_threshold - Window, bytes));
        }
        else
        {
            OnAvoidance(in sample, limited: sample.Peak + sample.Mss >= Window);
        }
    }

    /// <summary>A loss was found: the threshold falls, once for all losses of a window (RFC 5681 §3.2, equation 4).</summary>
    /// <param name="flight">What is in flight.</param>
    /// <param name="mss">Payload of a full-size segment.</param>
    /// <param name="again">While another loss is recovered from.</param>
    public override void OnLoss(int flight, int mss, bool again)
    {
        Remember(again);
        _threshold = Math.Max(Reduce(flight, mss), 2 * mss);
        Window = Math.Min(Window, _threshold);
    }

    /// <summary>The retransmission timer expired (RFC 5681 §3.1); the threshold falls once per loss event.</summary>
    public override void OnTimeout(int flight, int mss, bool first, bool again)
    {
        if (first)
        {
            Remember(again);
            _threshold = Math.Max(Reduce(flight, mss), 2 * mss);
        }

        Window = mss;
    }

    /// <summary>There was no loss: window and threshold are what they were (RFC 4015 §3.2).</summary>
    public override void Undo()
    {
        Window = Math.Max(Window, PriorWindow);
        _threshold = Math.Max(_threshold, _priorThreshold);
        TakeBack();
    }

    /// <summary>A window for three duplicate ACKs, and one per further one (RFC 5681 §3.2, steps 3 and 4), without SACK.</summary>
    public override void Inflate(int bytes) => Grow(bytes);

    /// <summary>A partial ACK deflates by what it acknowledged and adds one segment (RFC 6582 §3.2, step 3), without SACK.</summary>
    public override void OnPartialAck(int bytes, int mss) => Window = Math.Max(mss, Window - bytes + (bytes >= mss ? mss : 0));

    /// <summary>Recovery without SACK is over: no burst follows (RFC 6582 §3.2, step 3, option 1).</summary>
    public override void OnRecovered(int flight, int mss) => Window = Math.Min(_threshold, Math.Max(flight, mss) + mss);

    /// <summary>Nothing was sent for longer than the timeout: what the window knew is old (RFC 5681 §4.1, RFC 2861).</summary>
    public override void OnIdle(int mss)
    {
        // RFC 2861 §3.1: the threshold keeps the memory of what the path carried.
        _threshold = Math.Max(_threshold, (int)(Window * 3L / 4));
        Window = Math.Min(Window, InitialWindow(mss));
        OnPause();
    }

    /// <summary>The window of a recovery that sets it with every ACK (RFC 6937).</summary>
    public override void Set(int window) => Window = window;

    /// <summary>Takes what a snapshot says.</summary>
    public override void Restore(TcpSnapshot s, Instant now)
    {
        (_threshold, _priorThreshold) = (s.SlowStartThreshold, s.PriorThreshold);
        base.Restore(s, now);
    }

    /// <summary>Twice the window in a round trip while it doubles, else a fifth more than it, so that pacing never is what limits.</summary>
    public override double PacingRate(TimeSpan smoothed) =>
        (Window < _threshold ? 2.0 : 1.2) * Window / Math.Max(smoothed.TotalSeconds, 1e-6);

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
    protected void LeaveSlowStart() => _threshold = Math.Max(1, Window);

    /// <summary>The window grows.</summary>
    protected void Grow(int bytes) => Window = (int)Math.Min(MaxWindow, (long)Window + bytes);

    private void Remember(bool again)
    {
        // RFC 4015 §3.1: of two reductions in a row the first knows the window that was right.
        if (!again)
        {
            (PriorWindow, _priorThreshold) = (Window, _threshold);
        }
    }
}
