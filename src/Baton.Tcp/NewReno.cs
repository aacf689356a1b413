using Baton.Wire;

namespace Baton.Tcp;

/// <summary>Slow start and congestion avoidance of RFC 5681, as RFC 6582 uses them.</summary>
internal sealed class NewReno : LossBasedControl
{
    [InSnapshot(nameof(TcpSnapshot.CongestionDetails))]
    private int _credit;

    /// <inheritdoc/>
    public override CongestionAlgorithm Algorithm => CongestionAlgorithm.NewReno;

    /// <inheritdoc/>
    public override long[] Details(Instant now) => [_credit];

    /// <inheritdoc/>
    protected override void RestoreDetails(DetailReader details, Instant now) => _credit = (int)details.Next(0, MaxWindow);

    /// <inheritdoc/>
    protected override int OnSlowStart(in AckSample sample, int bytes) => bytes;

    /// <summary>One segment for each window acknowledged (RFC 5681 §3.1, equation 3, counted in bytes as RFC 3465 §2.1 does).</summary>
    protected override void OnAvoidance(in AckSample sample, bool limited)
    {
        if (!limited)
        {
            return;
        }

        _credit += sample.Bytes;
        if (_credit >= Window)
        {
            _credit -= Window;
            Grow(sample.Mss);
        }

        _credit = Math.Min(_credit, Window);
    }

    /// <summary>Half of what is in flight (RFC 5681 §3.1, equation 4).</summary>
    protected override int Reduce(int flight, int mss)
    {
        _credit = 0;
        return flight / 2;
    }

    /// <inheritdoc/>
    protected override void TakeBack()
    {
    }
}
