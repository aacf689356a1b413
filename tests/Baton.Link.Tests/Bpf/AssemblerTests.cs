using Baton.Link.Bpf;
using static Baton.Link.Bpf.Register;

namespace Baton.Link.Tests.Bpf;

public sealed class AssemblerTests
{
    /// <summary>The bytes are those of the kernel's own macros (include/linux/filter.h), worked out by hand.</summary>
    [Fact]
    public void Instructions_have_the_bytes_that_the_kernel_reads()
    {
        var code = new Assembler();
        var end = new Label("end");
        code.Move(R6, R1);
        code.Move(R0, 2);
        code.Load(Width.Word, R2, R1, 4);
        code.Store(Width.Double, R10, -8, R2);
        code.Add(R2, -14);
        code.JumpIf(R2, When.Greater, R3, end);
        code.LoadConstant(R4, 0x1122_3344_5566_7788);
        code.AtomicAdd(Width.Double, R0, 0, R1);
        code.SwapToBigEndian(R5, 16);
        code.Call(KernelFunction.RedirectMap);
        code.Place(end);
        code.Exit();

        Assert.Equal(
            [
                0x00000000_0000_16BF,
                0x00000002_0000_00B7,
                0x00000000_0004_1261,
                0x00000000_FFF8_2A7B,
                0xFFFFFFF2_0000_0207,
                0x00000000_0005_322D,
                0x55667788_0000_0418,
                0x11223344_0000_0000,
                0x00000000_0000_10DB,
                0x00000010_0000_05DC,
                0x00000033_0000_0085,
                0x00000000_0000_0095,
            ],
            code.Assemble().Select(instruction => instruction.Encoded));
    }

    [Fact]
    public void Jumps_count_from_the_next_instruction_forwards_and_backwards()
    {
        var code = new Assembler();
        var start = new Label("start");
        var end = new Label("end");
        code.Place(start);
        code.JumpIf(R1, When.Equal, 0, end);
        code.LoadConstant(R2, 1);
        code.Jump(start);
        code.Place(end);
        code.Exit();

        Assert.Equal([3, 0, 0, -4, 0], code.Assemble().Select(instruction => (int)instruction.Offset));
    }

    [Fact]
    public void A_label_without_a_place_and_one_with_two_are_named()
    {
        var code = new Assembler();
        var label = new Label("nowhere");
        code.Jump(label);
        Assert.Contains("nowhere", Assert.Throws<InvalidOperationException>(code.Assemble).Message, StringComparison.Ordinal);

        code.Place(label);
        Assert.Contains("nowhere", Assert.Throws<InvalidOperationException>(() => code.Place(label)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_jump_beyond_sixteen_bits_is_refused()
    {
        var code = new Assembler();
        var far = new Label("far");
        code.Jump(far);
        for (int i = 0; i <= short.MaxValue; i++)
        {
            code.Move(R0, 0);
        }

        code.Place(far);
        code.Exit();

        Assert.Throws<InvalidOperationException>(code.Assemble);
    }
}
