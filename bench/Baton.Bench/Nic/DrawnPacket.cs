using Baton.Link.Bpf;
using Baton.Wire;
using static Baton.Link.Bpf.Register;

namespace Baton.Bench.Nic;

/// <summary>
/// What stands before a program that is measured: it makes the packet of a flow drawn at random out of what the run before
/// left. The kernel runs a program again on the packet as it is; one that has changed it would measure something else.
/// </summary>
internal sealed class DrawnPacket : IDisposable
{
    /// <summary>60 bytes: Ethernet, IPv4, TCP, 6 bytes of payload.</summary>
    public const int Length = 60;

    private const int SourceOffset = 26, SumOffset = 24, StateKey = -4;

    private readonly BpfMap<uint, ulong> _state = new(BpfMapKind.Array, "bench_state", 1);
    private readonly byte[] _template;
    private readonly int _headerSum;

    /// <param name="to">The Ethernet address.</param>
    /// <param name="destination">The IPv4 address.</param>
    /// <param name="flags">TCP's.</param>
    public DrawnPacket(MacAddress to, InetAddress destination, TcpFlags flags)
    {
        _template = new byte[Length];
        new EthernetHeader(to, Source, EtherType.Ipv4).Write(_template);
        Ipv4Header.Write(_template.AsSpan(14), InetAddress.FromV4(0), destination, IpProtocol.Tcp, Length - 14);
        (_template[34], _template[35], _template[37], _template[46], _template[47]) = (0x14, 0xE9, 80, 5 << 4, (byte)flags);
        for (int at = 14; at < 34; at += 2)
        {
            _headerSum += at == SumOffset ? 0 : BitConverter.ToUInt16(_template, at);
        }

        _state.TryWrite(0, 0x9E37_79B9_7F4A_7C15);
    }

    /// <summary>The sender's Ethernet address.</summary>
    public static MacAddress Source { get; } = new(0x02_00_00_00_00_09);

    /// <summary>The packet that the first run is given.</summary>
    public ReadOnlySpan<byte> Template => _template;

    /// <summary>The client's address in flow <paramref name="number"/> of at most 2^24.</summary>
    public static InetAddress Client(int number) => InetAddress.FromV4(0x0A00_0000 | (uint)number);

    /// <summary>Flow <paramref name="number"/>.</summary>
    public static Flow FlowOf(int number) => new(IpProtocol.Tcp, new(NicBenchmark.Service, 80, Client(number), 5353));

    /// <summary>What its owner would give out.</summary>
    public static EncodedReference ReferenceOf(int number) => ReferenceCodec.Encode(new Reference(
        FlowOf(number), new((ulong)number + 1), new(1), InetAddress.Parse("192.0.2.2"), 80, new SequenceGroup(new(1), new(2), new(3), new(4), new(5))));

    /// <summary>Draws a flow and makes its packet; the context is in R1 before and after.</summary>
    /// <param name="code">The program.</param>
    /// <param name="flows">How many flows there are: a power of two.</param>
    /// <param name="grows">Bytes that the program puts in front; taken off again here.</param>
    /// <param name="marks">Bytes of metadata that it puts before the packet; taken off too.</param>
    public void Draw(Assembler code, int flows, int grows = 0, int marks = 0)
    {
        var failed = new Label("bench: no packet");
        var drawn = new Label("bench: drawn");
        code.BeginXdp();
        TakeOff(code, grows, marks, failed);
        code.Require(R7, 54, failed);
        for (int at = 0; at < 12; at += 4)
        {
            code.StoreConstant(Width.Word, R7, at, BitConverter.ToInt32(_template, at));
        }

        code.StoreConstant(Width.Half, R7, 12, BitConverter.ToUInt16(_template, 12));
        code.StoreConstant(Width.Word, R10, StateKey, 0);
        code.Lookup(_state, StateKey, failed);

        // Xorshift (Marsaglia 2003), 64 bits.
        code.Load(Width.Double, R1, R0, 0);
        foreach (int shift in (int[])[13, -7, 17])
        {
            code.Move(R2, R1);
            if (shift > 0)
            {
                code.ShiftLeft(R2, shift);
            }
            else
            {
                code.ShiftRight(R2, -shift);
            }

            code.Xor(R1, R2);
        }

        code.Store(Width.Double, R0, 0, R1);
        code.ShiftRight(R1, 24);
        code.And(R1, flows - 1);
        code.Add(R1, 0x0A00_0000);
        code.SwapToBigEndian(R1, 32);
        code.Store(Width.Word, R7, SourceOffset, R1);
        code.Move(R2, R1);
        code.ShiftRight(R2, 16);
        code.And(R1, 0xFFFF);
        code.Add(R2, R1);
        code.Add(R2, _headerSum);
        code.FoldSum(R2);
        code.Xor(R2, 0xFFFF);
        code.Store(Width.Half, R7, SumOffset, R2);
        code.Move(R1, R6);
        code.Jump(drawn);
        code.Place(failed);
        code.Return(XdpAction.Aborted);
        code.Place(drawn);
    }

    /// <inheritdoc/>
    public void Dispose() => _state.Dispose();

    private static void TakeOff(Assembler code, int grows, int marks, Label failed)
    {
        var none = new Label("bench: nothing to take off");
        if (grows != 0)
        {
            code.Move(R2, R8);
            code.Subtract(R2, R7);
            code.JumpIf(R2, When.Equal, Length, none);
            code.Move(R1, R6);
            code.Move(R2, grows);
            code.Call(KernelFunction.AdjustHead);
            code.JumpIf(R0, When.NotEqual, 0, failed);
        }

        if (marks != 0)
        {
            code.Load(Width.Word, R1, R6, 8);
            code.JumpIf(R1, When.Equal, R7, none);
            code.Move(R1, R6);
            code.Move(R2, marks);
            code.Call(KernelFunction.AdjustMetadata);
            code.JumpIf(R0, When.NotEqual, 0, failed);
        }

        code.Place(none);
        code.LoadPacket();
    }
}
