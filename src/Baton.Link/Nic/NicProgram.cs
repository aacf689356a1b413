using Baton.Link.Bpf;
using Baton.Wire;
using static Baton.Link.Bpf.Register;

namespace Baton.Link.Nic;

/// <summary>
/// The director's program on the interface: decides about each packet by a copy of the director's entries, forwards what
/// another node owns, and hands up what is this host's. Whatever it cannot decide it hands up; the host decides again.
/// </summary>
internal static class NicProgram
{
    /// <summary>The program, from the frame's first byte to the action.</summary>
    /// <param name="maps">What it knows.</param>
    /// <param name="address">The interface's Ethernet address.</param>
    /// <param name="vlan">The VLAN whose frames are the program's, 1 to 4094; 0 for frames without a tag.</param>
    /// <param name="before">What is to run first, for who measures; it leaves the context in R1.</param>
    public static IReadOnlyList<Instruction> Assemble(NicMaps maps, MacAddress address, int vlan = 0, Action<Assembler>? before = null)
    {
        var code = new Assembler();
        before?.Invoke(code);
        var nic = new NicCode(code, maps, address, vlan);
        ReadEthernet(nic);
        ReadArp(nic);
        NicIpv4.Read(nic);
        NicIpv6.Read(nic);
        NicIcmp.Read(nic);
        ReadTransport(nic);
        NicEncapsulated.Check(nic);
        NicDecision.Decide(nic);
        NicForwarding.Forward(nic);
        HandUp(nic);
        LeaveToKernel(nic);
        nic.PlaceDrops();
        return code.Assemble();
    }

    /// <summary>Loads the program.</summary>
    public static BpfProgram Load(NicMaps maps, MacAddress address, int vlan = 0) =>
        BpfProgram.Load("baton_nic", Assemble(maps, address, vlan), multiBuffer: true);

    /// <summary>Whose frame, and what is in it?</summary>
    private static void ReadEthernet(NicCode nic)
    {
        var code = nic.Code;
        var ours = new Label("our frame");
        code.BeginXdp();
        code.Move(R1, R6);
        code.Call(KernelFunction.PacketLength);
        nic.KeepNumber(NicCode.FrameLength, R0);
        foreach (int place in (int[])[NicCode.Metadata, NicCode.MetadataId])
        {
            code.StoreConstant(Width.Double, R10, place, 0);
        }

        code.StoreConstant(Width.Word, R10, NicCode.IsSyn, 0);
        code.Require(R7, nic.IpOffset, nic.Kernel);
        code.Move(R9, R7);
        code.Add(R9, nic.IpOffset);
        code.Load(Width.Half, R1, R9, -2);
        if (nic.Vlan != 0)
        {
            VlanTag.Check(code, nic.Vlan, nic.Kernel);
        }

        code.SwapToBigEndian(R1, 16);
        code.JumpIf(R1, When.Equal, EtherType.Arp, nic.Arp);

        // To us or to a group; what others are sent is the kernel's to ignore.
        code.Load(Width.Byte, R2, R7, 0);
        code.And(R2, 1);
        code.JumpIf(R2, When.Equal, 1, ours);
        code.LoadBigEndian(Width.Word, R2, R7, 0);
        code.JumpIfWord(R2, When.NotEqual, (uint)(nic.Address.Value >> 16), nic.Kernel);
        code.LoadBigEndian(Width.Half, R2, R7, 4);
        code.JumpIf(R2, When.NotEqual, (int)(nic.Address.Value & 0xFFFF), nic.Kernel);
        code.Place(ours);
        code.JumpIf(R1, When.Equal, EtherType.Ipv4, nic.Ipv4);
        code.JumpIf(R1, When.Equal, EtherType.Ipv6, nic.Ipv6);
        code.Jump(nic.Kernel);
    }

    /// <summary>
    /// ARP about an address of ours is the stack's to answer or to learn from (RFC 826): by its target address. So is what a
    /// neighbour says of itself, which may have another Ethernet address now (RFC 5227 §3).
    /// </summary>
    private static void ReadArp(NicCode nic)
    {
        const int senderOffset = 14, targetOffset = 24;
        var code = nic.Code;
        var notOurs = new Label("not about us");
        code.Place(nic.Arp);
        code.Require(R9, ArpPacket.Length, nic.Kernel);
        KeepV4(code, NicCode.Local, targetOffset);
        nic.LookUpAddress(notOurs);
        nic.JumpUp(NicVerdict.Host);

        code.Place(notOurs);
        KeepV4(code, NicCode.Remote, senderOffset);
        code.Lookup(nic.Maps.Neighbours, NicCode.Remote, nic.Kernel);
        nic.JumpUp(NicVerdict.Host);
    }

    /// <summary>An IPv4 address at <paramref name="offset"/> from R9, onto the stack as the maps have it.</summary>
    public static void KeepV4(Assembler code, int place, int offset)
    {
        code.StoreConstant(Width.Double, R10, place, 0);
        code.StoreConstant(Width.Word, R10, place + 8, unchecked((int)0xFFFF_0000));
        code.Load(Width.Word, R1, R9, offset);
        code.Store(Width.Word, R10, place + 12, R1);
    }

    /// <summary>Ports, and whether it is a SYN; encapsulated packets go their own way.</summary>
    private static void ReadTransport(NicCode nic)
    {
        var code = nic.Code;
        var udp = new Label("udp");
        code.Place(nic.Transport);
        code.Require(R9, 4, nic.Undecided);
        code.Load(Width.Half, R1, R9, 0);
        code.Store(Width.Half, R10, NicCode.RemotePort, R1);
        code.Load(Width.Half, R2, R9, 2);
        code.Store(Width.Half, R10, NicCode.LocalPort, R2);
        nic.LoadNumber(R3, NicCode.Protocol);
        code.JumpIf(R3, When.Equal, (int)IpProtocol.Udp, udp);

        // SYN without ACK, RST and FIN (RFC 9293 §3.1).
        const int flagsOffset = 13, mask = 0x17, syn = 0x02;
        code.Require(R9, flagsOffset + 1, nic.Lookup);
        code.Load(Width.Byte, R1, R9, flagsOffset);
        code.And(R1, mask);
        code.JumpIf(R1, When.NotEqual, syn, nic.Lookup);
        code.StoreConstant(Width.Word, R10, NicCode.IsSyn, 1);
        code.Jump(nic.Lookup);

        code.Place(udp);
        code.SwapToBigEndian(R2, 16);
        code.JumpIf(R2, When.NotEqual, GeneveHeader.Port, nic.Lookup);
        nic.LoadNumber(R3, NicCode.AddressKind);
        code.JumpIf(R3, When.Equal, (int)NicAddressKind.Lan, nic.Encapsulated);

        // A client's packet that looks encapsulated belongs to no flow: the host refuses it.
        code.Jump(nic.Undecided);
    }

    /// <summary>To the XDP socket of the queue, with the metadata before the packet.</summary>
    private static void HandUp(NicCode nic)
    {
        const int metadataPointer = 8, queue = 16;
        var code = nic.Code;
        var redirect = new Label("redirect");
        code.Place(nic.Undecided);
        code.StoreConstant(Width.Word, R10, NicCode.Metadata, (int)NicMetadata.Marked(NicVerdict.Undecided));
        code.Place(nic.HandUp);
        nic.LoadNumber(R1, NicCode.Metadata);
        code.And(R1, 0xFF);
        nic.KeepNumber(NicCode.Index, R1);
        nic.CountIndex();
        if (nic.Vlan != 0)
        {
            VlanTag.TakeOff(code, redirect);
        }

        code.Move(R1, R6);
        code.Move(R2, -NicMetadata.Length);
        code.Call(KernelFunction.AdjustMetadata);
        code.JumpIf(R0, When.NotEqual, 0, redirect);
        code.LoadPacket();
        code.Load(Width.Word, R9, R6, metadataPointer);
        code.Move(R1, R9);
        code.Add(R1, NicMetadata.Length);
        code.JumpIf(R1, When.Greater, R7, redirect);
        code.Copy(R9, 0, R10, NicCode.Metadata, NicMetadata.Length);
        code.Place(redirect);
        code.LoadMap(R1, nic.Maps.Sockets);
        code.Load(Width.Word, R2, R6, queue);
        code.Move(R3, (int)XdpAction.Drop);
        code.Call(KernelFunction.RedirectMap);
        code.Exit();
    }

    private static void LeaveToKernel(NicCode nic)
    {
        nic.Code.Place(nic.Kernel);
        nic.Count(NicVerdict.Kernel);
        nic.Code.Return(XdpAction.Pass);
    }
}
