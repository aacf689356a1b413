using System.Runtime.CompilerServices;
using Baton.Link.Bpf;
using static Baton.Link.Bpf.Register;

namespace Baton.Link.Nic;

/// <summary>
/// Sums a stretch of the packet for an Internet checksum (RFC 1071): it is copied to where its length may vary, filled up
/// with zeros to a multiple of four, and summed by one call. A loop over the packet would have more paths than the
/// verifier follows.
/// </summary>
internal static class NicSum
{
    /// <summary>The longest stretch.</summary>
    public const int MaxLength = 0xFFF;

    /// <summary>Room for a stretch and what it is filled up with.</summary>
    [InlineArray(MaxLength + 9)]
    public struct Scratch
    {
        private byte _first;
    }

    /// <summary>
    /// Adds to the seed on the stack the words of the stretch whose start (from the packet's) and length are on the stack
    /// too, and leaves the sum, folded, in R0. Overwrites R1 to R5.
    /// </summary>
    /// <param name="nic">The program.</param>
    /// <param name="otherwise">Where to go when it is longer than <see cref="MaxLength"/>, or the kernel's sums are of 512 bytes at most (before 6.13).</param>
    public static void Emit(NicCode nic, Label otherwise)
    {
        const int threeMore = 3, multipleOfFour = 0x1FFC;
        var code = nic.Code;
        code.StoreConstant(Width.Word, R10, NicCode.Index, 0);
        code.Lookup(nic.Maps.Scratch, NicCode.Index, otherwise);
        code.Store(Width.Double, R10, NicCode.SumPointer, R0);
        code.Move(R1, R6);
        nic.LoadNumber(R2, NicCode.SumOffset);
        code.Move(R3, R0);
        nic.LoadNumber(R4, NicCode.SumLength);
        code.JumpIf(R4, When.Greater, MaxLength, otherwise);
        code.JumpIf(R4, When.Equal, 0, otherwise);
        code.Call(KernelFunction.LoadBytes);
        code.JumpIf(R0, When.NotEqual, 0, otherwise);

        code.Load(Width.Double, R3, R10, NicCode.SumPointer);
        nic.LoadNumber(R4, NicCode.SumLength);
        code.And(R4, MaxLength);
        code.Move(R2, R3);
        code.Add(R2, R4);
        code.StoreConstant(Width.Word, R2, 0, 0);
        code.Add(R4, threeMore);
        code.And(R4, multipleOfFour);
        code.Move(R1, 0);
        code.Move(R2, 0);
        nic.LoadNumber(R5, NicCode.SumSeed);
        code.Call(KernelFunction.ChecksumDifference);
        code.Move(R1, R0);
        code.ShiftRight(R1, 32);
        code.JumpIf(R1, When.NotEqual, 0, otherwise);
        code.FoldSum(R0);
    }
}
