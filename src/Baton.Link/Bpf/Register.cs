namespace Baton.Link.Bpf;

/// <summary>
/// The registers of eBPF (RFC 9669 §2). <see cref="R0"/> returns, <see cref="R1"/> to <see cref="R5"/> are arguments and
/// lost in a call, <see cref="R6"/> to <see cref="R9"/> survive it, <see cref="R10"/> is the frame pointer: 512 bytes of
/// stack lie below it.
/// </summary>
internal enum Register : byte
{
    R0,
    R1,
    R2,
    R3,
    R4,
    R5,
    R6,
    R7,
    R8,
    R9,
    R10,
}

/// <summary>How much a load or store moves (RFC 9669 §5); the value is the opcode's size field.</summary>
internal enum Width : byte
{
    /// <summary>32 bits.</summary>
    Word = 0x00,

    /// <summary>16 bits.</summary>
    Half = 0x08,

    /// <summary>8 bits.</summary>
    Byte = 0x10,

    /// <summary>64 bits.</summary>
    Double = 0x18,
}

/// <summary>When a conditional jump is taken (RFC 9669 §4.3); comparisons are unsigned.</summary>
internal enum When : byte
{
    Equal = 0x10,
    Greater = 0x20,
    GreaterOrEqual = 0x30,
    NotEqual = 0x50,
    Less = 0xA0,
    LessOrEqual = 0xB0,
}

/// <summary>Functions of the kernel that programs call, by their numbers in <c>include/uapi/linux/bpf.h</c>.</summary>
internal enum KernelFunction
{
    /// <summary>(map, key) → pointer to the value, or 0.</summary>
    MapLookup = 1,

    /// <summary>(map, key, value, flags) → 0 or an error.</summary>
    MapUpdate = 2,

    /// <summary>() → nanoseconds of the monotonic clock.</summary>
    MonotonicTime = 5,

    /// <summary>(from, its length, to, its length, seed) → a 32-bit sum as for an Internet checksum; lengths are multiples of 4.</summary>
    ChecksumDifference = 28,

    /// <summary>(packet context, bytes) → 0; moves the packet's start.</summary>
    AdjustHead = 44,

    /// <summary>(map, key, action if there is no such entry) → the action to return.</summary>
    RedirectMap = 51,

    /// <summary>(packet context, bytes) → 0; moves the start of the metadata before the packet.</summary>
    AdjustMetadata = 54,

    /// <summary>(packet context, bytes) → 0; moves the packet's end.</summary>
    AdjustTail = 65,

    /// <summary>(packet context) → the packet's length, all its fragments included. Since Linux 5.18.</summary>
    PacketLength = 188,

    /// <summary>(packet context, offset, to, length) → 0; copies out of the packet. Since Linux 5.18.</summary>
    LoadBytes = 189,

    /// <summary>(packet context, offset, from, length) → 0; copies into the packet. Since Linux 5.18.</summary>
    StoreBytes = 190,
}

/// <summary>What an XDP program returns.</summary>
internal enum XdpAction
{
    /// <summary>The program is at fault; the packet is dropped.</summary>
    Aborted,

    /// <summary>The packet ends here.</summary>
    Drop,

    /// <summary>The packet goes on to the kernel.</summary>
    Pass,

    /// <summary>The packet leaves by the interface that it came by.</summary>
    Transmit,

    /// <summary>The packet goes where a redirect function said.</summary>
    Redirect,
}
