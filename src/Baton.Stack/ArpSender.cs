using Baton.Wire;

namespace Baton.Stack;

/// <summary>Makes the ARP packets of one interface (RFC 826), announcements included (RFC 5227 §2.3).</summary>
internal sealed class ArpSender(NetworkInterface networkInterface, Transmitter transmitter)
{
    private const int AnnounceCount = 2;                                          // RFC 5227 §1.1: ANNOUNCE_NUM
    private static readonly TimeSpan AnnounceInterval = TimeSpan.FromSeconds(2);  // RFC 5227 §1.1: ANNOUNCE_INTERVAL

    private readonly List<Announcement> _announcements = [];

    public Instant NextDeadline
    {
        get
        {
            var next = Instant.Never;
            foreach (var announcement in _announcements)
            {
                next = Instant.Min(next, announcement.At);
            }

            return next;
        }
    }

    public void Send(ArpOperation operation, MacAddress destination, InetAddress sender, MacAddress targetMac, InetAddress target)
    {
        var own = networkInterface.Options.MacAddress;
        if (transmitter.TryRent(ArpPacket.Length, out var buffer))
        {
            new EthernetHeader(destination, own, EtherType.Arp).Write(buffer.Span);
            new ArpPacket(operation, own, sender, targetMac, target).Write(Transmitter.Packet(buffer));
            transmitter.Enqueue(new QueuedFrame(buffer, networkInterface));
        }
    }

    /// <summary>Tells everybody on the link who has the address now: at once, and again a little later.</summary>
    public void Announce(Instant now, InetAddress address)
    {
        Cancel(address);
        _announcements.Add(new Announcement(address, AnnounceCount, now));
        OnDeadline(now);
    }

    public void Cancel(InetAddress address) => _announcements.RemoveAll(a => a.Address == address);

    public void OnDeadline(Instant now)
    {
        for (int i = _announcements.Count - 1; i >= 0; i--)
        {
            var due = _announcements[i];
            if (due.At > now)
            {
                continue;
            }

            // RFC 5227 §2.3: a request with sender and target address both the announced one.
            Send(ArpOperation.Request, MacAddress.Broadcast, due.Address, default, due.Address);
            if (due.Left > 1)
            {
                _announcements[i] = due with { Left = due.Left - 1, At = now + AnnounceInterval };
            }
            else
            {
                _announcements.RemoveAt(i);
            }
        }
    }

    private readonly record struct Announcement(InetAddress Address, int Left, Instant At);
}
