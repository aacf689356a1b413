using Baton.Link.Bpf;
using Baton.Link.Nic;
using Baton.Testing;
using static Baton.Link.Bpf.Register;

namespace Baton.Link.Tests.Bpf;

public sealed class DisassemblyTests
{
    [Fact(Skip = Disassembly.NoLlvm, SkipUnless = nameof(Disassembly.HasLlvm), SkipType = typeof(Disassembly))]
    public void Llvm_reads_each_instruction_as_we_list_it()
    {
        var program = Programs.EachInstruction();

        Assert.Equal(Disassembly.Ours(program), Disassembly.ByLlvm(program));
    }

    [BpfFact]
    public void Llvm_reads_the_directors_program_as_we_list_it()
    {
        using var maps = new NicMaps(new NicLimits());
        var program = NicProgram.Assemble(maps, Frames.A, vlan: 5);

        Assert.Equal(Disassembly.Ours(program), Disassembly.ByLlvm(program));
    }

    [BpfFact]
    public void Bpftool_shows_the_loaded_program_as_we_list_it()
    {
        // Nothing here that the verifier would rewrite: no map, no context, no code that is never reached.
        var code = new Assembler();
        var even = new Label("even");
        code.Call(KernelFunction.MonotonicTime);
        code.Store(Width.Double, R10, -8, R0);
        code.Load(Width.Double, R1, R10, -8);
        code.SwapToBigEndian(R1, 64);
        code.ShiftRight(R1, 3);
        code.And(R1, 0xFF);
        code.Move(R0, 1);
        code.JumpIf(R1, When.LessOrEqual, 17, even);
        code.Add(R0, 1);
        code.Place(even);
        code.Exit();
        var instructions = code.Assemble();

        using var program = BpfProgram.Load("baton_listing", instructions);

        // The kernel's function has a name there, which is its number here.
        Assert.Equal(
            Disassembly.Ours(instructions)[1..],
            Disassembly.ByBpftool(program)[1..]);
    }
}
