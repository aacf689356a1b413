using static Baton.Link.Bpf.Register;

namespace Baton.Link.Bpf;

/// <summary>
/// Sequences that XDP programs are made of, in the form that the kernel's verifier follows. By convention a program keeps
/// its context in <see cref="R6"/>, the packet's start in <see cref="R7"/> and its end in <see cref="R8"/>; the other
/// registers named are overwritten.
/// </summary>
internal static class PacketPatterns
{
    /// <summary>Keeps the context, which arrives in R1, and loads start and end.</summary>
    public static void BeginXdp(this Assembler code)
    {
        code.Move(R6, R1);
        code.LoadPacket();
    }

    /// <summary>Loads start and end of the packet; needed again after a call that moved them.</summary>
    public static void LoadPacket(this Assembler code)
    {
        code.Load(Width.Word, R7, R6, 0);
        code.Load(Width.Word, R8, R6, 4);
    }

    /// <summary>
    /// Jumps to <paramref name="otherwise"/> unless <paramref name="bytes"/> bytes from <paramref name="pointer"/> on lie
    /// in the packet. Behind it they may be read and written. Overwrites <paramref name="scratch"/>.
    /// </summary>
    public static void Require(this Assembler code, Register pointer, int bytes, Label otherwise, Register scratch = R5)
    {
        code.Move(scratch, pointer);
        code.Add(scratch, bytes);
        code.JumpIf(scratch, When.Greater, R8, otherwise);
    }

    /// <summary>Stores a constant. Overwrites <paramref name="scratch"/>.</summary>
    public static void StoreConstant(this Assembler code, Width width, Register to, int offset, int value, Register scratch = R5)
    {
        code.Move(scratch, value);
        code.Store(width, to, offset, scratch);
    }

    /// <summary>Loads a number in network order.</summary>
    public static void LoadBigEndian(this Assembler code, Width width, Register to, Register from, int offset)
    {
        code.Load(width, to, from, offset);
        code.SwapToBigEndian(to, width switch { Width.Half => 16, Width.Word => 32, _ => 64 });
    }

    /// <summary>Copies <paramref name="bytes"/>, a multiple of four. Overwrites <paramref name="scratch"/>.</summary>
    public static void Copy(this Assembler code, Register to, int toOffset, Register from, int fromOffset, int bytes, Register scratch = R5)
    {
        int at = 0;
        for (; at + 8 <= bytes; at += 8)
        {
            code.Load(Width.Double, scratch, from, fromOffset + at);
            code.Store(Width.Double, to, toOffset + at, scratch);
        }

        for (; at < bytes; at += 4)
        {
            code.Load(Width.Word, scratch, from, fromOffset + at);
            code.Store(Width.Word, to, toOffset + at, scratch);
        }
    }

    /// <summary>
    /// Looks up the key that stands at <paramref name="keyOffset"/> from the frame pointer; the value's address is then in
    /// R0. Overwrites R1 to R5.
    /// </summary>
    public static void Lookup(this Assembler code, IBpfMap map, int keyOffset, Label otherwise)
    {
        code.LoadMap(R1, map);
        code.Move(R2, R10);
        code.Add(R2, keyOffset);
        code.Call(KernelFunction.MapLookup);
        code.JumpIf(R0, When.Equal, 0, otherwise);
    }

    /// <summary>
    /// Adds one to a counter of this processor's. Uses four bytes of stack at <paramref name="keyOffset"/>; overwrites R0
    /// to R5.
    /// </summary>
    public static void Count(this Assembler code, PerCpuCounters counters, int index, int keyOffset)
    {
        var missing = new Label("no counter");
        code.StoreConstant(Width.Word, R10, keyOffset, index);
        code.Lookup(counters, keyOffset, missing);
        code.AddOne();
        code.Place(missing);
    }

    /// <summary>
    /// Adds one to this processor's own 64 bits at R0. Not atomically, which would cost as much as a lookup: no other XDP
    /// program runs on a processor before this one has ended. Overwrites R1.
    /// </summary>
    public static void AddOne(this Assembler code)
    {
        code.Load(Width.Double, R1, R0, 0);
        code.Add(R1, 1);
        code.Store(Width.Double, R0, 0, R1);
    }

    /// <summary>Folds a sum of 16-bit words in <paramref name="sum"/> to 16 bits. Overwrites <paramref name="scratch"/>.</summary>
    /// <param name="code">The program.</param>
    /// <param name="sum">Less than 2^48.</param>
    /// <param name="scratch">Another register.</param>
    public static void FoldSum(this Assembler code, Register sum, Register scratch = R5)
    {
        for (int i = 0; i < 3; i++)
        {
            code.Move(scratch, sum);
            code.ShiftRight(scratch, 16);
            code.And(sum, 0xFFFF);
            code.Add(sum, scratch);
        }
    }

    /// <summary>Ends the program with an action.</summary>
    public static void Return(this Assembler code, XdpAction action)
    {
        code.Move(R0, (int)action);
        code.Exit();
    }
}
