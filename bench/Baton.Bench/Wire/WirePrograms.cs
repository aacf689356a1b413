using Baton.Bench.Nic;
using Baton.Link.Bpf;
using Baton.Wire;
using static Baton.Link.Bpf.Register;

namespace Baton.Bench.Wire;

/// <summary>The programs at the ends of the cables.</summary>
internal static class WirePrograms
{
    private const int Key = -4;

    /// <summary>Counts what arrives, and drops it; ARP is the kernel's.</summary>
    public static BpfProgram Sink(PerCpuCounters counter)
    {
        var code = new Assembler();
        var kernel = new Label("kernel");
        code.BeginXdp();
        code.Require(R7, EthernetHeader.Length, kernel);
        code.LoadBigEndian(Width.Half, R1, R7, 12);
        code.JumpIf(R1, When.Equal, EtherType.Arp, kernel);
        code.Count(counter, 0, Key);
        code.Return(XdpAction.Drop);
        code.Place(kernel);
        code.Return(XdpAction.Pass);
        return BpfProgram.Load("bench_sink", code.Assemble(), multiBuffer: true);
    }

    /// <summary>The least that a forwarder does: swaps the Ethernet addresses and sends the frame back.</summary>
    public static BpfProgram Reflect()
    {
        var code = new Assembler();
        var pass = new Label("pass");
        code.BeginXdp();
        code.Require(R7, EthernetHeader.Length, pass);
        SwapAddresses(code);
        code.Return(XdpAction.Transmit);
        code.Place(pass);
        code.Return(XdpAction.Pass);
        return BpfProgram.Load("bench_reflect", code.Assemble(), multiBuffer: true);
    }

    /// <summary>Sends the frame back with the headers that a table of finished ones has for its flow.</summary>
    public static BpfProgram Floor(FloorProgram table)
    {
        var code = new Assembler();
        table.Emit(code, forwards: true);
        return BpfProgram.Load("bench_floor", code.Assemble(), multiBuffer: true);
    }

    /// <summary>As <see cref="Reflect"/>, but to another interface.</summary>
    public static BpfProgram Redirect(BpfMap<uint, uint> devices)
    {
        var code = new Assembler();
        var pass = new Label("pass");
        code.BeginXdp();
        code.Require(R7, EthernetHeader.Length, pass);
        SwapAddresses(code);
        code.LoadMap(R1, devices);
        code.Move(R2, 1);
        code.Move(R3, (int)XdpAction.Drop);
        code.Call(KernelFunction.RedirectMap);
        code.Exit();
        code.Place(pass);
        code.Return(XdpAction.Pass);
        return BpfProgram.Load("bench_redirect", code.Assemble(), multiBuffer: true);
    }

    private static void SwapAddresses(Assembler code)
    {
        code.Load(Width.Word, R1, R7, 0);
        code.Load(Width.Half, R2, R7, 4);
        code.Load(Width.Word, R3, R7, 6);
        code.Load(Width.Half, R4, R7, 10);
        code.Store(Width.Word, R7, 0, R3);
        code.Store(Width.Half, R7, 4, R4);
        code.Store(Width.Word, R7, 6, R1);
        code.Store(Width.Half, R7, 10, R2);
    }
}
