using Baton.Link.Bpf;
using static Baton.Link.Bpf.Register;

namespace Baton.Link.Nic;

/// <summary>The tag of a VLAN (IEEE 802.1Q) in front of a frame's EtherType, as programs on an interface see it: R6 is the context, R7 the frame.</summary>
internal static class VlanTag
{
    /// <summary>Tag protocol, then priority and VLAN, in bytes.</summary>
    public const int Length = 4;

    /// <summary>The tag protocol identifier, where the EtherType stands otherwise.</summary>
    public const ushort Protocol = 0x8100;

    /// <summary>The largest number of a VLAN; 0 and 4095 name none.</summary>
    public const int Most = 4094;

    private const int ProtocolOffset = 12, NumberOffset = 14;

    /// <summary>Goes elsewhere with frames that are not of the VLAN. As many bytes are known to be there as tag and Ethernet header take. Changes R2.</summary>
    public static void Check(Assembler code, int vlan, Label otherwise)
    {
        code.LoadBigEndian(Width.Half, R2, R7, ProtocolOffset);
        code.JumpIf(R2, When.NotEqual, Protocol, otherwise);
        code.LoadBigEndian(Width.Half, R2, R7, NumberOffset);
        code.And(R2, 0xFFF);
        code.JumpIf(R2, When.NotEqual, vlan, otherwise);
    }

    /// <summary>Moves both Ethernet addresses over the tag: the stack knows none. Changes R0 to R5; R7 is not the frame any more.</summary>
    public static void TakeOff(Assembler code, Label failed)
    {
        code.LoadPacket();
        code.Require(R7, Wire.EthernetHeader.Length + Length, failed);
        code.Load(Width.Double, R1, R7, 0);
        code.Load(Width.Word, R2, R7, 8);
        code.Store(Width.Double, R7, Length, R1);
        code.Store(Width.Word, R7, Length + 8, R2);
        code.Move(R1, R6);
        code.Move(R2, Length);
        code.Call(KernelFunction.AdjustHead);
        code.JumpIf(R0, When.NotEqual, 0, failed);
    }
}
