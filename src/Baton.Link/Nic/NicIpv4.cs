using Baton.Link.Bpf;
using Baton.Wire;
using static Baton.Link.Bpf.Register;

namespace Baton.Link.Nic;

/// <summary>Reads an IPv4 header (RFC 791): the same checks, in the same order, as <see cref="IpPacket"/>.</summary>
internal static class NicIpv4
{
    private const int MaxOptions = 10, MaxOptionWords = 10;

    public static void Read(NicCode nic)
    {
        const int sourceOffset = 12, destinationOffset = 16;
        var code = nic.Code;
        code.Place(nic.Ipv4);
        code.Require(R9, Ipv4Header.Length, nic.Kernel);
        code.Load(Width.Byte, R1, R9, 0);
        code.ShiftRight(R1, 4);
        code.JumpIf(R1, When.NotEqual, 4, nic.Kernel);
        NicProgram.KeepV4(code, NicCode.Local, destinationOffset);
        NicProgram.KeepV4(code, NicCode.Remote, sourceOffset);
        nic.LookUpAddress(nic.Kernel);
        nic.KeepNumber(NicCode.AddressKind, R1);

        CheckLengths(nic);
        CheckSum(nic);
        CheckOptions(nic);
        CheckFragment(nic);
        ToTransport(nic);
    }

    private static void CheckLengths(NicCode nic)
    {
        var code = nic.Code;
        code.Load(Width.Byte, R1, R9, 0);
        code.And(R1, 0xF);
        code.ShiftLeft(R1, 2);
        nic.KeepNumber(NicCode.HeaderLength, R1);
        code.LoadBigEndian(Width.Half, R2, R9, 2);
        nic.KeepNumber(NicCode.TotalLength, R2);
        code.JumpIf(R1, When.Less, Ipv4Header.Length, nic.Drop(DropReason.IpBadHeaderLength));
        code.JumpIf(R2, When.Less, R1, nic.Drop(DropReason.IpBadHeaderLength));
        nic.LoadNumber(R3, NicCode.FrameLength);
        code.Subtract(R3, nic.IpOffset);
        code.JumpIf(R2, When.Greater, R3, nic.Drop(DropReason.Truncated));
    }

    /// <summary>RFC 1071: the sum of all words of the header, checksum included, is all ones.</summary>
    private static void CheckSum(NicCode nic)
    {
        var code = nic.Code;
        var done = new Label("summed");
        code.Move(R2, 0);
        for (int at = 0; at < Ipv4Header.Length; at += 2)
        {
            code.Load(Width.Half, R3, R9, at);
            code.Add(R2, R3);
        }

        for (int at = Ipv4Header.Length; at < Ipv4Header.Length + (4 * MaxOptionWords); at += 4)
        {
            code.JumpIf(R1, When.LessOrEqual, at, done);
            code.Require(R9, at + 4, nic.Undecided);
            code.Load(Width.Half, R3, R9, at);
            code.Add(R2, R3);
            code.Load(Width.Half, R3, R9, at + 2);
            code.Add(R2, R3);
        }

        code.Place(done);
        code.FoldSum(R2);
        code.JumpIf(R2, When.NotEqual, 0xFFFF, nic.Drop(DropReason.IpBadChecksum));
    }

    /// <summary>
    /// Walks the options, ten at most: their lengths have to fit, and source routes are dropped (RFC 7126 §4.3, §4.4). R1
    /// is where the walk stands, R2 where the options end.
    /// </summary>
    private static void CheckOptions(NicCode nic)
    {
        const int looseSourceRoute = 131, strictSourceRoute = 137;
        var code = nic.Code;
        var done = new Label("options read");
        nic.LoadNumber(R2, NicCode.HeaderLength);
        code.JumpIf(R2, When.Equal, Ipv4Header.Length, done);
        code.Move(R1, Ipv4Header.Length);
        for (int i = 0; i < MaxOptions; i++)
        {
            var next = new Label("next option");
            var longOption = new Label("option with a length");
            code.And(R1, 0x7F);
            code.JumpIf(R1, When.GreaterOrEqual, R2, done);
            code.Move(R3, R9);
            code.Add(R3, R1);
            code.Require(R3, 1, nic.Undecided);
            code.Load(Width.Byte, R4, R3, 0);
            code.JumpIf(R4, When.Equal, 0, done);
            code.JumpIf(R4, When.NotEqual, 1, longOption);
            code.Add(R1, 1);
            code.Jump(next);

            code.Place(longOption);
            code.Move(R0, R1);
            code.Add(R0, 2);
            code.JumpIf(R0, When.Greater, R2, nic.Drop(DropReason.IpBadOptions));
            code.Require(R3, 2, nic.Undecided);
            code.Load(Width.Byte, R0, R3, 1);
            code.JumpIf(R0, When.Less, 2, nic.Drop(DropReason.IpBadOptions));
            code.Add(R1, R0);
            code.JumpIf(R1, When.Greater, R2, nic.Drop(DropReason.IpBadOptions));
            code.JumpIf(R4, When.Equal, looseSourceRoute, nic.Drop(DropReason.IpSourceRoute));
            code.JumpIf(R4, When.Equal, strictSourceRoute, nic.Drop(DropReason.IpSourceRoute));
            code.Place(next);
        }

        code.JumpIf(R1, When.Less, R2, nic.Undecided);
        code.Place(done);
    }

    /// <summary>A fragment that cannot be one is dropped; the host puts the others together.</summary>
    private static void CheckFragment(NicCode nic)
    {
        var code = nic.Code;
        var whole = new Label("no fragment");
        code.LoadBigEndian(Width.Half, R1, R9, 6);
        code.Move(R2, R1);
        code.And(R2, 0x3FFF);
        code.JumpIf(R2, When.Equal, 0, whole);
        code.And(R2, 0x1FFF);
        code.ShiftLeft(R2, 3);
        nic.LoadNumber(R3, NicCode.TotalLength);
        code.Add(R2, R3);
        code.JumpIf(R2, When.Greater, ushort.MaxValue, nic.Drop(DropReason.IpBadFragment));
        code.And(R1, 0x2000);
        code.JumpIf(R1, When.Equal, 0, nic.Undecided);
        nic.LoadNumber(R2, NicCode.HeaderLength);
        code.Subtract(R3, R2);
        code.And(R3, 7);
        code.JumpIf(R3, When.NotEqual, 0, nic.Drop(DropReason.IpBadFragment));
        code.Jump(nic.Undecided);
        code.Place(whole);
    }

    private static void ToTransport(NicCode nic)
    {
        var code = nic.Code;
        var ports = new Label("ports");
        code.Load(Width.Byte, R1, R9, 9);
        nic.KeepNumber(NicCode.Protocol, R1);
        nic.LoadNumber(R2, NicCode.HeaderLength);
        code.And(R2, 0x3F);
        code.Add(R9, R2);
        code.JumpIf(R1, When.Equal, (int)IpProtocol.Icmp, nic.IcmpV4);
        code.JumpIf(R1, When.Equal, (int)IpProtocol.Tcp, ports);
        code.JumpIf(R1, When.NotEqual, (int)IpProtocol.Udp, nic.Undecided);
        code.Place(ports);
        nic.LoadNumber(R3, NicCode.TotalLength);
        code.Subtract(R3, R2);
        code.JumpIf(R3, When.Less, 4, nic.Drop(DropReason.Truncated));
        code.Jump(nic.Transport);
    }
}
