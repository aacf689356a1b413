using Baton.Wire;

namespace Baton.Stack;

/// <summary>The interfaces: who is spoken to (RFC 826, RFC 1122 §3.2.1.3), and for which addresses we answer.</summary>
internal sealed class InterfaceInput
{
    private const int MinMtu = 576;
    private const int MinMtuV6 = 1280;

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
                next = Instant.Min(next, Instant.Min(each.Neighbours.NextDeadline, each.Guard.NextDeadline));
                next = Instant.Min(next, Instant.Min(each.Routers.NextDeadline, each.Groups.NextDeadline));
            }

            return next;
        }
    }

    public IEnumerable<InetAddress> Duplicates
    {
        get
        {
            foreach (var each in _transmitter.Routes)
            {
                foreach (var address in each.Duplicates)
                {
                    yield return address;
                }
            }
        }
    }

    public int AwaitingNeighbours
    {
        get
        {
            int waiting = 0;
            foreach (var each in _transmitter.Routes)
            {
                waiting += each.Neighbours.Waiting;
            }

            return waiting;
        }
    }

    public int NeighbourChanges
    {
        get
        {
            int changes = 0;
            foreach (var each in _transmitter.Routes)
            {
                changes += each.Neighbours.Changes;
            }

            return changes;
        }
    }

    public InterfaceId Add(Instant now, InterfaceOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Mtu, options.SpeaksV6 ? MinMtuV6 : MinMtu);
        if (options.Tso && !options.ChecksumOffload)
        {
            throw new ArgumentException("A link that cuts segments completes their checksums too.", nameof(options));
        }

        var id = new InterfaceId((byte)_transmitter.Routes.Count);
        _transmitter.Routes.Add(new NetworkInterface(now, id, options, _options.Limits, _transmitter, _emitter));
        ScratchLength = Math.Max(ScratchLength, EthernetHeader.Length + options.Mtu);
        return id;
    }

    public void Announce(Instant now, InterfaceId id, InetAddress address)
    {
        var networkInterface = _transmitter.Routes[id];
        networkInterface.Guard.Announce(now, networkInterface.Add(now, address, isService: true));
    }

    public void Withdraw(InterfaceId id, InetAddress address) => _transmitter.Routes[id].RemoveService(address);

    public DropReason Admit(InterfaceId id, in EthernetHeader frame, in IpPacket packet, out bool isService)
    {
        isService = false;
        var networkInterface = _transmitter.Routes[id];
        var own = networkInterface.Options.MacAddress;
        bool toGroup = packet.Destination.IsMulticast;
        if (frame.Destination != own && !(toGroup && frame.Destination == MacAddress.GroupOf(packet.Destination)))
        {
            return Drop(DropReason.NotOurMac);
        }

        // RFC 1122 §3.2.1.3: no source that is no host's; and none of ours, which nobody else may speak for. Only a
        // host that has no address yet sends from the unspecified one, to ask for an address (RFC 4862 §5.4.2).
        bool asksFirst = toGroup && packet.Source == InetAddress.AnyV6;
        if ((MartianAddresses.IsNoHost(packet.Source) && !asksFirst)
            || frame.Source == own
            || networkInterface.IsSubnetBroadcast(packet.Source)
            || _transmitter.Routes.Answers(packet.Source))
        {
            return Drop(DropReason.IpMartianSource);
        }

        // RFC 3704 §2.2: who is on another of our links does not come in by this one.
        if (!networkInterface.IsOnLink(packet.Source) && _transmitter.Routes.IsOnLink(packet.Source))
        {
            return Drop(DropReason.IpSpoofedSource);
        }

        if (toGroup)
        {
            return !packet.Destination.IsV4 && networkInterface.Listens(packet.Destination)
                ? DropReason.None
                : Drop(DropReason.IpNotOurAddress);
        }

        var local = networkInterface.Find(packet.Destination);
        isService = local is { IsService: true, IsAssigned: true };
        return local switch
        {
            null or { State: LocalAddressState.Duplicate } => Drop(DropReason.IpNotOurAddress),
            { State: LocalAddressState.Tentative } => Drop(DropReason.AddressTentative),
            _ => DropReason.None,
        };
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

        if (networkInterface.Find(arp.SenderAddress) is { } ours)
        {
            networkInterface.Guard.OnConflict(now, ours);
            return Drop(DropReason.AddressConflict);
        }

        var target = networkInterface.Find(arp.TargetAddress);
        bool isProbe = arp.SenderAddress == InetAddress.AnyV4;
        if (isProbe && target is { State: LocalAddressState.Tentative })
        {
            // RFC 5227 §2.1.1: two would like to have it, and neither gets it.
            networkInterface.Guard.OnConflict(now, target);
            return Drop(DropReason.AddressConflict);
        }

        bool forUs = target is { IsAssigned: true };

        // There is nothing to learn from a probe.
        if (!isProbe && networkInterface.IsOnLink(arp.SenderAddress))
        {
            if (arp.Operation == ArpOperation.Reply)
            {
                networkInterface.Neighbours.Answer(now, arp.SenderAddress, arp.SenderMac, header.Destination == own, overrides: true);
            }
            else
            {
                networkInterface.Neighbours.Hear(now, arp.SenderAddress, arp.SenderMac, create: forUs);
            }
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
        if (!_transmitter.Routes.TryFind(default, destination, out var networkInterface, out var nextHop)
            || networkInterface.Neighbours.Find(now, nextHop) is not { IsUsable: true } neighbour)
        {
            return false;
        }

        Transmitter.WriteLinkHeader(frame, neighbour);
        id = networkInterface.Id;
        return true;
    }

    public MacAddress? LinkAddressOf(InetAddress destination) =>
        _transmitter.Routes.TryFind(default, destination, out var networkInterface, out var nextHop)
            ? networkInterface.Neighbours.Known(nextHop)
            : null;

    public void LearnLinkAddress(Instant now, InetAddress destination, MacAddress address)
    {
        if (_transmitter.Routes.TryFind(default, destination, out var networkInterface, out var nextHop))
        {
            networkInterface.Neighbours.Hear(now, nextHop, address, create: true);
        }
    }

    public void OnDeadline(Instant now)
    {
        foreach (var each in _transmitter.Routes)
        {
            each.Neighbours.OnDeadline(now);
            each.Guard.OnDeadline(now);
            each.Routers.OnDeadline(now);
            each.Groups.OnDeadline(now);
        }
    }

    private DropReason Drop(DropReason reason)
    {
        _options.Drops.Count(reason);
        return reason;
    }
}
