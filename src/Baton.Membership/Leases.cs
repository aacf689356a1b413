using Baton.Wire;

namespace Baton.Membership;

/// <summary>
/// How long this node may rely on each peer, by this node's clock alone: a lease lasts from the time at which a datagram was
/// sent that the peer says it has heard. The peer counts from when it heard it, which is later, and a margin more.
/// </summary>
internal sealed class Leases
{
    // More than are sent in a lease; older ones renew nothing any more.
    private const int Remembered = 128;

    private readonly TimeSpan _length;
    private readonly Instant[] _sent = new Instant[Remembered];
    private readonly Lease[] _leases;
    private ulong _last;

    /// <summary>Leases that begin with the node: it owns nothing yet that they could be about.</summary>
    public Leases(int peers, TimeSpan length, Instant now)
    {
        _length = length;
        _leases = new Lease[peers];
        Array.Fill(_leases, new Lease { Until = now + length });
    }

    /// <summary>Rises with each lease that ends or is renewed after its end.</summary>
    public int Changes { get; private set; }

    /// <summary>When the next one ends.</summary>
    public Instant NextEnd
    {
        get
        {
            var next = Instant.Never;
            foreach (ref readonly var lease in _leases.AsSpan())
            {
                next = lease.IsOver ? next : Instant.Min(next, lease.Until);
            }

            return next;
        }
    }

    public void OnSent(Instant now, ulong sequence)
    {
        _last = sequence;
        _sent[sequence % Remembered] = now;
    }

    /// <summary>The peer has heard this node's datagram of that number.</summary>
    public void OnHeard(Instant now, int peer, ulong sequence)
    {
        if (sequence == 0 || sequence > _last || _last - sequence >= Remembered)
        {
            return;
        }

        ref var lease = ref _leases[peer];
        lease.WasRenewed = true;
        lease.Until = Instant.Max(lease.Until, _sent[sequence % Remembered] + _length);
        if (lease.IsOver && lease.Until > now)
        {
            lease.IsOver = false;
            Changes++;
        }
    }

    /// <summary>A peer is heard of for the first time: it has time to say what it hears.</summary>
    public void OnMet(Instant now, int peer)
    {
        ref var lease = ref _leases[peer];
        lease.Until = Instant.Max(lease.Until, now + _length);
        lease.IsOver = false;
        Changes++;
    }

    public void OnDeadline(Instant now)
    {
        foreach (ref var lease in _leases.AsSpan())
        {
            if (!lease.IsOver && now >= lease.Until)
            {
                lease.IsOver = true;
                Changes++;
            }
        }
    }

    public bool Holds(int peer) => !_leases[peer].IsOver;

    /// <summary>Whether the peer ever said that it has heard this start of the node.</summary>
    public bool WasRenewed(int peer) => _leases[peer].WasRenewed;

    private struct Lease
    {
        public Instant Until;
        public bool IsOver;
        public bool WasRenewed;
    }
}
