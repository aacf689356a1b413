using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Baton.Bench.Machine;
using Baton.Link.Bpf;
using Baton.Wire;
using static Baton.Link.Bpf.Register;

namespace Baton.Bench.Nic;

/// <summary>
/// The least that forwarding with the same headers can be: a table of flows whose entries are the finished headers, no
/// check, no address or counter looked up, nothing left to the host. What a program does beyond this it does for its rules.
/// The table is a hash map, or an array in which each flow's place is known beforehand, as in no real table: what any table of
/// one access could reach.
/// </summary>
internal sealed class FloorProgram : IDisposable
{
    /// <summary>Ethernet, IPv4, UDP, and a reference of 68 bytes.</summary>
    public const int HeadersLength = 110;

    private const int Key = -16;

    private readonly int _count;
    private readonly BpfMap<FlowKey, Headers>? _flows;
    private readonly BpfMap<uint, Headers>? _places;

    /// <param name="flows">How many there are.</param>
    /// <param name="knowsPlaces">Whether the table is the array.</param>
    public FloorProgram(int flows, bool knowsPlaces = false)
    {
        _count = flows;
        if (knowsPlaces)
        {
            _places = new(BpfMapKind.Array, "bench_places", flows);
            return;
        }

        _flows = new(BpfMapKind.Hash, "bench_floor", flows);
        const int chunk = 4096;
        var keys = new FlowKey[Math.Min(chunk, flows)];
        var values = new Headers[keys.Length];
        for (int first = 0; first < flows; first += keys.Length)
        {
            for (int i = 0; i < keys.Length; i++)
            {
                keys[i] = new(BinaryPrimitives.ReverseEndianness(DrawnPacket.Client(first + i).V4), Destination, Ports, (uint)IpProtocol.Tcp);
            }

            if (_flows.WriteAll(keys, values) != keys.Length)
            {
                throw new BenchException("the floor's table took not all flows");
            }
        }
    }

    private static uint Destination => BinaryPrimitives.ReverseEndianness(NicBenchmark.Service.V4);

    private static uint Ports => BitConverter.ToUInt32([0x14, 0xE9, 0, 80]);

    /// <summary>The program behind <see cref="DrawnPacket.Draw"/>.</summary>
    /// <param name="code">Where to.</param>
    /// <param name="forwards">Whether it forwards; otherwise it passes the packet on after the lookup.</param>
    public void Emit(Assembler code, bool forwards)
    {
        const int ip = 14, tcp = 34, outerIp = 14, udp = 34;
        var pass = new Label("pass");
        code.BeginXdp();
        code.Require(R7, 54, pass);
        code.Load(Width.Half, R1, R7, 12);
        code.JumpIf(R1, When.NotEqual, 0x0008, pass);
        code.Load(Width.Byte, R1, R7, ip);
        code.JumpIf(R1, When.NotEqual, 0x45, pass);
        LookUp(code, ip, tcp, pass);
        if (!forwards)
        {
            code.Place(pass);
            code.Return(XdpAction.Pass);
            return;
        }

        code.Move(R9, R0);
        code.LoadBigEndian(Width.Half, R7, R7, ip + 2);
        code.Move(R1, R6);
        code.Move(R2, ip - HeadersLength);
        code.Call(KernelFunction.AdjustHead);
        code.JumpIf(R0, When.NotEqual, 0, pass);
        code.Move(R3, R7);
        code.LoadPacket();
        code.Require(R7, HeadersLength, pass);
        code.Copy(R7, 0, R9, 0, HeadersLength - 2);
        code.Load(Width.Half, R1, R9, HeadersLength - 2);
        code.Store(Width.Half, R7, HeadersLength - 2, R1);
        code.Add(R3, HeadersLength - udp);
        code.Move(R2, R3);
        code.SwapToBigEndian(R2, 16);
        code.Store(Width.Half, R7, udp + 4, R2);
        code.Add(R3, udp - outerIp);
        code.SwapToBigEndian(R3, 16);
        code.Store(Width.Half, R7, outerIp + 2, R3);
        code.Load(Width.Half, R2, R9, outerIp + 10);
        code.Add(R2, R3);
        code.FoldSum(R2);
        code.Xor(R2, 0xFFFF);
        code.Store(Width.Half, R7, outerIp + 10, R2);
        code.Return(XdpAction.Transmit);
        code.Place(pass);
        code.Return(XdpAction.Pass);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _flows?.Dispose();
        _places?.Dispose();
    }

    private void LookUp(Assembler code, int ip, int tcp, Label otherwise)
    {
        if (_places is not null)
        {
            code.LoadBigEndian(Width.Word, R1, R7, ip + 12);
            code.And(R1, _count - 1);
            code.Store(Width.Word, R10, Key, R1);
            code.Lookup(_places, Key, otherwise);
            return;
        }

        code.Copy(R10, Key, R7, ip + 12, 8);
        code.Copy(R10, Key + 8, R7, tcp, 4);
        code.Load(Width.Byte, R1, R7, ip + 9);
        code.Store(Width.Word, R10, Key + 12, R1);
        code.Lookup(_flows!, Key, otherwise);
    }

    private readonly record struct FlowKey(uint Source, uint Destination, uint Ports, uint Protocol);

    [InlineArray(HeadersLength + 2)]
    private struct Headers
    {
        private byte _first;
    }
}
