using Baton.Stack;
using Baton.Wire;

namespace Baton.Scenarios.Run;

/// <summary>
/// The stack of one script, with the link, the neighbour and the clock around it: time passes only when the script says
/// so.
/// </summary>
internal sealed class StackUnderTest
{
    /// <summary>More inputs and timers than this at one moment are an endless loop in the stack.</summary>
    private const int MaxStepsPerMoment = 10_000;

    private static readonly MacAddress LocalMac = new(0x02_00_00_00_00_01);
    private static readonly MacAddress NeighbourMac = new(0x02_00_00_00_00_02);

    private readonly InterfaceId _interface;
    private readonly byte[] _scratch;

    private readonly Action<SentPacket> _onSent;

    public StackUnderTest(ScriptSettings settings, Action<SentPacket> onSent)
    {
        _onSent = onSent;
        Stack = new NetworkStack(new StackOptions
        {
            Keys = new(new(0x0706050403020100, 0x0F0E0D0C0B0A0908), new(0x1716151413121110, 0x1F1E1D1C1B1A1918)),
            OwnerAddress = settings.LocalAddress,
            OwnTcp = settings.Tcp,
        });
        _interface = Stack.AddInterface(new InterfaceOptions
        {
            Name = "script",
            MacAddress = LocalMac,
            Mtu = settings.Mtu,
            Addresses = settings.LocalAddress.IsV4
                ? [new(settings.LocalAddress, 16)]
                : [new(settings.LocalAddress, 48), new(InetAddress.LinkLocalOf(LocalMac), 64)],
            Gateway = settings.Gateway,
        });
        _scratch = new byte[Stack.ScratchLength];
    }

    /// <summary>When every script starts.</summary>
    public static Instant Start { get; } = Instant.Zero + TimeSpan.FromSeconds(1000);

    public NetworkStack Stack { get; }

    public Instant Now { get; private set; } = Start;

    /// <summary>What left and was not looked at yet.</summary>
    public Queue<SentPacket> Sent { get; } = new();

    /// <summary>Lets time pass until the stack does something, at most until a moment. True: it did something.</summary>
    public bool Step(Instant until)
    {
        if (Stack.NextDeadline > until)
        {
            Now = Instant.Max(Now, until);
            return false;
        }

        Now = Instant.Max(Now, Stack.NextDeadline);
        for (int i = 0; Stack.NextDeadline <= Now; i++)
        {
            if (i == MaxStepsPerMoment)
            {
                throw new InvalidOperationException("The stack has endlessly many deadlines at one moment.");
            }

            Stack.OnDeadline(Now);
            TakeOutput();
        }

        return true;
    }

    /// <summary>A packet arrives.</summary>
    public void Deliver(ReadOnlySpan<byte> packet)
    {
        var reason = IpPacket.TryParse(packet, out var parsed);
        var frame = new EthernetHeader(LocalMac, NeighbourMac, EtherType.Of(parsed.Family));
        if (reason == DropReason.None && Stack.Admit(_interface, frame, parsed, out _) == DropReason.None)
        {
            Stack.OnPacket(Now, parsed, packet, networkInterface: _interface);
        }

        TakeOutput();
    }

    /// <summary>After a call: what is due leaves.</summary>
    public void TakeOutput()
    {
        while (Stack.TryTakeEvent(out _, out _))
        {
            // Sockets look at their endpoints themselves.
        }

        while (Stack.TryEmit(Now, _scratch, out var frame))
        {
            byte[] bytes = [.. frame.Headers, .. frame.Payload, .. frame.More];
            if (EthernetHeader.TryParse(bytes, out var header) && header.EtherType == EtherType.Arp)
            {
                AnswerArp(bytes.AsSpan(EthernetHeader.Length));
            }
            else if (IpPacket.TryParse(bytes.AsSpan(EthernetHeader.Length), out var ip) == DropReason.None)
            {
                byte[] packet = bytes[EthernetHeader.Length..(EthernetHeader.Length + ip.TotalLength)];
                if (!AnswerNeighbourDiscovery(ip, packet))
                {
                    var sent = new SentPacket(Now, ip, packet);
                    Sent.Enqueue(sent);
                    _onSent(sent);
                }
            }
            else
            {
                throw new InvalidOperationException("The stack emitted a packet that is none.");
            }
        }
    }

    /// <summary>The neighbour answers for every address but the stack's own.</summary>
    private void AnswerArp(ReadOnlySpan<byte> packet)
    {
        if (ArpPacket.TryParse(packet, out var request) != DropReason.None
            || request.Operation != ArpOperation.Request
            || request.TargetAddress == request.SenderAddress)
        {
            return;
        }

        Span<byte> frame = stackalloc byte[EthernetHeader.Length + ArpPacket.Length];
        int length = new EthernetHeader(LocalMac, NeighbourMac, EtherType.Arp).Write(frame);
        new ArpPacket(ArpOperation.Reply, NeighbourMac, request.TargetAddress, request.SenderMac, request.SenderAddress).Write(frame[length..]);
        Stack.OnArp(Now, _interface, frame);
    }

    /// <summary>Takes what the stack asks its neighbours and routers by ICMPv6; true: it is no packet of the script.</summary>
    private bool AnswerNeighbourDiscovery(in IpPacket ip, ReadOnlySpan<byte> packet)
    {
        if (ip.Protocol != IpProtocol.IcmpV6
            || IcmpMessage.TryParse(ip, ip.Payload(packet), out var message) != DropReason.None
            || !(IcmpV6Type.IsNeighbourDiscovery(message.Type) || message.Type == IcmpV6Type.ListenerReport))
        {
            return false;
        }

        if (message.Type != IcmpV6Type.NeighbourSolicitation
            || NeighbourMessage.TryParse(ip, message, out var question) != DropReason.None
            || ip.Source.IsUnspecified)
        {
            return true;
        }

        var answer = new NeighbourMessage
        {
            IsAdvertisement = true, Target = question.Target, LinkAddress = NeighbourMac, IsSolicited = true, Overrides = true, IsRouter = true,
        };
        byte[] reply = new byte[Ipv6Header.Length + answer.Length];
        Ipv6Header.Write(reply, question.Target, ip.Source, IpProtocol.IcmpV6, answer.Length, hopLimit: 255);
        answer.Write(reply.AsSpan(Ipv6Header.Length), question.Target, ip.Source);
        IpPacket.TryParse(reply, out var parsed);
        Stack.OnPacket(Now, parsed, reply, networkInterface: _interface);
        return true;
    }
}
