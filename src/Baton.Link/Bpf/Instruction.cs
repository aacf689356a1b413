namespace Baton.Link.Bpf;

/// <summary>One instruction of eBPF, 64 bits (RFC 9669 §3). A load of 64 bits takes two, the second with opcode 0.</summary>
internal readonly record struct Instruction(byte Opcode, Register Destination, Register Source, short Offset, int Immediate)
{
    /// <summary>Classes: the low three bits of an opcode.</summary>
    public const byte LoadClass = 0x01, StoreClass = 0x03, JumpClass = 0x05, JumpWordClass = 0x06, AluClass = 0x07, AluWordClass = 0x04;

    /// <summary>The source is a register, not the immediate.</summary>
    public const byte FromRegister = 0x08;

    /// <summary>Operations of the arithmetic classes.</summary>
    public const byte Add = 0x00, Subtract = 0x10, Or = 0x40, And = 0x50, ShiftLeft = 0x60, ShiftRight = 0x70, Xor = 0xA0, Move = 0xB0;

    /// <summary>The rest that is used here.</summary>
    public const byte JumpAlways = 0x05, CallFunction = 0x85, ExitProgram = 0x95, SwapToBigEndian = 0xDC, LoadDouble = 0x18;

    /// <summary>Modes of loads and stores.</summary>
    public const byte Memory = 0x60, Atomic = 0xC0;

    /// <summary>The instruction as a little-endian machine has it in memory.</summary>
    public ulong Encoded =>
        Opcode
        | (ulong)Destination << 8
        | (ulong)Source << 12
        | (ulong)(ushort)Offset << 16
        | (ulong)(uint)Immediate << 32;

    /// <summary>The instruction as LLVM's disassembler writes it; the first half of a 64-bit load without its value.</summary>
    public override string ToString() => Listing.Of(this);
}
