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

    public StackUnderTest(ScriptSettings settings)
    {
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
            Addresses = [new(settings.LocalAddress, 16)],
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
        var frame = new EthernetHeader(LocalMac, NeighbourMac, EtherType.Ipv4);
        var reason = IpPacket.TryParse(packet, out var parsed);
        if (reason == DropReason.None && Stack.Admit(_interface, frame, parsed, out _) == DropReason.None)
        {
            Stack.OnPacket(Now, parsed, packet);
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
                Sent.Enqueue(new(Now, ip, bytes[EthernetHeader.Length..(EthernetHeader.Length + ip.TotalLength)]));
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
}
