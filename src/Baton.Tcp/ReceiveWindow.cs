namespace Baton.Tcp;

/// <summary>
/// The window we promise. Its right edge never goes back, neither in what we accept nor on the wire, where the scaled
/// field has a granularity of 2^scale: while the edge cannot advance the field is rounded up, so the edge creeps by less
/// than one granule an ACK. The window aimed at therefore stays <see cref="Slack"/> below the ring. When tiny segments
/// have used up that slack the field is rounded down (RFC 7323 §2.4); what was promised is accepted all the same.
/// </summary>
internal struct ReceiveWindow
{
    [InSnapshot(nameof(TcpSnapshot.ReceiveLimit))]
    private int _capacity;

    [InSnapshot(nameof(TcpSnapshot.RcvWindowScale))]
    private int _scale;

    [InSnapshot(nameof(TcpSnapshot.RcvEdge))]
    private long _edge = 1;

    /// <summary>A window for a ring of <paramref name="capacity"/> bytes, a power of two.</summary>
    public ReceiveWindow(int capacity)
    {
        _capacity = capacity;
    }

    /// <summary>Bytes of ring aimed at. After it was made smaller the ring may hold more, as promised before.</summary>
    public readonly int Capacity => _capacity;

    /// <summary>The shift we announced.</summary>
    public readonly int Scale => _scale;

    /// <summary>The position after the last we accept: RCV.NXT + RCV.WND as promised.</summary>
    public readonly long Edge => _edge;

    /// <summary>What the ring holds beyond the window aimed at.</summary>
    private readonly int Slack => _scale == 0 ? 0 : _capacity / 16;

    /// <summary>The shift to announce: the smallest with which the window can be expressed (RFC 7323 §2.3).</summary>
    public static int ScaleFor(int capacity)
    {
        int scale = 0;
        while (scale < 14 && capacity - (scale == 0 ? 0 : capacity / 16) > 0xFFFF << scale)
        {
            scale++;
        }

        return scale;
    }

    /// <summary>Both SYNs carried the option (RFC 7323 §2.2).</summary>
    public void Agree(int scale) => _scale = scale;

    /// <summary>The ring aimed at becomes another; a promise stays.</summary>
    public void Resize(int capacity) => _capacity = capacity;

    /// <summary>The field for an ACK of <paramref name="next"/>; promises what it says.</summary>
    public ushort Announce(long next, long read, bool unscaled)
    {
        int shift = unscaled ? 0 : _scale;
        long granule = 1L << shift;
        long aim = Math.Max(0, read + _capacity - Slack - next) >> shift;
        long promised = Math.Max(0, _edge - next);
        long kept = (promised + granule - 1) >> shift;
        if (next + (kept << shift) > read + _capacity)
        {
            kept = promised >> shift;
        }

        long field = Math.Min(0xFFFF, Math.Max(aim, kept));
        _edge = Math.Max(_edge, next + (field << shift));
        return (ushort)field;
    }

    /// <summary>
    /// Whether the peer should hear of room at once: the window doubles, or opens by a quarter of the ring. Less would be
    /// a silly window (RFC 9293 §3.8.6.2.2).
    /// </summary>
    public readonly bool WorthAnUpdate(long next, long read, int peerMss)
    {
        long room = read + _capacity - Slack - next;
        long now = Math.Max(0, _edge - next);
        long growth = Math.Min(room, 0xFFFFL << _scale) - now;
        return growth >= Math.Min(_capacity / 2, 2 * peerMss) && (growth >= now || growth >= _capacity / 4);
    }

    /// <summary>Takes what a snapshot says.</summary>
    public void Restore(int capacity, int scale, long edge) => (_capacity, _scale, _edge) = (capacity, scale, edge);
}
