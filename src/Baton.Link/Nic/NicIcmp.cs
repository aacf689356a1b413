using Baton.Link.Bpf;
using Baton.Wire;
using static Baton.Link.Bpf.Register;

namespace Baton.Link.Nic;

/// <summary>
/// An ICMP error belongs to the flow of the packet that it quotes (RFC 792, RFC 4443 §2.4). What is no error, or quotes a
/// packet with options or in fragments, or nothing that we sent, is left to the host.
/// </summary>
internal static class NicIcmp
{
    private const int Body = IcmpMessage.HeaderLength;

    public static void Read(NicCode nic)
    {
        ReadV4(nic);
        ReadV6(nic);
    }

    private static void ReadV4(NicCode nic)
    {
        const int quoted = Ipv4Header.Length + 4;
        var code = nic.Code;
        var error = new Label("icmp error");
        code.Place(nic.IcmpV4);
        LoadLength(nic, R2);
        code.JumpIf(R2, When.Less, Body + quoted, nic.Undecided);
        code.Require(R9, Body + quoted, nic.Undecided);
        code.Load(Width.Byte, R1, R9, 0);
        byte[] errors =
        [
            IcmpType.DestinationUnreachable, IcmpType.SourceQuench, IcmpType.Redirect, IcmpType.TimeExceeded, IcmpType.ParameterProblem,
        ];
        foreach (byte type in errors)
        {
            code.JumpIf(R1, When.Equal, type, error);
        }

        code.Jump(nic.Undecided);
        code.Place(error);
        code.Move(R3, 0);
        VerifySum(nic);

        // Version 4 without options, whole, of TCP or UDP, from the address that the error came to.
        code.Load(Width.Byte, R1, R9, Body);
        code.JumpIf(R1, When.NotEqual, 0x45, nic.Undecided);
        code.LoadBigEndian(Width.Half, R1, R9, Body + 2);
        code.JumpIf(R1, When.Less, quoted, nic.Undecided);
        code.LoadBigEndian(Width.Half, R1, R9, Body + 6);
        code.And(R1, 0x3FFF);
        code.JumpIf(R1, When.NotEqual, 0, nic.Undecided);
        code.Load(Width.Word, R1, R9, Body + 12);
        nic.LoadNumber(R2, NicCode.Local + 12);
        code.JumpIf(R1, When.NotEqual, R2, nic.Undecided);
        NicProgram.KeepV4(code, NicCode.Remote, Body + 16);
        code.Load(Width.Byte, R1, R9, Body + 9);
        KeepPorts(nic, Body + Ipv4Header.Length);
    }

    private static void ReadV6(NicCode nic)
    {
        const int quoted = Ipv6Header.Length + 4;
        var code = nic.Code;
        code.Place(nic.IcmpV6);
        LoadLength(nic, R2);
        code.JumpIf(R2, When.Less, Body + quoted, nic.Undecided);
        code.Require(R9, Body + quoted, nic.Undecided);
        code.Load(Width.Byte, R1, R9, 0);
        code.JumpIf(R1, When.GreaterOrEqual, 128, nic.Undecided);

        // The pseudo-header (RFC 8200 §8.1): both addresses, length and protocol.
        code.Move(R3, R2);
        code.SwapToBigEndian(R3, 16);
        code.Add(R3, (int)IpProtocol.IcmpV6 << 8);
        for (int at = 0; at < 32; at += 4)
        {
            nic.LoadNumber(R4, NicCode.Local + at);
            code.Add(R3, R4);
        }

        code.FoldSum(R3);
        VerifySum(nic);

        code.Load(Width.Byte, R1, R9, Body);
        code.ShiftRight(R1, 4);
        code.JumpIf(R1, When.NotEqual, 6, nic.Undecided);
        code.LoadBigEndian(Width.Half, R1, R9, Body + 4);
        code.JumpIf(R1, When.Less, 4, nic.Undecided);
        for (int half = 0; half < 16; half += 8)
        {
            code.Load(Width.Double, R1, R9, Body + 8 + half);
            code.Load(Width.Double, R2, R10, NicCode.Local + half);
            code.JumpIf(R1, When.NotEqual, R2, nic.Undecided);
        }

        code.Copy(R10, NicCode.Remote, R9, Body + 24, 16);
        var fine = new Label("no mapped address");
        code.Load(Width.Double, R1, R10, NicCode.Remote);
        code.JumpIf(R1, When.NotEqual, 0, fine);
        nic.LoadNumber(R1, NicCode.Remote + 8);
        code.JumpIfWord(R1, When.Equal, 0xFFFF_0000, nic.Undecided);
        code.Place(fine);
        code.Load(Width.Byte, R1, R9, Body + 6);
        KeepPorts(nic, Body + Ipv6Header.Length);
    }

    /// <summary>The message's length: what the IP packet holds.</summary>
    private static void LoadLength(NicCode nic, Register to)
    {
        nic.LoadNumber(to, NicCode.TotalLength);
        nic.LoadNumber(R3, NicCode.HeaderLength);
        nic.Code.Subtract(to, R3);
    }

    /// <summary>R2 is the message's length, R3 what the sum begins with; a wrong checksum is the host's to count.</summary>
    private static void VerifySum(NicCode nic)
    {
        var code = nic.Code;
        nic.KeepNumber(NicCode.SumLength, R2);
        nic.KeepNumber(NicCode.SumSeed, R3);
        nic.LoadNumber(R1, NicCode.HeaderLength);
        code.Add(R1, nic.IpOffset);
        nic.KeepNumber(NicCode.SumOffset, R1);
        NicSum.Emit(nic, nic.Undecided);
        code.JumpIf(R0, When.NotEqual, 0xFFFF, nic.Undecided);
    }

    /// <summary>Of a packet that we sent: the source is our end. R1 is its protocol.</summary>
    private static void KeepPorts(NicCode nic, int offset)
    {
        var code = nic.Code;
        var known = new Label("tcp or udp");
        code.JumpIf(R1, When.Equal, (int)IpProtocol.Tcp, known);
        code.JumpIf(R1, When.NotEqual, (int)IpProtocol.Udp, nic.Undecided);
        code.Place(known);
        nic.KeepNumber(NicCode.Protocol, R1);
        code.Load(Width.Half, R1, R9, offset);
        code.Store(Width.Half, R10, NicCode.LocalPort, R1);
        code.Load(Width.Half, R1, R9, offset + 2);
        code.Store(Width.Half, R10, NicCode.RemotePort, R1);
        code.Jump(nic.Lookup);
    }
}
