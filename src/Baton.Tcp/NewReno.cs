namespace Baton.Tcp;

/// <summary>
/// The congestion window: slow start, congestion avoidance and the reactions to loss of RFC 5681, as RFC 6582 uses them.
/// </summary>
internal sealed class NewReno
{
    /// <summary>A window that nothing here needs to exceed; keeps the arithmetic in range.</summary>
    private const int MaxWindow = 1 << 30;

    [InSnapshot(nameof(TcpSnapshot.CongestionWindow))]
    private int _window;

    [InSnapshot(nameof(TcpSnapshot.SlowStartThreshold))]
    private int _threshold = MaxWindow;

    [InSnapshot(nameof(TcpSnapshot.CongestionAvoidanceCredit))]
    private int _credit;

    /// <summary>cwnd in bytes.</summary>
    public int Window => _window;

    /// <summary>ssthresh in bytes.</summary>
    public int Threshold => _threshold;

    /// <summary>Bytes acknowledged in congestion avoidance towards the next increase.</summary>
    public int Credit => _credit;

    /// <summary>Sets the initial window: ten segments (RFC 6928 §2), or one after a lost SYN (RFC 5681 §3.1).</summary>
    public void Start(int mss, bool synRetransmitted) => _window = synRetransmitted ? mss : InitialWindow(mss);

    /// <summary>IW10 (RFC 6928 §2).</summary>
    public static int InitialWindow(int mss) => Math.Min(10 * mss, Math.Max(2 * mss, 14600));

    /// <summary>
    /// New data were acknowledged outside recovery. The window grows only while it limits the sender (RFC 7661 §3), by
    /// the bytes acknowledged (RFC 3465): one ACK may stand for a whole super-segment, so the bound L does not apply
    /// except after a timeout (RFC 3465 §2.3).
    /// </summary>
    public void OnAcknowledged(int bytes, int flight, int mss, bool afterTimeout)
    {
        if (_window < _threshold)
        {
            if (flight >= _window / 2)
            {
                Grow(Math.Min(_threshold - _window, afterTimeout ? Math.Min(bytes, mss) : bytes));
            }

            return;
        }

        if (flight + mss < _window)
        {
            return;
        }

        _credit += bytes;
        if (_credit >= _window)
        {
            _credit -= _window;
            Grow(mss);
        }

        _credit = Math.Min(_credit, _window);
    }

    /// <summary>Fast retransmit: half of what is in flight (RFC 5681 §3.2, equation 4).</summary>
    public void OnFastRetransmit(int flight, int mss)
    {
        _threshold = Math.Max(flight / 2, 2 * mss);
        _window = _threshold;
        _credit = 0;
    }

    /// <summary>A window for three duplicate ACKs, and one per further one (RFC 5681 §3.2, steps 3 and 4), without SACK.</summary>
    public void Inflate(int bytes) => Grow(bytes);

    /// <summary>A partial ACK deflates by what it acknowledged and adds one segment (RFC 6582 §3.2, step 3).</summary>
    public void OnPartialAck(int bytes, int mss) =>
        _window = Math.Max(mss, _window - bytes + (bytes >= mss ? mss : 0));

    /// <summary>Recovery is over: no burst follows (RFC 6582 §3.2, step 3, option 1).</summary>
    public void OnRecovered(int flight, int mss) => _window = Math.Min(_threshold, Math.Max(flight, mss) + mss);

    /// <summary>The retransmission timer expired (RFC 5681 §3.1); the threshold falls once per loss event.</summary>
    public void OnTimeout(int flight, int mss, bool first)
    {
        if (first)
        {
            _threshold = Math.Max(flight / 2, 2 * mss);
        }

        _window = mss;
        _credit = 0;
    }

    /// <summary>Nothing was sent for longer than the timeout: what the window knew is old (RFC 5681 §4.1).</summary>
    public void OnIdle(int mss) => _window = Math.Min(_window, InitialWindow(mss));

    /// <summary>Takes what a snapshot says.</summary>
    public void Restore(int window, int threshold, int credit) => (_window, _threshold, _credit) = (window, threshold, credit);

    private void Grow(int bytes) => _window = (int)Math.Min(MaxWindow, (long)_window + bytes);
}
