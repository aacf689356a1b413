using System.Buffers.Binary;
using Baton.Wire;

namespace Baton.Stack;

/// <summary>
/// Tells which IPv6 groups an interface listens to (MLDv2, RFC 3810), so that switches that snoop pass questions for our
/// addresses on to us (RFC 4861 §7.2.1). All groups are told together: twice when they change, once when asked.
/// </summary>
internal sealed class GroupReporter(NetworkInterface networkInterface, Transmitter transmitter)
{
    private const int Robustness = 2;                                                   // RFC 3810 §9.1
    private static readonly TimeSpan RepeatInterval = TimeSpan.FromSeconds(1);          // RFC 3810 §9.11
    private const int MaxDelayMilliseconds = 10_000;                                    // RFC 3810 §9.3: what a query asks for by default

    // A packet of 1280 bytes holds so many.
    private const int RecordsPerReport = 60;
    private const int RecordLength = 20;
    private const IpProtocol HopByHop = 0;
    private const byte ModeIsExclude = 2;
    private const byte ChangeToExclude = 4;
    private static readonly InetAddress Listeners = InetAddress.Parse("ff02::16");

    // RFC 3810 §5: hop limit 1 and a router alert (RFC 2711) in a hop-by-hop header.
    private static ReadOnlySpan<byte> RouterAlert => [(byte)IpProtocol.IcmpV6, 0, 5, 2, 0, 0, 1, 0];

    private int _changesLeft;

    public Instant NextDeadline { get; private set; } = Instant.Never;

    /// <summary>The groups have changed.</summary>
    public void OnChange(Instant now)
    {
        if (networkInterface.Options.ReportGroups)
        {
            _changesLeft = Robustness;
            NextDeadline = now;
        }
    }

    /// <summary>A router asks; the answer goes within the time that it gives.</summary>
    public DropReason OnQuery(Instant now, in IpPacket packet, in IcmpMessage message)
    {
        // RFC 3810 §5.1.14: a query from elsewhere than the link is dropped.
        if (packet.Ttl != 1 || !packet.Source.IsLinkLocal || !networkInterface.Options.ReportGroups)
        {
            return DropReason.IcmpIgnored;
        }

        int within = Math.Min((int)(message.Rest >> 16), MaxDelayMilliseconds);
        ulong mixed = (networkInterface.Options.MacAddress.Value ^ (ulong)now.Ticks) * 0x9E37_79B9_7F4A_7C15;
        NextDeadline = Instant.Min(NextDeadline, now + TimeSpan.FromMilliseconds((mixed >> 32) % (ulong)(within + 1)));
        return DropReason.None;
    }

    public void OnDeadline(Instant now)
    {
        if (NextDeadline > now)
        {
            return;
        }

        bool change = _changesLeft > 0;
        SendAll(change ? ChangeToExclude : ModeIsExclude);
        _changesLeft -= change ? 1 : 0;
        NextDeadline = _changesLeft > 0 ? now + RepeatInterval : Instant.Never;
    }

    private void SendAll(byte kind)
    {
        var groups = networkInterface.SolicitedNodeGroups;
        for (int at = 0; at < groups.Count; at += RecordsPerReport)
        {
            Send(kind, groups.GetRange(at, Math.Min(RecordsPerReport, groups.Count - at)));
        }
    }

    private void Send(byte kind, List<InetAddress> groups)
    {
        var body = new byte[groups.Count * RecordLength];
        for (int i = 0; i < groups.Count; i++)
        {
            // RFC 3810 §5.2.5: "exclude nothing" is to listen to all sources.
            body[i * RecordLength] = kind;
            groups[i].CopyTo(body.AsSpan(i * RecordLength + 4));
        }

        var message = new IcmpMessage(AddressFamily.V6, IcmpV6Type.ListenerReport, 0, (uint)groups.Count, body);
        int length = RouterAlert.Length + message.Length;
        if (!transmitter.TryRent(Ipv6Header.Length + length, out var buffer))
        {
            return;
        }

        // RFC 3810 §5.2.13: the source is link-local, or unspecified while that is being checked.
        var source = networkInterface.LinkLocal ?? InetAddress.AnyV6;
        new EthernetHeader(MacAddress.GroupOf(Listeners), networkInterface.Options.MacAddress, EtherType.Ipv6).Write(buffer.Span);
        var packet = Transmitter.Packet(buffer);
        Ipv6Header.Write(packet, source, Listeners, HopByHop, length, hopLimit: 1);
        RouterAlert.CopyTo(packet[Ipv6Header.Length..]);
        message.Write(packet[(Ipv6Header.Length + RouterAlert.Length)..], source, Listeners);
        transmitter.Enqueue(new QueuedFrame(buffer, networkInterface));
    }
}
