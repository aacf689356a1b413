using Baton.Link.Bpf;
using static Baton.Link.Bpf.Register;

namespace Baton.Link.Tests.Bpf;

/// <summary>Programs for tests.</summary>
internal static class Programs
{
    /// <summary>Returns an action, whatever comes.</summary>
    public static IReadOnlyList<Instruction> Always(XdpAction action)
    {
        var code = new Assembler();
        code.Return(action);
        return code.Assemble();
    }

    /// <summary>Each instruction that the assembler has, in an order that makes no sense.</summary>
    public static IReadOnlyList<Instruction> EachInstruction()
    {
        var code = new Assembler();
        var back = new Label("back");
        var ahead = new Label("ahead");
        code.Place(back);
        code.Move(R1, R2);
        code.Move(R3, -7);
        code.MoveWord(R4, R5);
        code.Add(R6, R7);
        code.Add(R8, 0x7FFF_FFFF);
        code.Subtract(R9, R0);
        code.Subtract(R1, 12);
        code.And(R2, 0xFFFF);
        code.Or(R3, R4);
        code.Xor(R5, 1);
        code.ShiftLeft(R6, 3);
        code.ShiftRight(R7, 63);
        foreach (int bits in (int[])[16, 32, 64])
        {
            code.SwapToBigEndian(R1, bits);
        }

        foreach (var width in Enum.GetValues<Width>())
        {
            code.Load(width, R1, R2, 12);
            code.Load(width, R3, R10, -8);
            code.Store(width, R10, -16, R4);
        }

        code.AtomicAdd(Width.Double, R0, 8, R1);
        code.AtomicAdd(Width.Word, R0, 0, R1);
        code.LoadConstant(R2, 0x1122_3344_8899_AABB);
        foreach (var when in Enum.GetValues<When>())
        {
            code.JumpIf(R1, when, R2, ahead);
            code.JumpIf(R3, when, 500, back);
            code.JumpIfWord(R3, when, 7, back);
        }

        code.Jump(back);
        code.Place(ahead);
        code.Call(KernelFunction.MapLookup);
        code.Exit();
        return code.Assemble();
    }
}
