using Baton.Tcp;
using Baton.Wire;

namespace Baton.Stack.Tests;

/// <summary>
/// A stack with one interface, and around it what a shard does: frames are taken apart, service flows go by reference,
/// unknown ones make endpoints. Frames that leave are kept as bytes, super-segments as they are.
/// </summary>
internal sealed class Host
{
    public static readonly InetAddress Client = InetAddress.Parse("198.51.100.50");
    public static readonly InetAddress Node = InetAddress.Parse("198.51.100.11");
    public static readonly InetAddress OtherNode = InetAddress.Parse("198.51.100.12");
    public static readonly InetAddress ServiceAddress = InetAddress.Parse("198.51.100.101");
    public static readonly InetAddress Gateway = InetAddress.Parse("198.51.100.1");
    public static readonly InetAddress FarAway = InetAddress.Parse("203.0.113.2");
    public static readonly InetAddress ClientV6 = InetAddress.Parse("2001:db8:1::50");
    public static readonly InetAddress NodeV6 = InetAddress.Parse("2001:db8:1::11");
    public static readonly InetAddress ServiceAddressV6 = InetAddress.Parse("2001:db8:1::101");
    public static readonly InetAddress GatewayV6 = InetAddress.Parse("2001:db8:1::1");
    public static readonly InetAddress FarAwayV6 = InetAddress.Parse("2001:db8:f::2");
    public static readonly MacAddress ClientMac = new(0x02_0000_0000_50);
    public static readonly MacAddress NodeMac = new(0x02_0000_0000_11);
    public static readonly MacAddress OtherNodeMac = new(0x02_0000_0000_12);

    public static readonly Service Web = new(
        "web", ServiceAddress, IpProtocol.Tcp, 80, new NodeId(1), ApplicationPort: 8080);

    public static readonly Service Dns = new(
        "dns", ServiceAddress, IpProtocol.Udp, 53, new NodeId(1), ApplicationPort: 5353);

    public static readonly Service WebV6 = Web with { Address = ServiceAddressV6 };

    public static readonly Service DnsV6 = Dns with { Address = ServiceAddressV6 };

    private readonly byte[] _scratch = new byte[70_000];
    private ulong _nextId = 0x1000;

    public Host(
        InetAddress address,
        MacAddress mac,
        bool isHome = false,
        StackLimits? limits = null,
        int mtu = 1500,
        bool offloads = false,
        TcpSettings? tcp = null,
        bool checkAddresses = false,
        bool acceptRouters = false,
        bool reportGroups = false,
        bool diagnostic = true)
    {
        Address = address;
        Mac = mac;
        Pool = new BufferPool(1 << 28, diagnostic);
        Stack = new NetworkStack(new StackOptions
        {
            Keys = new StackKeys(new HashKey(1, 2), new HashKey(3, 4)),
            OwnerAddress = InetAddress.Parse("192.0.2.1"),
            Limits = limits ?? new StackLimits(),
            Pool = Pool,
            ServiceTcp = tcp ?? TcpSettings.Default,
            OwnTcp = tcp ?? TcpSettings.Default,
        });
        Front = Stack.AddInterface(new InterfaceOptions
        {
            Name = "front",
            MacAddress = mac,
            Mtu = mtu,
            ChecksumOffload = offloads,
            Tso = offloads,
            Uso = offloads,
            Addresses = [new InterfaceAddress(address, 24), new InterfaceAddress(InetAddress.Parse($"2001:db8:1::{address.V4 & 0xFF}"), 64)],
            Gateway = Gateway,
            GatewayV6 = acceptRouters ? null : GatewayV6,
            AcceptRouters = acceptRouters,
            CheckAddresses = checkAddresses,
            ReportGroups = reportGroups,
            ServiceAddresses = isHome ? [ServiceAddress, ServiceAddressV6] : [],
        });
    }

    /// <summary>The home of the services.</summary>
    public static Host AtHome(StackLimits? limits = null, bool offloads = false, TcpSettings? tcp = null, bool checkAddresses = false) =>
        new(Node, NodeMac, isHome: true, limits, offloads: offloads, tcp: tcp, checkAddresses: checkAddresses);

    public InetAddress Address { get; }

    public InetAddress AddressV6 => InetAddress.Parse($"2001:db8:1::{Address.V4 & 0xFF}");

    public InetAddress LinkLocal => InetAddress.LinkLocalOf(Mac);

    public MacAddress Mac { get; }

    public NetworkStack Stack { get; }

    public BufferPool Pool { get; }

    public InterfaceId Front { get; }

    /// <summary>Whether the services do TCP Fast Open.</summary>
    public bool FastOpen { get; set; }

    /// <summary>The endpoint that the last packet made.</summary>
    public Endpoint? Created { get; private set; }

    /// <summary>What a shard does with a frame that came in.</summary>
    public DropReason Receive(Instant now, Frame frame)
    {
        Created = null;
        Assert.True(EthernetHeader.TryParse(frame.Bytes, out var header));
        if (header.EtherType == EtherType.Arp)
        {
            return Stack.OnArp(now, Front, frame.Bytes);
        }

        return ReceivePacket(now, header, frame.Bytes.AsSpan(EthernetHeader.Length), frame.Offload);
    }

    /// <summary>All frames that the stack has to send now.</summary>
    public List<Frame> Emit(Instant now)
    {
        var frames = new List<Frame>();
        while (Stack.TryEmit(now, _scratch, out var frame))
        {
            frames.Add(new Frame([.. frame.Headers, .. frame.Payload, .. frame.More], frame.Offload));
        }

        return frames;
    }

    /// <summary>The only frame that the stack has to send now.</summary>
    public Frame EmitOne(Instant now) => Assert.Single(Emit(now));

    /// <summary>Everything that happened, by endpoint.</summary>
    public Dictionary<Endpoint, EndpointEvents> TakeEvents()
    {
        var all = new Dictionary<Endpoint, EndpointEvents>();
        while (Stack.TryTakeEvent(out var endpoint, out var events))
        {
            all[endpoint] = all.GetValueOrDefault(endpoint) | events;
        }

        return all;
    }

    /// <summary>Makes a neighbour known, as its own request for our address would.</summary>
    public Host Knowing(InetAddress neighbour, MacAddress mac)
    {
        Receive(Instant.Zero, neighbour.IsV4
            ? Frames.Arp(ArpOperation.Request, mac, neighbour, Address)
            : Frames.Solicitation(neighbour, AddressV6, mac));
        Emit(Instant.Zero);
        return this;
    }

    private DropReason ReceivePacket(Instant now, in EthernetHeader header, ReadOnlySpan<byte> bytes, FrameOffload offload)
    {
        var reason = IpPacket.TryParse(bytes, out var packet);
        if (reason != DropReason.None)
        {
            return Stack.OnMalformed(now, Front, header, bytes, reason);
        }

        reason = Stack.Admit(Front, header, packet, out bool isService);
        if (reason != DropReason.None)
        {
            return reason;
        }

        if (packet.IsFragment)
        {
            reason = Stack.OnFragment(now, packet, bytes, out var whole);
            return whole.IsEmpty ? reason : ReceivePacket(now, header, whole, FrameOffload.None);
        }

        return isService && packet.Protocol is not (IpProtocol.Icmp or IpProtocol.IcmpV6)
            ? ReceiveService(now, packet, bytes, offload)
            : Stack.OnPacket(now, packet, bytes, offload);
    }

    private DropReason ReceiveService(Instant now, in IpPacket packet, ReadOnlySpan<byte> bytes, FrameOffload offload)
    {
        if (Stack.Find(packet.FlowAtDestination()) is { } endpoint)
        {
            var reason = Stack.OnServicePacket(now, endpoint, packet, bytes, offload);
            if (reason != DropReason.TcpReopen)
            {
                return reason;
            }
        }

        var service = packet.DestinationPort == Web.Port && packet.Protocol == IpProtocol.Tcp ? (packet.Destination.IsV4 ? Web : WebV6)
            : packet.DestinationPort == Dns.Port && packet.Protocol == IpProtocol.Udp ? (packet.Destination.IsV4 ? Dns : DnsV6)
            : null;
        service = FastOpen && service is not null ? service with { FastOpen = true } : service;
        var result = Stack.OnUnknown(now, packet, bytes, offload, service, new EndpointId(_nextId++), out var created);
        Created = created;
        return result;
    }
}

/// <summary>A frame as bytes, with what the link would still have to do.</summary>
internal sealed record Frame(byte[] Bytes, FrameOffload Offload = default)
{
    public EthernetHeader Link => EthernetHeader.TryParse(Bytes, out var header) ? header : default;

    public byte[] PacketBytes => Bytes[EthernetHeader.Length..];

    public IpPacket Packet
    {
        get
        {
            Assert.Equal(DropReason.None, IpPacket.TryParse(PacketBytes, out var packet));
            return packet;
        }
    }

    public byte[] Transport => Packet.Payload(PacketBytes).ToArray();

    public TcpHeader Tcp
    {
        get
        {
            Assert.Equal(DropReason.None, TcpHeader.TryParse(Transport, out var header, out _));
            if (Offload.Checksum != ChecksumState.Partial)
            {
                Assert.True(TcpChecksum.Verify(Packet, Transport));
            }

            return header;
        }
    }

    public byte[] TcpPayload
    {
        get
        {
            Assert.Equal(DropReason.None, TcpHeader.TryParse(Transport, out _, out int length));
            return Transport[length..];
        }
    }

    public byte[] UdpPayload
    {
        get
        {
            Assert.True(UdpChecksum.Verify(Packet, Transport));
            return Transport[UdpHeader.Length..];
        }
    }

    public NeighbourMessage Neighbour
    {
        get
        {
            Assert.Equal(DropReason.None, IcmpMessage.TryParse(Packet, Transport, out var message));
            Assert.Equal(DropReason.None, NeighbourMessage.TryParse(Packet, message, out var neighbour));
            return neighbour;
        }
    }

    public bool IsNeighbourDiscovery =>
        Link.EtherType == EtherType.Ipv6 && Packet.Protocol == IpProtocol.IcmpV6 && IcmpV6Type.IsNeighbourDiscovery(Transport[0]);

    public ArpPacket Arp
    {
        get
        {
            Assert.Equal(DropReason.None, ArpPacket.TryParse(PacketBytes, out var arp));
            return arp;
        }
    }
}
