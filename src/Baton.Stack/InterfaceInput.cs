using Baton.Wire;

namespace Baton.Stack;

/// <summary>The interfaces: who is spoken to (RFC 826, RFC 1122 §3.2.1.3), and for which addresses we answer.</summary>
internal sealed class InterfaceInput
{
    private const int MinMtu = 576;

    private readonly StackOptions _options;
    private readonly Transmitter _transmitter;
    private readonly TcpEmitter _emitter;

    public InterfaceInput(StackOptions options, Transmitter transmitter, TcpEmitter emitter)
    {
        _options = options;
        _transmitter = transmitter;
        _emitter = emitter;
    }

    public int ScratchLength { get; private set; } = EthernetHeader.Length + MinMtu;

    public Instant NextDeadline
    {
        get
        {
            var next = Instant.Never;
            foreach (var each in _transmitter.Routes)
            {
                next = Instant.Min(next, Instant.Min(each.Neighbours.NextDeadline, each.Arp.NextDeadline));
            }

            return next;
        }
    }

    public InterfaceId Add(InterfaceOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Mtu, MinMtu);
        if (options.Tso && !options.ChecksumOffload)
        {
            throw new ArgumentException("A link that cuts segments completes their checksums too.", nameof(options));
        }

        var id = new InterfaceId((byte)_transmitter.Routes.Count);
        _transmitter.Routes.Add(new NetworkInterface(id, options, _options.Limits, _transmitter, _emitter));
        ScratchLength = Math.Max(ScratchLength, EthernetHeader.Length + options.Mtu);
        return id;
    }

    public void Announce(Instant now, InterfaceId id, InetAddress address)
    {
        var networkInterface = _transmitter.Routes[id];
        if (!networkInterface.IsOwn(address))
        {
            networkInterface.AddServiceAddress(address);
        }

        networkInterface.Arp.Announce(now, address);
    }

    public void Withdraw(InterfaceId id, InetAddress address)
    {
        var networkInterface = _transmitter.Routes[id];
        networkInterface.RemoveServiceAddress(address);
        networkInterface.Arp.Cancel(address);
    }

    public DropReason Admit(InterfaceId id, in EthernetHeader frame, in IpPacket packet, out bool isService)
    {
        isService = false;
        var networkInterface = _transmitter.Routes[id];
        if (frame.Destination != networkInterface.Options.MacAddress)
        {
            return Drop(DropReason.NotOurMac);
        }

        // RFC 1122 §3.2.1.3: no source that is no host's; and none of ours, which nobody else may speak for.
        if (MartianAddresses.IsNoHost(packet.Source)
            || networkInterface.IsSubnetBroadcast(packet.Source)
            || _transmitter.Routes.Answers(packet.Source))
        {
            return Drop(DropReason.IpMartianSource);
        }

        if (networkInterface.IsOwn(packet.Destination))
        {
            return DropReason.None;
        }

        isService = networkInterface.IsHome(packet.Destination);
        return isService ? DropReason.None : Drop(DropReason.IpNotOurAddress);
    }

    public DropReason OnArp(Instant now, InterfaceId id, ReadOnlySpan<byte> frame)
    {
        if (!EthernetHeader.TryParse(frame, out var header))
        {
            return Drop(DropReason.Truncated);
        }

        var networkInterface = _transmitter.Routes[id];
        var own = networkInterface.Options.MacAddress;
        if (header.Destination != own && header.Destination != MacAddress.Broadcast)
        {
            return Drop(DropReason.NotOurMac);
        }

        var reason = ArpPacket.TryParse(frame[EthernetHeader.Length..], out var arp);
        if (reason != DropReason.None)
        {
            return Drop(reason);
        }

        if (arp.SenderMac.IsMulticast || arp.SenderMac.Value == 0 || arp.SenderMac == own)
        {
            return Drop(DropReason.ArpMalformed);
        }

        if (networkInterface.Answers(arp.SenderAddress))
        {
            return Drop(DropReason.AddressConflict);
        }

        bool forUs = networkInterface.Answers(arp.TargetAddress);

        // A sender address of 0 is a probe (RFC 5227 §2.1.1): there is nothing to learn from it.
        if (arp.SenderAddress != InetAddress.AnyV4 && networkInterface.IsOnLink(arp.SenderAddress))
        {
            networkInterface.Neighbours.Learn(now, arp.SenderAddress, arp.SenderMac, create: forUs);
        }

        if (forUs && arp.Operation == ArpOperation.Request)
        {
            networkInterface.Arp.Send(ArpOperation.Reply, arp.SenderMac, arp.TargetAddress, arp.SenderMac, arp.SenderAddress);
        }

        return DropReason.None;
    }

    public bool TryWriteLinkHeader(Instant now, InetAddress destination, Span<byte> frame, out InterfaceId id)
    {
        id = default;
        if (!_transmitter.Routes.TryFind(destination, out var networkInterface, out var nextHop)
            || networkInterface.Neighbours.Find(now, nextHop) is not { IsUsable: true } neighbour)
        {
            return false;
        }

        Transmitter.WriteLinkHeader(frame, neighbour);
        id = networkInterface.Id;
        return true;
    }

    public void OnDeadline(Instant now)
    {
        foreach (var each in _transmitter.Routes)
        {
            each.Neighbours.OnDeadline(now);
            each.Arp.OnDeadline(now);
        }
    }

    private DropReason Drop(DropReason reason)
    {
        _options.Drops.Count(reason);
        return reason;
    }
}
