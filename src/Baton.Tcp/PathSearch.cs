using Baton.Wire;

namespace Baton.Tcp;

/// <summary>
/// Packetization layer path MTU discovery (RFC 4821, RFC 8899): where large segments vanish and no ICMP says so, segments
/// become small; then single larger ones probe whether they arrive, each halving what is unknown. Sizes are of payload.
/// Made when a black hole is found.
/// </summary>
internal sealed class PathSearch(int limit)
{
    /// <summary>What is left unknown in the end.</summary>
    private const int Precision = 32;

    /// <summary>After so long a path may be another (RFC 4821 §7.3.2, RFC 8899 §5.1.1: 600 s).</summary>
    private static readonly TimeSpan RaiseAfter = TimeSpan.FromMinutes(10);

    [InSnapshot(nameof(TcpSnapshot.PathSearchLimit))]
    private int _limit = limit;

    [NotInSnapshot("searched for anew by the new owner, up to the limit")]
    private int _high = limit - 1;

    [NotInSnapshot("searched for anew by the new owner")]
    private Instant _raiseAt = Instant.Never;

    [NotInSnapshot("a probe under way counts as any segment after a move")]
    private StreamRange _probe;

    [NotInSnapshot("a probe under way counts as any segment after a move")]
    private int _size;

    /// <summary>The size that was in use before, and is hoped for.</summary>
    public int Limit => _limit;

    /// <summary>The size to probe now, larger than <paramref name="low"/>, or 0.</summary>
    public int NextSize(Instant now, int low)
    {
        if (_probe.Length > 0)
        {
            return 0;
        }

        if (now >= _raiseAt)
        {
            (_high, _raiseAt) = (_limit, Instant.Never);
        }

        if (_high - low < Precision)
        {
            _raiseAt = low < _limit && _raiseAt == Instant.Never ? now + RaiseAfter : _raiseAt;
            return 0;
        }

        return _high == _limit ? _limit : (low + _high + 1) / 2;
    }

    /// <summary>A probe left.</summary>
    public void OnProbe(StreamRange range, int size) => (_probe, _size) = (range, size);

    /// <summary>Everything below a position has arrived; the size that the path is known to carry now, or 0.</summary>
    public int OnAcknowledged(long una)
    {
        if (_probe.Length == 0 || una < _probe.End)
        {
            return 0;
        }

        _probe = default;
        return _size;
    }

    /// <summary>A range goes again: the probe in it has failed.</summary>
    public void OnResent(long start, long end)
    {
        if (_probe.Length > 0 && start < _probe.End && end > _probe.Start)
        {
            _high = _size - 1;
            _probe = default;
        }
    }

    /// <summary>Larger segments do not arrive.</summary>
    public void OnTooLarge(int size) => _high = Math.Min(_high, size - 1);

    /// <summary>A router said what the path carries.</summary>
    public void OnTold(int size) => (_limit, _high) = (Math.Min(_limit, size), Math.Min(_high, size));
}
