using Baton.Link;
using Baton.Simulation;
using Baton.Stack;
using Baton.Wire;

namespace Baton.Engine.Tests;

/// <summary>A station on the lan that is no member, under an address of its choice: with a stack, or frame by frame.</summary>
internal sealed class LanIntruder : IFrameReceiver
{
    private readonly Farm _farm;
    private readonly MemoryLink _link;
    private readonly NetworkStack _stack;
    private readonly byte[] _scratch;

    public LanIntruder(Farm farm, InetAddress address)
    {
        _farm = farm;
        _link = farm.Lan.Attach(new MemoryLinkOptions { Name = "intruder", Address = new MacAddress(0x02_00_00_00_09_01), Mtu = farm.Settings.LanMtu });
        _stack = new NetworkStack(new StackOptions { Keys = new StackKeys(new HashKey(1, 2), new HashKey(3, 4)), OwnerAddress = address });
        _stack.AddInterface(new InterfaceOptions
        {
            Name = _link.Name,
            MacAddress = _link.Address,
            Mtu = _link.Mtu,
            Addresses = [new InterfaceAddress(address, 24)],
        });
        _scratch = new byte[_stack.ScratchLength];
        Address = address;
        farm.AfterStep = Run;
    }

    public InetAddress Address { get; }

    /// <summary>TCP segments that somebody sent to it.</summary>
    public int Answers { get; private set; }

    /// <summary>Connects and says something.</summary>
    public TcpEndpoint Say(InetAddress to, ushort port, byte[] what)
    {
        var endpoint = _stack.Connect(_farm.Now, new FourTuple(Address, 0, to, port))!;
        Run();
        _farm.RunFor(TimeSpan.FromMilliseconds(5));
        endpoint.Write(_farm.Now, what);
        Run();
        _farm.RunFor(TimeSpan.FromMilliseconds(5));
        return endpoint;
    }

    /// <summary>Sends an IP packet to a node.</summary>
    public void Send(FarmNode to, ReadOnlySpan<byte> packet)
    {
        Span<byte> header = stackalloc byte[EthernetHeader.Length];
        new EthernetHeader(to.LanLink.Address, _link.Address, EtherType.Ipv4).Write(header);
        _link.TrySend(FrameOffload.None, header, packet);
    }

    public void OnFrame(ILink link, FrameOffload offload, Span<byte> frame)
    {
        if (!EthernetHeader.TryParse(frame, out var ethernet))
        {
            return;
        }

        var bytes = frame[EthernetHeader.Length..];
        if (ethernet.EtherType == EtherType.Arp)
        {
            _stack.OnArp(_farm.Now, default, frame);
        }
        else if (IpPacket.TryParse(bytes, out var packet) == DropReason.None && _stack.Admit(default, in ethernet, in packet, out _) == DropReason.None)
        {
            Answers += packet.Protocol == IpProtocol.Tcp ? 1 : 0;
            _stack.OnPacket(_farm.Now, in packet, bytes, offload);
        }
    }

    private void Run()
    {
        _link.Receive(this, int.MaxValue);
        _stack.OnDeadline(_farm.Now);
        while (_stack.TryTakeEvent(out _, out _))
        {
        }

        while (_stack.TryEmit(_farm.Now, _scratch, out var frame))
        {
            _link.TrySend(frame.Offload, frame.Headers, frame.Payload, frame.More);
        }
    }
}
