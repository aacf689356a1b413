namespace Baton.Link.Bpf;

/// <summary>A place in a program that jumps lead to, before or after it is known.</summary>
internal sealed class Label(string name)
{
    /// <summary>For messages.</summary>
    public string Name { get; } = name;

    /// <summary>The instruction that it stands before, or -1 before it is placed.</summary>
    public int Position { get; set; } = -1;
}

/// <summary>
/// Writes an eBPF program instruction by instruction. Arithmetic is of 64 bits, comparisons are unsigned. Jumps go to
/// labels, which may be placed before or after them.
/// </summary>
internal sealed class Assembler
{
    private readonly List<Instruction> _instructions = [];
    private readonly List<(int Jump, Label Target)> _jumps = [];

    /// <summary>Gives <paramref name="label"/> its place: before the next instruction.</summary>
    /// <exception cref="InvalidOperationException">It has one.</exception>
    public void Place(Label label)
    {
        if (label.Position >= 0)
        {
            throw new InvalidOperationException($"The label {label.Name} is placed twice.");
        }

        label.Position = _instructions.Count;
    }

    public void Move(Register to, Register from) => Arithmetic(Instruction.Move, to, from);

    /// <summary>Sign-extends to 64 bits.</summary>
    public void Move(Register to, int value) => Arithmetic(Instruction.Move, to, value);

    /// <summary>Copies the low 32 bits; the high ones become 0.</summary>
    public void MoveWord(Register to, Register from) =>
        Emit(Instruction.AluWordClass | Instruction.Move | Instruction.FromRegister, to, from, 0, 0);

    public void Add(Register to, Register from) => Arithmetic(Instruction.Add, to, from);

    public void Add(Register to, int value) => Arithmetic(Instruction.Add, to, value);

    public void Subtract(Register to, Register from) => Arithmetic(Instruction.Subtract, to, from);

    public void Subtract(Register to, int value) => Arithmetic(Instruction.Subtract, to, value);

    public void And(Register to, int value) => Arithmetic(Instruction.And, to, value);

    public void Or(Register to, Register from) => Arithmetic(Instruction.Or, to, from);

    public void Xor(Register to, Register from) => Arithmetic(Instruction.Xor, to, from);

    public void Xor(Register to, int value) => Arithmetic(Instruction.Xor, to, value);

    public void ShiftLeft(Register to, int bits) => Arithmetic(Instruction.ShiftLeft, to, bits);

    public void ShiftRight(Register to, int bits) => Arithmetic(Instruction.ShiftRight, to, bits);

    /// <summary>Between the machine's order and the network's: the low <paramref name="bits"/> (16, 32 or 64); higher ones become 0.</summary>
    public void SwapToBigEndian(Register register, int bits) => Emit(Instruction.SwapToBigEndian, register, 0, 0, bits);

    /// <summary>Loads what <paramref name="from"/> points to; narrow values are zero-extended.</summary>
    public void Load(Width width, Register to, Register from, int offset) =>
        Emit((byte)(Instruction.LoadClass | Instruction.Memory | (byte)width), to, from, offset, 0);

    /// <summary>Stores to where <paramref name="to"/> points.</summary>
    public void Store(Width width, Register to, int offset, Register from) =>
        Emit((byte)(Instruction.StoreClass | Instruction.Memory | (byte)width), to, from, offset, 0);

    /// <summary>Adds to the 32 or 64 bits in memory, atomically.</summary>
    public void AtomicAdd(Width width, Register to, int offset, Register from) =>
        Emit((byte)(Instruction.StoreClass | Instruction.Atomic | (byte)width), to, from, offset, 0);

    public void LoadConstant(Register to, ulong value)
    {
        Emit(Instruction.LoadDouble, to, 0, 0, (int)(uint)value);
        Emit(0, 0, 0, 0, (int)(value >> 32));
    }

    /// <summary>The address of a map, which the kernel finds by its descriptor when the program is loaded.</summary>
    public void LoadMap(Register to, IBpfMap map)
    {
        const Register byDescriptor = (Register)1;
        Emit(Instruction.LoadDouble, to, byDescriptor, 0, map.Descriptor);
        Emit(0, 0, 0, 0, 0);
    }

    public void Jump(Label target)
    {
        _jumps.Add((_instructions.Count, target));
        Emit(Instruction.JumpAlways, 0, 0, 0, 0);
    }

    public void JumpIf(Register left, When when, Register right, Label target)
    {
        _jumps.Add((_instructions.Count, target));
        Emit((byte)(Instruction.JumpClass | (byte)when | Instruction.FromRegister), left, right, 0, 0);
    }

    /// <summary>Compares with a constant, which is sign-extended to 64 bits.</summary>
    public void JumpIf(Register left, When when, int right, Label target)
    {
        _jumps.Add((_instructions.Count, target));
        Emit((byte)(Instruction.JumpClass | (byte)when), left, 0, 0, right);
    }

    /// <summary>Compares the low 32 bits with a constant.</summary>
    public void JumpIfWord(Register left, When when, uint right, Label target)
    {
        _jumps.Add((_instructions.Count, target));
        Emit((byte)(Instruction.JumpWordClass | (byte)when), left, 0, 0, (int)right);
    }

    public void Call(KernelFunction function) => Emit(Instruction.CallFunction, 0, 0, 0, (int)function);

    public void Exit() => Emit(Instruction.ExitProgram, 0, 0, 0, 0);

    /// <summary>The program, its jumps resolved.</summary>
    /// <exception cref="InvalidOperationException">A label has no place, or a jump is longer than 16 bits can say.</exception>
    public IReadOnlyList<Instruction> Assemble()
    {
        Instruction[] program = [.. _instructions];
        foreach (var (jump, target) in _jumps)
        {
            int distance = target.Position - jump - 1;
            if (target.Position < 0 || distance is < short.MinValue or > short.MaxValue)
            {
                throw new InvalidOperationException($"No jump can reach the label {target.Name}.");
            }

            program[jump] = program[jump] with { Offset = (short)distance };
        }

        return program;
    }

    private void Arithmetic(byte operation, Register to, Register from) =>
        Emit((byte)(Instruction.AluClass | operation | Instruction.FromRegister), to, from, 0, 0);

    private void Arithmetic(byte operation, Register to, int value) => Emit((byte)(Instruction.AluClass | operation), to, 0, 0, value);

    private void Emit(byte opcode, Register destination, Register source, int offset, int immediate) =>
        _instructions.Add(new Instruction(opcode, destination, source, checked((short)offset), immediate));
}
