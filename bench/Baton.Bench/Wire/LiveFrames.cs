using System.Runtime.CompilerServices;
using Baton.Bench.Machine;
using Baton.Bench.Nic;
using Baton.Link;
using Baton.Link.Bpf;
using Baton.Wire;
using static Baton.Link.Bpf.Register;

namespace Baton.Bench.Wire;

/// <summary>
/// Sends frames of 60 bytes, each of a flow drawn at random, from one core: a program that the kernel runs on frames of its
/// own (BPF_F_TEST_XDP_LIVE_FRAMES, <c>Documentation/bpf/bpf_prog_run.rst</c>) makes each frame and says when it leaves.
/// </summary>
internal sealed class LiveFrames : IDisposable
{
    // How many times the program is run by one call: twice as long as the longest measurement, whether each run sends or waits.
    private const int UnpacedRuns = 6_000_000, PacedRuns = 12_000_000;

    // Nanoseconds: what could not leave in time for longer than this is left out.
    private const int MostLate = 20_000;
    private const int PeriodOffset = 0, StopOffset = 8, NextOffset = 16, SentOffset = 24, Key = -8;

    private readonly DrawnPacket _packet;
    private readonly BpfMap<uint, Pace> _pace = new(BpfMapKind.Array, "bench_pace", 1);
    private readonly BpfProgram _program;
    private readonly string _space;
    private readonly int _interface;

    /// <param name="space">The network namespace to send from.</param>
    /// <param name="name">The interface there, which must have an XDP program.</param>
    /// <param name="to">The receiver's Ethernet address.</param>
    /// <param name="flows">How many flows there are: a power of two.</param>
    public LiveFrames(string space, string name, MacAddress to, int flows)
    {
        _packet = new DrawnPacket(to, NicBenchmark.Service, TcpFlags.Ack);
        _program = BpfProgram.Load("bench_live", Code(flows));
        _space = space;
        _interface = NetworkNamespace.Run(space, () =>
        {
            using var device = new KernelInterface(name);
            return device.Index;
        });
    }

    /// <summary>Frames that have left, or were to: what the other end had no room for among them.</summary>
    public long Sent => _pace.TryRead(0, out var pace) ? (long)pace.Sent : 0;

    /// <summary>Sends on the client's core.</summary>
    /// <param name="rate">Frames a second; 0 for as many as there can be.</param>
    /// <param name="during">What is measured meanwhile, on the calling thread, in less than half a second; when it returns, no more frames are sent.</param>
    public T While<T>(double rate, Func<T> during)
    {
        _pace.TryWrite(0, new Pace(rate == 0 ? 0 : (ulong)(1e9 / rate), 0, 0, 0));
        var sending = Task.Factory.StartNew(() => Send(rate == 0 ? UnpacedRuns : PacedRuns), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try
        {
            while (Sent == 0 && !sending.IsCompleted)
            {
                Thread.Yield();
            }

            var measured = during();
            return !sending.IsCompleted ? measured : throw new BenchException("the frames ended before the measurement did");
        }
        finally
        {
            // The runs that are left are short.
            _pace.TryWrite(0, new Pace(0, 1, 0, 0));
            sending.GetAwaiter().GetResult();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _program.Dispose();
        _pace.Dispose();
        _packet.Dispose();
    }

    private List<Instruction> Code(int flows)
    {
        var code = new Assembler();
        var early = new Label("early");
        var send = new Label("send");
        var inTime = new Label("in time");
        code.Move(R6, R1);
        code.StoreConstant(Width.Word, R10, Key, 0);
        code.Lookup(_pace, Key, early);
        code.Move(R9, R0);
        code.Load(Width.Double, R8, R9, PeriodOffset);
        code.Load(Width.Double, R7, R9, NextOffset);
        code.Load(Width.Double, R1, R9, StopOffset);
        code.JumpIf(R1, When.NotEqual, 0, early);
        code.JumpIf(R8, When.Equal, 0, send);
        code.Call(KernelFunction.MonotonicTime);
        code.JumpIf(R7, When.Greater, R0, early);
        code.Subtract(R0, MostLate);
        code.JumpIf(R7, When.Greater, R0, inTime);
        code.Move(R7, R0);
        code.Place(inTime);
        code.Add(R7, R8);
        code.Store(Width.Double, R9, NextOffset, R7);
        code.Place(send);
        code.Load(Width.Double, R1, R9, SentOffset);
        code.Add(R1, 1);
        code.Store(Width.Double, R9, SentOffset, R1);
        code.Move(R1, R6);
        _packet.Draw(code, flows);
        code.Return(XdpAction.Transmit);
        code.Place(early);
        code.Return(XdpAction.Drop);
        return [.. code.Assemble()];
    }

    private bool Send(int runs) => NetworkNamespace.Run(_space, () =>
    {
        Cores.Keep(Cores.Client);
        return Run(runs);
    });

    /// <summary>Safe: attribute, context and packet are on the stack or pinned for the call, which only reads them.</summary>
    private unsafe bool Run(int runs)
    {
        const int bpf = 321, testRun = 10, length = 128;
        const uint live = 2, batch = 64;
        byte* attribute = stackalloc byte[length];
        Unsafe.InitBlock(attribute, 0, length);
        int* context = stackalloc int[6] { 0, DrawnPacket.Length, 0, _interface, 0, 0 };
        fixed (byte* packet = _packet.Template)
        {
            *(int*)attribute = _program.Descriptor;
            *(int*)(attribute + 8) = DrawnPacket.Length;
            *(byte**)(attribute + 16) = packet;
            *(int*)(attribute + 32) = runs;
            *(int*)(attribute + 40) = 6 * sizeof(int);
            *(int**)(attribute + 48) = context;
            *(uint*)(attribute + 64) = live;
            *(uint*)(attribute + 72) = batch;
            return Syscalls.Call(bpf, testRun, (nint)attribute, 80) == 0
                ? true
                : throw new BenchException($"the kernel sends no live frames: {Syscalls.Describe(Syscalls.LastError)}");
        }
    }

    private readonly record struct Pace(ulong Period, ulong Stop, ulong Next, ulong Sent);
}
