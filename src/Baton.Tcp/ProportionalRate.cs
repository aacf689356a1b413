namespace Baton.Tcp;

/// <summary>
/// Proportional rate reduction (RFC 6937): during fast recovery the window shrinks to the threshold in step with what
/// arrives, so that sending neither stops nor bursts; below it one segment more than arrived goes per ACK that shows
/// progress (slow start reduction bound), else as much as arrived (conservative reduction bound).
/// </summary>
internal struct ProportionalRate
{
    [InSnapshot(nameof(TcpSnapshot.RecoveryFlight))]
    private int _flight;

    [InSnapshot(nameof(TcpSnapshot.RecoveryDelivered))]
    private long _delivered;

    [InSnapshot(nameof(TcpSnapshot.RecoverySent))]
    private long _sent;

    /// <summary>RecoverFS: what was in flight when recovery began.</summary>
    public readonly int Flight => _flight;

    /// <summary>prr_delivered: what has arrived since.</summary>
    public readonly long Delivered => _delivered;

    /// <summary>prr_out: what was sent since.</summary>
    public readonly long Sent => _sent;

    /// <summary>Recovery begins.</summary>
    public void Begin(int flight) => (_flight, _delivered, _sent) = (Math.Max(1, flight), 0, 0);

    /// <summary>Something was sent.</summary>
    public void OnSent(int bytes) => _sent += bytes;

    /// <summary>An ACK in recovery: cwnd.</summary>
    /// <param name="delivered">Bytes that it says have newly arrived (DeliveredData).</param>
    /// <param name="pipe">What is in flight now.</param>
    /// <param name="threshold">ssthresh.</param>
    /// <param name="mss">Payload of a full-size segment.</param>
    /// <param name="progress">SND.UNA advanced and the ACK showed no further loss.</param>
    public int OnAck(int delivered, int pipe, int threshold, int mss, bool progress)
    {
        _delivered += delivered;
        long allowed;
        if (pipe > threshold)
        {
            allowed = ((_delivered * threshold) + _flight - 1) / _flight - _sent;
        }
        else
        {
            allowed = Math.Max(_delivered - _sent, delivered) + (progress ? mss : 0);
            allowed = Math.Min(threshold - pipe, allowed);
        }

        // The fast retransmit itself always goes.
        allowed = Math.Max(allowed, _sent == 0 ? mss : 0);
        return (int)Math.Clamp(pipe + allowed, mss, CongestionControl.MaxWindow);
    }

    /// <summary>Takes what a snapshot says.</summary>
    public void Restore(int flight, long delivered, long sent) => (_flight, _delivered, _sent) = (flight, delivered, sent);
}
