using Baton.Wire;

namespace Baton.Stack;

/// <summary>
/// Keeps an interface's addresses unique on their link: probes before use (RFC 4862 §5.4, RFC 5227 §2.1), announcements
/// (RFC 4861 §7.2.6, RFC 5227 §2.3), defence (RFC 5227 §2.4 (b)). Both families by the same rules, each with its own
/// messages and times.
/// </summary>
internal sealed class AddressGuard(NetworkInterface networkInterface)
{
    private const int ProbesV4 = 3;                                             // RFC 5227 §1.1: PROBE_NUM
    private const int ProbesV6 = 1;                                             // RFC 4862 §5.1: DupAddrDetectTransmits
    private const int Announcements = 2;                                        // RFC 5227 §1.1: ANNOUNCE_NUM; RFC 4861 allows 3

    // Somebody else had the address until now. Who misses all of it sends to that one while its entry is taken for reachable,
    // half a minute (RFC 4861 §10): so it is told for as long, each time twice as late.
    private const int AnnouncementsOfTaken = 5;
    private static readonly TimeSpan ProbeWait = TimeSpan.FromSeconds(1);       // RFC 5227: PROBE_WAIT; RFC 4861: MAX_RTR_SOLICITATION_DELAY
    private static readonly TimeSpan ProbeMin = TimeSpan.FromSeconds(1);        // RFC 5227: PROBE_MIN; RFC 4861 §10: RETRANS_TIMER
    private static readonly TimeSpan ProbeSpread = TimeSpan.FromSeconds(1);     // RFC 5227: PROBE_MAX less PROBE_MIN
    private static readonly TimeSpan AnnounceWait = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan AnnounceInterval = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan DefendInterval = TimeSpan.FromSeconds(10);

    private readonly List<LocalAddress> _active = [];

    public Instant NextDeadline
    {
        get
        {
            var next = Instant.Never;
            foreach (var each in _active)
            {
                next = Instant.Min(next, each.At);
            }

            return next;
        }
    }

    /// <summary>Begins to use an address: after it was checked where the options say so, at once otherwise.</summary>
    public void Begin(Instant now, LocalAddress address)
    {
        if (!networkInterface.Options.CheckAddresses)
        {
            address.State = LocalAddressState.Assigned;
            return;
        }

        address.State = LocalAddressState.Tentative;
        address.ProbesLeft = address.Address.IsV4 ? ProbesV4 : ProbesV6;
        address.At = now + Spread(address, ProbeWait);
        _active.Add(address);
    }

    /// <summary>Tells everybody on the link who has the address now: at once, and again 2, 6, 14 and 30 s later.</summary>
    public void Announce(Instant now, LocalAddress address)
    {
        if (!address.IsAssigned)
        {
            return;
        }

        if (address.AnnouncementsLeft == 0)
        {
            _active.Add(address);
        }

        BeginAnnouncing(address, AnnouncementsOfTaken);
        address.At = now;
        OnDeadline(now);
    }

    /// <summary>The address is given up.</summary>
    public void End(LocalAddress address)
    {
        _active.Remove(address);
        address.AnnouncementsLeft = 0;
    }

    /// <summary>
    /// Another station speaks for the address: one that is being checked is given up (RFC 4862 §5.4.5), one in use is
    /// defended by an announcement, at most once in ten seconds (RFC 5227 §2.4 (b)).
    /// </summary>
    public void OnConflict(Instant now, LocalAddress address)
    {
        if (address.State == LocalAddressState.Tentative)
        {
            address.State = LocalAddressState.Duplicate;
            _active.Remove(address);
        }
        else if (address.IsAssigned && now >= address.DefendedUntil)
        {
            address.DefendedUntil = now + DefendInterval;
            SendAnnouncement(address);
        }
    }

    public void OnDeadline(Instant now)
    {
        for (int i = _active.Count - 1; i >= 0; i--)
        {
            var each = _active[i];
            if (each.At > now)
            {
                continue;
            }

            if (each.State == LocalAddressState.Tentative)
            {
                Probe(now, each);
            }

            if (each is { IsAssigned: true } && each.At <= now)
            {
                SendAnnouncement(each);
                each.At = now + each.AnnounceInterval;
                each.AnnounceInterval *= 2;
                if (--each.AnnouncementsLeft == 0)
                {
                    _active.RemoveAt(i);
                }
            }
        }
    }

    private void Probe(Instant now, LocalAddress address)
    {
        if (address.ProbesLeft == 0)
        {
            address.State = LocalAddressState.Assigned;
            BeginAnnouncing(address, Announcements);
            return;
        }

        address.ProbesLeft--;
        if (address.Address.IsV4)
        {
            // RFC 5227 §2.1.1: the sender address is 0, so that nobody learns from a probe.
            networkInterface.Arp.Send(ArpOperation.Request, MacAddress.Broadcast, InetAddress.AnyV4, default, address.Address);
            address.At = now + (address.ProbesLeft > 0 ? ProbeMin + Spread(address, ProbeSpread) : AnnounceWait);
        }
        else
        {
            networkInterface.Ndp.Probe(address.Address);
            address.At = now + ProbeMin;
        }
    }

    private static void BeginAnnouncing(LocalAddress address, int times) =>
        (address.AnnouncementsLeft, address.AnnounceInterval) = (times, AnnounceInterval);

    private void SendAnnouncement(LocalAddress address)
    {
        if (address.Address.IsV4)
        {
            // RFC 5227 §2.3: a request with sender and target address both the announced one.
            networkInterface.Arp.Send(ArpOperation.Request, MacAddress.Broadcast, address.Address, default, address.Address);
        }
        else
        {
            networkInterface.Ndp.Announce(address.Address);
        }
    }

    /// <summary>A part of <paramref name="most"/> that differs between interfaces and addresses, so that nodes started together do not speak together.</summary>
    private TimeSpan Spread(LocalAddress address, TimeSpan most)
    {
        ulong mixed = (networkInterface.Options.MacAddress.Value ^ address.Address.Low) * 0x9E37_79B9_7F4A_7C15 + (ulong)address.ProbesLeft;
        return new TimeSpan((long)((mixed >> 32) % (ulong)most.Ticks));
    }
}
