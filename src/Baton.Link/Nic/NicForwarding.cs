using Baton.Link.Bpf;
using Baton.Wire;
using static Baton.Link.Bpf.Register;

namespace Baton.Link.Nic;

/// <summary>
/// Sends a packet to its owner as the director's own encapsulation would: outer headers, the owner's reference, and the
/// client's packet unchanged. R9 is the flow's entry.
/// </summary>
internal static class NicForwarding
{
    private const int UdpSource = 0, UdpLength = 4, UdpSum = 6;

    // References of owners on a lan of each family: of IPv4 and of IPv6 clients.
    private static readonly int[] ReferencesFromV4 = [68, 92], ReferencesFromV6 = [80, 104];

    public static void Forward(NicCode nic)
    {
        var code = nic.Code;
        var v6 = new Label("outer ipv6");
        code.Place(nic.Forward);
        code.Load(Width.Word, R1, R9, NicFlow.NextHopOffset);
        nic.KeepNumber(NicCode.Index, R1);
        code.Lookup(nic.Maps.NextHops, NicCode.Index, nic.Undecided);
        code.Store(Width.Double, R10, NicCode.NextHop, R0);
        code.Load(Width.Word, R1, R0, NicNextHop.IsV6Offset);
        code.JumpIf(R1, When.NotEqual, 0, v6);
        Encapsulate(nic, isV6: false);
        code.Place(v6);
        Encapsulate(nic, isV6: true);
    }

    /// <summary>R0 is the next hop.</summary>
    private static void Encapsulate(NicCode nic, bool isV6)
    {
        int headers = isV6 ? NicNextHop.HeadersLengthV6 : NicNextHop.HeadersLengthV4;
        var code = nic.Code;
        FitToLan(nic, headers);
        if (isV6)
        {
            FitToSum(nic);
        }

        TrimPadding(nic);
        MakeRoom(nic, headers);
        WriteTemplate(nic, headers, isV6);

        // From here on R7 and R8 are the new packet's.
        int udp = headers - UdpHeader.Length;
        code.LoadPacket();
        code.Require(R7, headers, nic.Drop(DropReason.Truncated));
        code.Load(Width.Half, R1, R9, NicFlow.SourcePortOffset);
        code.Store(Width.Half, R7, udp + UdpSource, R1);
        LoadDatagramLength(nic, R1);
        code.Move(R2, R1);
        code.SwapToBigEndian(R2, 16);
        code.Store(Width.Half, R7, udp + UdpLength, R2);
        if (isV6)
        {
            code.Store(Width.Half, R7, EthernetHeader.Length + 4, R2);
            WriteUdpSum(nic, udp);
        }
        else
        {
            WriteIpv4Length(nic);
        }

        Send(nic);
    }

    /// <summary>What would have to be cut goes to the host.</summary>
    private static void FitToLan(NicCode nic, int headers)
    {
        var code = nic.Code;
        nic.LoadNumber(R1, NicCode.TotalLength);
        code.Load(Width.Word, R2, R9, NicFlow.ReferenceLengthOffset);
        code.Add(R1, R2);
        code.Add(R1, headers - EthernetHeader.Length);
        code.Load(Width.Word, R2, R0, NicNextHop.MtuOffset);
        code.JumpIf(R1, When.Greater, R2, nic.Undecided);
    }

    /// <summary>What could not be summed goes to the host too. R1 is the new packet's length.</summary>
    private static void FitToSum(NicCode nic) => nic.Code.JumpIf(R1, When.Greater, NicSum.MaxLength, nic.Undecided);

    /// <summary>What a short frame was filled up with is no part of the packet.</summary>
    private static void TrimPadding(NicCode nic)
    {
        var code = nic.Code;
        var none = new Label("no padding");
        nic.LoadNumber(R2, NicCode.TotalLength);
        code.Add(R2, nic.IpOffset);
        nic.LoadNumber(R1, NicCode.FrameLength);
        code.Subtract(R2, R1);
        code.JumpIf(R2, When.Equal, 0, none);
        code.Move(R1, R6);
        code.Call(KernelFunction.AdjustTail);
        code.JumpIf(R0, When.NotEqual, 0, nic.Undecided);
        code.Place(none);
    }

    private static void MakeRoom(NicCode nic, int headers)
    {
        var code = nic.Code;
        code.Load(Width.Word, R3, R9, NicFlow.ReferenceLengthOffset);
        code.Move(R2, nic.IpOffset - headers);
        code.Subtract(R2, R3);
        code.Move(R1, R6);
        code.Call(KernelFunction.AdjustHead);
        code.JumpIf(R0, When.NotEqual, 0, nic.Undecided);
    }

    /// <summary>
    /// Copies outer headers and reference. A copy of a length that the program knows is a dozen loads and stores; another
    /// length is copied by a call.
    /// </summary>
    private static void WriteTemplate(NicCode nic, int headers, bool isV6)
    {
        var code = nic.Code;
        var failed = nic.Drop(DropReason.Truncated);
        var done = new Label("reference copied");
        code.LoadPacket();
        code.Require(R7, headers, failed);
        code.Load(Width.Double, R3, R10, NicCode.NextHop);
        CopyExactly(code, R7, 0, R3, NicNextHop.HeadersOffset, headers);
        code.Load(Width.Word, R4, R9, NicFlow.ReferenceLengthOffset);
        foreach (int length in isV6 ? ReferencesFromV6 : ReferencesFromV4)
        {
            var other = new Label("another length");
            code.JumpIf(R4, When.NotEqual, length, other);
            code.Require(R7, headers + length, failed);
            CopyExactly(code, R7, headers, R9, NicFlow.ReferenceOffset, length);
            code.Jump(done);
            code.Place(other);
        }

        code.JumpIf(R4, When.Greater, EncodedReference.MaxLength, failed);
        code.JumpIf(R4, When.Equal, 0, failed);
        code.Move(R1, R6);
        code.Move(R2, headers);
        code.Move(R3, R9);
        code.Add(R3, NicFlow.ReferenceOffset);
        code.Call(KernelFunction.StoreBytes);
        code.JumpIf(R0, When.NotEqual, 0, failed);
        code.Place(done);
    }

    private static void CopyExactly(Assembler code, Register to, int toOffset, Register from, int fromOffset, int bytes)
    {
        int words = bytes & ~3;
        code.Copy(to, toOffset, from, fromOffset, words);
        if (words < bytes)
        {
            code.Load(Width.Half, R5, from, fromOffset + words);
            code.Store(Width.Half, to, toOffset + words, R5);
        }
    }

    /// <summary>UDP's header, the reference and the client's packet.</summary>
    private static void LoadDatagramLength(NicCode nic, Register to)
    {
        nic.LoadNumber(to, NicCode.TotalLength);
        nic.Code.Load(Width.Word, R2, R9, NicFlow.ReferenceLengthOffset);
        nic.Code.Add(to, R2);
        nic.Code.Add(to, UdpHeader.Length);
    }

    /// <summary>R1 is the datagram's length. The rest of the header is summed already.</summary>
    private static void WriteIpv4Length(NicCode nic)
    {
        const int ip = EthernetHeader.Length;
        var code = nic.Code;
        code.Add(R1, Ipv4Header.Length);
        code.SwapToBigEndian(R1, 16);
        code.Store(Width.Half, R7, ip + 2, R1);
        code.Load(Width.Double, R2, R10, NicCode.NextHop);
        code.Load(Width.Word, R2, R2, NicNextHop.SumOffset);
        code.Add(R2, R1);
        code.FoldSum(R2);
        code.Xor(R2, 0xFFFF);
        code.Store(Width.Half, R7, ip + 10, R2);
    }

    /// <summary>R2 is the datagram's length in network order. RFC 8200 §8.1: over IPv6 the checksum is computed.</summary>
    private static void WriteUdpSum(NicCode nic, int udp)
    {
        const int addresses = EthernetHeader.Length + 8, addressesLength = 32;
        var code = nic.Code;
        var notZero = new Label("not zero");
        code.Add(R2, (int)IpProtocol.Udp << 8);
        nic.KeepNumber(NicCode.SumSeed, R2);
        code.Add(R1, addressesLength);
        nic.KeepNumber(NicCode.SumLength, R1);
        code.StoreConstant(Width.Word, R10, NicCode.SumOffset, addresses);

        // FitToSum has let none pass that this is too short for.
        NicSum.Emit(nic, nic.Drop(DropReason.TooBig));
        code.Xor(R0, 0xFFFF);
        code.JumpIf(R0, When.NotEqual, 0, notZero);
        code.Move(R0, 0xFFFF);
        code.Place(notZero);
        code.Require(R7, udp + UdpHeader.Length, nic.Drop(DropReason.Truncated));
        code.Store(Width.Half, R7, udp + UdpSum, R0);
    }

    /// <summary>Out by the lan's interface, or by the one that the packet came by.</summary>
    private static void Send(NicCode nic)
    {
        var code = nic.Code;
        var same = new Label("same interface");
        nic.Count(NicVerdict.Forwarded);
        code.Load(Width.Double, R1, R10, NicCode.NextHop);
        code.Load(Width.Word, R2, R1, NicNextHop.DeviceOffset);
        code.JumpIf(R2, When.Equal, 0, same);
        code.LoadMap(R1, nic.Maps.Devices);
        code.Move(R3, (int)XdpAction.Drop);
        code.Call(KernelFunction.RedirectMap);
        code.Exit();
        code.Place(same);
        code.Return(XdpAction.Transmit);
    }
}
