using System.Globalization;

namespace Baton.Link.Bpf;

/// <summary>Writes instructions as LLVM's disassembler does.</summary>
internal static class Listing
{
    /// <summary>One line for each instruction; a 64-bit load, which takes two, has one.</summary>
    public static IEnumerable<string> Of(IReadOnlyList<Instruction> program)
    {
        for (int i = 0; i < program.Count; i++)
        {
            var instruction = program[i];
            if (instruction.Opcode == Instruction.LoadDouble)
            {
                ulong value = (uint)instruction.Immediate | (ulong)(uint)program[++i].Immediate << 32;
                yield return instruction.Source == 0
                    ? Format($"{Name(instruction.Destination)} = {value} ll")
                    : Format($"ld_pseudo {Name(instruction.Destination)}, {(int)instruction.Source}, {value}");
            }
            else
            {
                yield return Of(instruction);
            }
        }
    }

    /// <summary>One instruction.</summary>
    public static string Of(Instruction instruction) => (instruction.Opcode & 7) switch
    {
        Instruction.AluClass or Instruction.AluWordClass => Arithmetic(instruction),
        Instruction.JumpClass or Instruction.JumpWordClass => Jump(instruction),
        Instruction.LoadClass => Format($"{Name(instruction.Destination)} = {Place(instruction, instruction.Source)}"),
        Instruction.StoreClass when (instruction.Opcode & 0xE0) == Instruction.Atomic =>
            Format($"lock {Place(instruction, instruction.Destination)} += {Name(instruction.Source)}"),
        Instruction.StoreClass => Format($"{Place(instruction, instruction.Destination)} = {Name(instruction.Source)}"),
        _ => Format($"{Name(instruction.Destination)} = ll"),
    };

    private static string Arithmetic(Instruction instruction)
    {
        if (instruction.Opcode == Instruction.SwapToBigEndian)
        {
            return Format($"{Name(instruction.Destination)} = be{instruction.Immediate} {Name(instruction.Destination)}");
        }

        string operation = (instruction.Opcode & 0xF0) switch
        {
            Instruction.Add => "+=",
            Instruction.Subtract => "-=",
            Instruction.Or => "|=",
            Instruction.And => "&=",
            Instruction.ShiftLeft => "<<=",
            Instruction.ShiftRight => ">>=",
            Instruction.Xor => "^=",
            _ => "=",
        };
        bool word = (instruction.Opcode & 7) == Instruction.AluWordClass;
        return Format($"{Name(instruction.Destination, word)} {operation} {Right(instruction, word)}");
    }

    private static string Jump(Instruction instruction)
    {
        switch (instruction.Opcode)
        {
            case Instruction.ExitProgram:
                return "exit";
            case Instruction.CallFunction:
                return Format($"call {instruction.Immediate}");
            case Instruction.JumpAlways:
                return Format($"goto {instruction.Offset:+0;-0;+0}");
            default:
                break;
        }

        string comparison = (When)(instruction.Opcode & 0xF0) switch
        {
            When.Equal => "==",
            When.Greater => ">",
            When.GreaterOrEqual => ">=",
            When.NotEqual => "!=",
            When.Less => "<",
            _ => "<=",
        };
        bool word = (instruction.Opcode & 7) == Instruction.JumpWordClass;
        return Format($"if {Name(instruction.Destination, word)} {comparison} {Right(instruction, word)} goto {instruction.Offset:+0;-0;+0}");
    }

    private static string Right(Instruction instruction, bool word) =>
        (instruction.Opcode & Instruction.FromRegister) != 0 ? Name(instruction.Source, word) : Format($"{instruction.Immediate}");

    private static string Place(Instruction instruction, Register pointer)
    {
        int bits = (Width)(instruction.Opcode & 0x18) switch
        {
            Width.Byte => 8,
            Width.Half => 16,
            Width.Word => 32,
            _ => 64,
        };
        return Format($"*(u{bits} *)({Name(pointer)} {(instruction.Offset < 0 ? '-' : '+')} {Math.Abs((int)instruction.Offset)})");
    }

    private static string Name(Register register, bool word = false) => Format($"{(word ? 'w' : 'r')}{(int)register}");

    private static string Format(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
