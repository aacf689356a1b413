using Baton.Link;
using Baton.Stack;
using Baton.Wire;

namespace Baton.Simulation;

/// <summary>A client on the front: an ordinary TCP/IP stack that knows nothing of the farm.</summary>
public sealed class FarmClient : IFrameReceiver
{
    private readonly Farm _farm;
    private readonly byte[] _scratch;
    private Instant _next = Instant.Zero;

    internal FarmClient(Farm farm, int index)
    {
        _farm = farm;
        bool v4 = farm.Settings.Family == AddressFamily.V4;
        Address = InetAddress.Parse(v4 ? $"198.51.100.{200 + index}" : $"2001:db8:1::{200 + index}");
        Link = farm.Front.Attach(new MemoryLinkOptions
        {
            Name = $"client{index}",
            Address = new MacAddress(0x02_00_00_00_03_00 + (ulong)index),
            Mtu = farm.Settings.FrontMtu,
            Offloads = farm.Settings.Offloads,
            Faults = farm.Settings.Front,
        });
        Stack = new NetworkStack(new StackOptions
        {
            Keys = new StackKeys(new HashKey(farm.Random.NextUInt64(), 1), new HashKey(farm.Random.NextUInt64(), 2)),
            OwnerAddress = Address,
            OwnTcp = farm.Settings.ClientTcp,
        });
        Stack.AddInterface(new InterfaceOptions
        {
            Name = Link.Name,
            MacAddress = Link.Address,
            Mtu = Link.Mtu,
            ChecksumOffload = Link.Offloads.HasFlag(LinkOffloads.Checksum),
            Tso = Link.Offloads.HasFlag(LinkOffloads.Tso),
            Addresses = [new InterfaceAddress(Address, v4 ? (byte)24 : (byte)64)],
        });
        _scratch = new byte[Stack.ScratchLength];
    }

    /// <summary>Its address.</summary>
    public InetAddress Address { get; }

    /// <summary>Its port on the front.</summary>
    public MemoryLink Link { get; }

    /// <summary>Its stack.</summary>
    public NetworkStack Stack { get; }

    /// <summary>RST segments that came in: a client of the farm never sees one.</summary>
    public long ResetsSeen { get; private set; }

    /// <summary>Opens a connection to a service.</summary>
    public TcpEndpoint Connect(InetAddress address, ushort port)
    {
        _next = Instant.Zero;
        return Stack.Connect(_farm.Now, new FourTuple(Address, 0, address, port))
            ?? throw new InvalidOperationException("The client has no port left.");
    }

    /// <summary>A UDP socket, connected to a service.</summary>
    public UdpEndpoint ConnectUdp(InetAddress address, ushort port, ushort localPort)
    {
        _next = Instant.Zero;
        return Stack.BindUdp(_farm.Now, new FourTuple(Address, localPort, address, port))
            ?? throw new InvalidOperationException("The client's port is taken.");
    }

    /// <summary>Called with each event of an endpoint.</summary>
    public Action<Endpoint, EndpointEvents>? OnEvent { get; set; }

    /// <summary>Something was called on the stack: it runs at the next step.</summary>
    public void Touch() => _next = Instant.Zero;

    /// <inheritdoc/>
    public void OnFrame(ILink link, FrameOffload offload, Span<byte> frame)
    {
        if (!EthernetHeader.TryParse(frame, out var ethernet))
        {
            return;
        }

        var bytes = frame[EthernetHeader.Length..];
        if (ethernet.EtherType == EtherType.Arp)
        {
            Stack.OnArp(_farm.Now, default, frame);
        }
        else if (IpPacket.TryParse(bytes, out var packet) == DropReason.None
            && Stack.Admit(default, in ethernet, in packet, out _) == DropReason.None)
        {
            if (packet.Protocol == IpProtocol.Tcp && (bytes[packet.HeaderLength + 13] & (byte)TcpFlags.Rst) != 0)
            {
                ResetsSeen++;
            }

            if (!packet.IsFragment)
            {
                Stack.OnPacket(_farm.Now, in packet, bytes, offload);
            }
            else if (Stack.OnFragment(_farm.Now, in packet, bytes, out var whole) == DropReason.None
                && IpPacket.TryParse(whole, out var together) == DropReason.None)
            {
                Stack.OnPacket(_farm.Now, in together, whole);
            }
        }
    }

    internal Instant Run(Instant now)
    {
        if (now < _next && Link.Waiting == 0)
        {
            return _next;
        }

        Link.Receive(this, int.MaxValue);
        Stack.OnDeadline(now);
        bool more;
        do
        {
            more = false;
            while (Stack.TryTakeEvent(out var endpoint, out var events))
            {
                more = true;
                OnEvent?.Invoke(endpoint, events);
            }

            while (Stack.TryEmit(now, _scratch, out var frame))
            {
                more = true;
                Link.TrySend(frame.Offload, frame.Headers, frame.Payload, frame.More);
            }
        }
        while (more);
        return _next = Stack.NextDeadline;
    }
}
